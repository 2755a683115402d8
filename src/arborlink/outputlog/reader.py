"""Read a log by offset, from any process, while it is being written.

The index is read anew for every chunk, and compared again after the data was read: a writer that
drops or prunes changes the index before it removes the data.
"""

import os
import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self

from arborlink.outputlog import index as ix
from arborlink.outputlog.checking import damaged_ranges
from arborlink.outputlog.errors import BelowStart, LogCorrupt, LogMissing
from arborlink.outputlog.files import LogFile, data_path, index_path
from arborlink.outputlog.model import Chunk, Gap, Record, join_gaps, reason_text
from arborlink.outputlog.recovery import load_gaps

_FEW_RECORDS: Final = 32  # read of the index at first: usually enough for a chunk
_ATTEMPTS: Final = 1000  # a record changes at most twice, so this is only against endless loops

# On the kinds of consecutive records, one byte each: marks between records of a stream hide
# nothing, and matching bytes is far faster than looking at records one by one.
_MARKS: Final = re.compile(rb"[\x07\x08\x0b]*")
_RUNS: Final = {
    ix.OUT: re.compile(rb"\x01(?:[\x07\x08\x0b]*\x01)*"),
    ix.ERR: re.compile(rb"\x02(?:[\x07\x08\x0b]*\x02)*"),
}
_EITHER: Final = re.compile(rb"[\x01\x02](?:[\x07\x08\x0b]*[\x01\x02])*")
_MIXED_RUNS: Final = {ix.OUT: _EITHER, ix.ERR: _EITHER}

_Runs = dict[int, re.Pattern[bytes]]
"""What may be joined to a record, by its kind."""


class _Run(NamedTuple):
    """Consecutive records: where they are, and what one read can take of them."""

    slot: int
    raw: bytes
    first: ix.Entry
    end: int


class LogReader:
    """A reader with a position hint: going on where the last read ended costs no search.

    Attributes:
        log_id: 32 hexadecimal digits that never change.
    """

    def __init__(self, stem: Path) -> None:
        """Open the log `stem` for reading.

        Raises:
            LogMissing: there is none yet.
            LogCorrupt: its header is unusable, or it is no file.
        """
        index_file = _opened(index_path(stem), stem)
        try:
            header = index_file.read(ix.HEADER_BYTES, 0)
            if not header:
                raise LogMissing(stem)
            self.log_id = ix.decode_header(header, stem)
            self._data = _opened(data_path(stem), stem)
        except BaseException:
            index_file.close()
            raise
        self._index = ix.Index(index_file)
        self._slot = 0  # the record at or after offset `_offset` is here, unless the log was cut
        self._offset = 0
        self._records = _FEW_RECORDS
        self._corrupt: dict[int, Gap] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(
        self, offset: int, max_bytes: int, *, merge: bool = True, verify: bool = False
    ) -> Chunk | Gap | None:
        """Return what comes at an offset: output of one stream, or a gap; None at the end.

        Args:
            offset: where to read, also in the middle of a record or of a gap.
            max_bytes: the most that a chunk may hold, at least 1.
            merge: join consecutive records of a stream; else a chunk is at most one record.
            verify: compare the data with its checksums; costs about as much again.

        Returns:
            A chunk that begins at `offset`, or the rest of the gap from `offset` on. Damage that
            is noticed is a gap with the reason "corrupt", see `corrupt_ranges`.

        Raises:
            BelowStart: the bytes were pruned.
        """
        return self._read(offset, max_bytes, _RUNS if merge else None, verify)

    def read_mixed(self, offset: int, max_bytes: int) -> bytes | Gap | None:
        """Return the bytes at an offset, whichever stream wrote them; else as `read`.

        Raises:
            BelowStart: the bytes were pruned.
        """
        found = self._read(offset, max_bytes, _MIXED_RUNS, verify=False)
        return found.data if isinstance(found, Chunk) else found

    def _read(
        self, offset: int, max_bytes: int, runs: _Runs | None, verify: bool
    ) -> Chunk | Gap | None:
        if offset < 0 or max_bytes < 1:
            raise ValueError(f"cannot read {max_bytes} bytes at {offset}")
        for _ in range(_ATTEMPTS):
            found = self._find(offset, max_bytes, runs)
            if not isinstance(found, _Run):
                return found
            data = self._data.read(found.end - offset, offset)
            position = ix.position_of(found.slot)
            if self._index.file.read(len(found.raw), position) != found.raw:
                continue  # dropped, pruned or cut in the meantime: these bytes may be gone
            if len(data) != found.end - offset:
                if offset + len(data) < found.first.end:
                    return self._note_corrupt(offset, found.first.end)
                found = found._replace(end=found.first.end)
                data = data[: found.end - offset]
            if verify and (end := self._intact_until(found, offset, data)) < found.end:
                if self._index.file.read(len(found.raw), position) != found.raw:
                    continue
                if end == offset:
                    return self._note_corrupt(offset, self._record_end(offset))
                data = data[: end - offset]
            first = found.first
            return Chunk(offset, first.kind == ix.ERR, first.time, data)
        raise AssertionError("the index keeps changing")

    def records(self, start: int, end: int) -> Iterator[Record | Gap]:
        """Yield the records in [start, end), clipped to it; stops at the log's end.

        Raises:
            BelowStart: the range begins in what was pruned.
        """
        while start < end:
            found = self._find(start, end - start, _RUNS)
            if found is None:
                return
            if isinstance(found, Gap):
                yield Gap(found.start, min(found.end, end), found.reason)
                start = found.end
                continue
            for position in range(0, len(found.raw), ix.RECORD_BYTES):
                entry = ix.decode(found.raw, position)
                if entry is None or not entry.is_data or entry.offset >= found.end:
                    continue
                stop = min(entry.end, found.end)
                yield Record(start, stop - start, entry.kind == ix.ERR, entry.time)
                start = stop

    def gaps(self) -> tuple[Gap, ...]:
        """Return all gaps as of now, in order; touching ones of the same reason are one."""
        return tuple(load_gaps(self._index, self._index.count()))

    def start(self) -> int:
        """Return the first offset that can be read, as of now."""
        count = self._index.count()
        _, entry = self._index.next_good(self._index.first_kept(count), count)
        return max(0, entry.offset) if entry is not None else 0

    def end(self) -> int:
        """Return the offset after the last whole record, as of now."""
        for slot in range(self._index.count() - 1, -1, -1):
            entry = self._index.entry(slot)
            if entry is not None and entry.kind != ix.PRUNED:
                return entry.end
        return 0

    def missing_end(self) -> Gap | None:
        """Return the records at the end that the data file is too short for, None if it is not."""
        end, size = self.end(), self._data.size()
        if size >= end:
            return None
        slot = self._index.first_from(size + 1, self._index.count()) - 1
        entry = self._index.entry(slot) if slot >= 0 else None
        return self._note_corrupt(size if entry is None else max(0, entry.offset), end)

    def verify(self) -> list[Gap]:
        """Read everything that is kept, compare it with its checksums, and return the damage."""
        for gap in damaged_ranges(self._index, self._data):
            self._note_corrupt(gap.start, gap.end)
        return self.corrupt_ranges()

    def corrupt_ranges(self) -> list[Gap]:
        """Return the damage noticed so far, in order."""
        return join_gaps([self._corrupt[start] for start in sorted(self._corrupt)])

    def close(self) -> None:
        """Close the files."""
        self._data.close()
        self._index.file.close()

    def _find(self, offset: int, max_bytes: int, runs: _Runs | None) -> _Run | Gap | None:
        """Return what is at an offset: by the hint if that leads there, else by a search."""
        if offset >= self._offset:
            block = self._index.block(self._slot, self._records)
            if not block and offset == self._offset and self._index.count() == self._slot:
                return None
            run = self._run_in(block, self._slot, offset, max_bytes, runs)
            if run is not None:
                return run
        return self._search(offset, max_bytes, runs)

    def _search(self, offset: int, max_bytes: int, runs: _Runs | None) -> _Run | Gap | None:
        """Return what is at an offset, by binary search."""
        count = self._index.count()
        after = self._index.first_from(offset + 1, count)
        entry = self._index.entry(after - 1) if after else None
        if entry is not None and entry.end > offset:
            if entry.kind == ix.GAP:
                return self._gap(entry, offset, count)
            self._slot, self._offset = after - 1, entry.offset
            block = self._index.block(after - 1, self._records)
            return self._run_in(block, after - 1, offset, max_bytes, runs) or self._search(
                offset, max_bytes, runs
            )
        _, following = self._index.next_good(after, count)
        if following is None:
            if entry is not None and entry.end == offset and after == count:
                self._slot, self._offset = count, offset
            return None
        if entry is not None and entry.kind == ix.PRUNED:
            raise BelowStart(offset, following.offset)
        return self._note_corrupt(offset, following.offset)

    def _run_in(
        self, block: bytes, slot: int, offset: int, max_bytes: int, runs: _Runs | None
    ) -> _Run | None:
        """Return the run at the front of a block of the index, None if the offset is not in it."""
        kinds = block[ix.KIND_BYTE :: ix.RECORD_BYTES]
        at = _MARKS.match(kinds).end()  # type: ignore[union-attr]  # it matches nothing, too
        first = ix.decode(block, at * ix.RECORD_BYTES)
        if first is None or not first.is_data or not first.offset <= offset < first.end:
            return None
        stop, end = at + 1, first.end
        if runs is not None and end - offset < max_bytes:
            run = runs[first.kind].match(kinds, at)
            last = ix.decode(block, (run.end() - 1) * ix.RECORD_BYTES) if run else None
            if run and last is not None and last.end > end:
                stop, end = run.end(), last.end
            if stop == len(kinds) == self._records < ix.BLOCK_RECORDS and end - offset < max_bytes:
                self._records = ix.BLOCK_RECORDS
                return self._run_in(
                    self._index.block(slot, self._records), slot, offset, max_bytes, runs
                )
        self._slot, self._offset = slot + stop, end
        if end - offset > max_bytes:
            end = offset + max_bytes
            inside = _covering(block, at, stop, end)
            self._slot, self._offset = slot + inside, _offset_at(block, inside)
            stop = min(stop, inside + 1)
        self._records = min(ix.BLOCK_RECORDS, max(_FEW_RECORDS, 2 * stop))
        raw = block[at * ix.RECORD_BYTES : stop * ix.RECORD_BYTES]
        return _Run(slot + at, raw, first, end)

    def _gap(self, entry: ix.Entry, offset: int, count: int) -> Gap:
        """Return a gap from an offset on, joined with those that touch it for the same reason."""
        end = entry.end
        while True:
            slot = self._index.first_from(end + 1, count) - 1
            following = self._index.entry(slot)
            if following is None or following.kind != ix.GAP or following.time != entry.time:
                break
            if following.end <= end:
                break
            end = following.end
        return Gap(offset, end, reason_text(entry.time))

    def _note_corrupt(self, start: int, end: int) -> Gap:
        gap = Gap(start, end, "corrupt")
        self._corrupt[start] = gap
        return gap

    def _record_end(self, offset: int) -> int:
        """Return the end of the record an offset is in."""
        slot = self._index.first_from(offset + 1, self._index.count()) - 1
        entry = self._index.entry(slot)
        return entry.end if entry is not None else offset + 1

    def _intact_until(self, run: _Run, offset: int, data: bytes) -> int:
        """Return the end of the data before the first record whose checksum does not match."""
        for position in range(0, len(run.raw), ix.RECORD_BYTES):
            entry = ix.decode(run.raw, position)
            if entry is None or not entry.is_data or entry.offset >= run.end:
                continue
            if offset <= entry.offset and entry.end <= run.end:
                piece = data[entry.offset - offset : entry.end - offset]
            else:
                piece = self._data.read(entry.length, entry.offset)
            if zlib.crc32(piece) != entry.crc:
                return max(offset, entry.offset)
        return run.end


def _opened(path: Path, stem: Path) -> LogFile:
    try:
        # O_NONBLOCK: opening a pipe would wait until its other end is opened.
        file = LogFile(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise LogMissing(stem) from None
    if not file.is_regular():
        file.close()
        raise LogCorrupt(stem, f"{path.name} is no file")
    return file


def _offset_at(raw: bytes, record: int) -> int:
    """Return the offset field of a record."""
    position = record * ix.RECORD_BYTES
    return int.from_bytes(raw[position : position + 8], "little")


def _covering(raw: bytes, low: int, high: int, offset: int) -> int:
    """Return the last of the records [low, high) that begins at or before an offset."""
    return bisect_right(range(high), offset, low, key=lambda at: _offset_at(raw, at)) - 1
