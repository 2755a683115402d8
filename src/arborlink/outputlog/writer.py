"""The single writer of a log.

A log with the stem `dir/x` is `x.log`, where a byte's offset is its position in the file, and
`x.idx`, which has stream, range and time of each append. Data is written before its record, so that
a reader finds the data of every record in the index. No threads and no asyncio in here.
"""

import os
import zlib
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from arborlink.outputlog import drop as drops
from arborlink.outputlog import index as ix
from arborlink.outputlog.crc import crc32_combine
from arborlink.outputlog.errors import LogExists, LogFailed, LogMissing
from arborlink.outputlog.files import LogFile, Opener, data_path, index_path
from arborlink.outputlog.forgetting import ForgetPoint, free_again, merged_start
from arborlink.outputlog.freeing import plan as plan_freeing
from arborlink.outputlog.model import Gap, join_gaps, place_gap, reason_code, reason_text
from arborlink.outputlog.recovery import LogState, gap_pieces, recover
from arborlink.outputlog.sync import FreePoint, SyncPoint

FREE_STEP: Final = 4 * 1024 * 1024  # bytes, pruned space is given back in pieces of at least this
CHECKPOINT_STEP: Final = 1024 * 1024  # bytes between offsets whose checksum is remembered
_COMBINE_FROM: Final = 24 * 1024  # bytes, from here on combining checksums beats a second pass


class OutputLog:
    """An open log that is appended to. One per log, in one process.

    Attributes:
        log_id: 32 hexadecimal digits that never change.
        start: the first offset that is kept; what is below was pruned.
        end: the offset after the last byte (or gap).
        synced: everything below this offset is on the disk for good, or was pruned.
        checksum: CRC-32 of all bytes of the log that are not in gaps; what was pruned or forgotten
            counts.
        recovery: what was cut off when the log was opened, None if nothing was.
    """

    def __init__(
        self, stem: Path, log_id: str, index: ix.Index, data: LogFile, state: LogState
    ) -> None:
        self.log_id = log_id
        self.start = state.start
        self.end = state.end
        self.synced = state.synced
        self.checksum = state.checksum
        self.recovery = state.recovery
        self._index = index
        self._data = data
        self._slots = state.slots
        self._synced_checksum = state.synced_checksum
        self._pieces = gap_pieces(index, state.slots)  # as recorded, as far as `forget` has to know
        self._gaps = join_gaps(self._pieces)
        self._gap_bytes = self._count_gap_bytes()
        self._unsynced_directory: Path | None = stem.parent
        self._marked: tuple[int, int] | None = None  # start and synced in the last MARK
        # Record ends above `synced`, at each of which a MARK could call everything before durable.
        self._checkpoints: deque[tuple[int, int]] = deque()
        self._freed = self._freed_at_open(state.slots)
        self._forgetting = False
        self._failure: OSError | None = None

    @classmethod
    def create(cls, stem: Path, log_id: str, *, opener: Opener = LogFile) -> Self:
        """Create an empty log; its folder must exist.

        Args:
            stem: folder and name without the suffix.
            log_id: 32 hexadecimal digits.
            opener: opens both files.

        Raises:
            LogExists: there is one already.
            ValueError: the id is not one.
            OSError: the disk refuses.
        """
        header = ix.encode_header(log_id)
        try:
            index_file = opener(index_path(stem), os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            raise LogExists(stem) from None
        try:
            data = opener(data_path(stem), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            try:
                index_file.write(header, 0)
            except OSError:
                data.close()
                raise
        except OSError:
            index_file.close()
            cls.delete(stem)
            raise
        return cls(stem, log_id, ix.Index(index_file), data, LogState())

    @classmethod
    def open(cls, stem: Path, *, opener: Opener = LogFile) -> Self:
        """Open a log to go on appending; cuts off what a crash left behind.

        Raises:
            LogMissing: there is none.
            LogCorrupt: its header is unusable.
            OSError: the disk refuses.
        """
        try:
            index_file = opener(index_path(stem), os.O_RDWR)
        except FileNotFoundError:
            raise LogMissing(stem) from None
        data: LogFile | None = None
        try:
            log_id = ix.decode_header(index_file.read(ix.HEADER_BYTES, 0), stem)
            data = opener(data_path(stem), os.O_RDWR | os.O_CREAT)
            index = ix.Index(index_file)
            log = cls(stem, log_id, index, data, recover(index, data))
            log._free_again()
            free_again(log._gaps, data)
        except BaseException:
            index_file.close()
            if data is not None:
                data.close()
            raise
        return log

    @staticmethod
    def delete(stem: Path) -> None:
        """Remove a log's files, if there are any; open readers keep theirs."""
        index_path(stem).unlink(missing_ok=True)
        data_path(stem).unlink(missing_ok=True)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All gaps that end above `start`, in order; touching ones of the same reason are one."""
        return tuple(gap for gap in self._gaps if gap.end > self.start)

    @property
    def stored_bytes(self) -> int:
        """How many bytes of output are kept: neither pruned nor in a gap."""
        return self.end - self.start - self._gap_bytes

    def append(self, data: bytes | bytearray | memoryview, *, is_error: bool, time_us: int) -> None:
        """Append bytes of one stream. After an `OSError` the log is as it was before.

        Args:
            data: any number of bytes; none leaves no trace.
            is_error: whether they are from stderr.
            time_us: microseconds since the task's start.

        Raises:
            OSError: the disk is full or broken.
            LogFailed: an earlier sync or drop failed.
            ValueError: the time is negative or above 2^56 - 1.
        """
        if isinstance(data, memoryview):
            data = data.cast("B")
        length = len(data)
        if not length:
            return
        if not 0 <= time_us <= ix.MAX_TIME:
            raise ValueError(f"{time_us} µs is not a time since the task's start")
        self._check_usable()
        crc = zlib.crc32(data)
        kind = ix.ERR if is_error else ix.OUT
        try:
            self._data.write(data, self.end)
        except OSError:
            self._roll_back()
            raise
        self._put(ix.encode(self.end, length, kind, time_us, crc))
        if length < _COMBINE_FROM:
            self.checksum = zlib.crc32(data, self.checksum)
        else:
            self.checksum = crc32_combine(self.checksum, crc, length)
        self.end += length
        self._put_checkpoint()

    def append_gap(self, to: int, reason: str) -> Gap:
        """Record that [end, to) will never arrive; the log goes on at `to`.

        Raises:
            ValueError: `to` is not beyond the end.
            OSError: the disk is full or broken; the log is as it was before.
            LogFailed: an earlier sync or drop failed.
        """
        if to <= self.end:
            raise ValueError(f"a gap from {self.end} cannot end at {to}")
        self._check_usable()
        gap = Gap(self.end, to, reason_text(reason_code(reason)))
        self._put(ix.encode(gap.start, to - gap.start, ix.GAP, reason_code(reason), 0))
        self.end = to
        self._gaps = join_gaps([*self._gaps, gap])
        self._gap_bytes += to - gap.start
        self._put_checkpoint()
        return gap

    def drop(self, start: int, end: int, reason: str) -> Gap | None:
        """Turn the records wholly inside [start, end) into a gap. Syncs; blocks.

        Returns the resulting gap, whose ends are ends of records, or None if no byte was to be
        dropped. Earlier gaps inside become part of it.

        Raises:
            LogFailed: the disk failed in the middle; `open` finishes the drop or undoes it.
            OSError: it failed before; the log is as it was.
        """
        self._check_usable()
        reason = reason_text(reason_code(reason))
        start = max(start, self.start)
        plan = drops.plan(self._index, self._slots, start, min(end, self.end), reason)
        if plan is None:
            return None
        gap = plan.gap
        checksum, dropped = drops.checksum_without(
            self._data, gap, self._gaps, self.end, self.checksum
        )
        if dropped == 0:
            return None
        self.sync()
        self._put_mark()
        self._put(drops.encode_intent(self.end, gap, checksum))
        try:
            self._index.file.sync()
            drops.apply(plan, self._index, self._data)
        except OSError as error:
            raise self._fail(error) from error
        self.checksum = self._synced_checksum = checksum
        self._checkpoints.clear()
        self._gaps = place_gap(self._gaps, gap)
        self._gap_bytes = self._count_gap_bytes()
        with suppress(OSError):  # the DROP vouches for the same until the next MARK
            self._put_mark()
        return gap

    def begin_forget(self, start: int, end: int, reason: str) -> ForgetPoint | None:
        """Return what turns the records wholly inside [start, end) into a gap when it is run.

        Unlike after `drop`, the checksum stays: it is that of what was received. Not for a log that
        uses `drop` as well. None if nothing durable is there that is not forgotten yet, or while a
        `snapshot` holds the log; try again later.

        Raises:
            LogFailed: an earlier sync or drop failed.
            OSError: the disk is full or broken; the log is as it was before.
        """
        self._check_usable()
        plan = self._plan_forgetting(start, min(end, self.synced), reason)
        if plan is None or not self._index.file.try_lock():
            return None
        try:
            self._put_mark()
            self._put(drops.encode_intent(self.end, plan.gap, None))
        except OSError:
            self._index.file.unlock()
            raise
        self._forgetting = True
        return ForgetPoint(self._index, self._data, plan, end=self.end, checksum=self.checksum)

    def finish_forget(self, point: ForgetPoint) -> Gap:
        """Take note of a point that was run; return the gap that came of it.

        Raises:
            LogFailed: the run failed; `open` finishes it.
            ValueError: the point was not run.
        """
        self._check_run(point)
        self._index.file.unlock()
        self._forgetting = False
        gap = point.gap
        others = [old for old in self._pieces if old.end <= gap.start or old.start >= gap.end]
        self._pieces = sorted([*others, gap], key=lambda piece: piece.start)
        self._gaps = place_gap(self._gaps, gap)
        self._gap_bytes = self._count_gap_bytes()
        with suppress(OSError):  # else the FORGET is repeated at open, which changes nothing
            self._put_mark()
        return gap

    def prune(self, below: int) -> None:
        """Forget the bytes below an offset, which another log has durably. Not a gap.

        Writes nothing, and what is not on the disk yet need not get there any more. The space comes
        back with `begin_free`.
        """
        self.start = max(self.start, min(below, self.end))
        self._pass_checkpoints(self.start)
        if self._gaps:
            self._gap_bytes = self._count_gap_bytes()

    def begin_free(self) -> FreePoint | None:
        """Return what gives pruned space back when it is run, None while there is little of it.

        Raises:
            LogFailed: an earlier sync or drop failed.
        """
        self._check_usable()
        below = min(self.start, self.synced)
        if below - self._freed[1] < FREE_STEP:
            return None
        freeing = plan_freeing(self._index, self._slots, below, self._freed)
        if freeing is None:
            return None
        if self._marked != (self.start, self.synced):
            try:
                self._put_mark()
            except OSError:
                return None
        return FreePoint(
            self._index, self._data, freeing, end=self.synced, checksum=self._synced_checksum
        )

    def finish_free(self, point: FreePoint) -> None:
        """Take note of a point that was run.

        Raises:
            LogFailed: the run failed.
            ValueError: the point was not run.
        """
        self._check_run(point)
        if point.freed:
            self._freed = max(self._freed, (point.freeing.stop, point.freeing.end))

    def begin_sync(self) -> SyncPoint:
        """Return what makes everything up to the present end durable when it is run.

        Raises:
            LogFailed: an earlier sync or drop failed. The kernel drops what an fsync could not
                write, so a later success would prove nothing.
        """
        self._check_usable()
        return SyncPoint(
            (self._data, self._index.file),
            self._unsynced_directory,
            end=self.end,
            checksum=self.checksum,
        )

    def finish_sync(self, point: SyncPoint) -> int:
        """Take note of a sync that was run, and return the new durable offset.

        Raises:
            LogFailed: the run failed; `synced` stays where it was.
            ValueError: the point was not run.
        """
        self._check_run(point)
        self._unsynced_directory = None
        if point.end > self.synced:
            self.synced, self._synced_checksum = point.end, point.checksum
            while self._checkpoints and self._checkpoints[0][0] <= self.synced:
                self._checkpoints.popleft()
        if self._marked != (self.start, self.synced) and not self._forgetting:
            with suppress(OSError):  # a MARK only saves recovery work
                self._put_mark()
        return self.synced

    def sync(self) -> int:
        """Make everything durable now and return the durable offset. Blocks.

        Raises:
            LogFailed: it did not work; `synced` stays where it was.
        """
        point = self.begin_sync()
        with suppress(OSError):  # kept in the point, from which finish_sync raises it
            point.run()
        return self.finish_sync(point)

    def close(self) -> None:
        """Close the files; syncs nothing. No sync point may be running."""
        self._data.close()
        self._index.file.close()

    def _put(self, record: bytes) -> None:
        """Write the next record of the index."""
        try:
            self._index.file.write(record, ix.position_of(self._slots))
        except OSError:
            self._roll_back()
            raise
        self._slots += 1

    def _put_mark(self) -> None:
        """Write down what is durable."""
        unsynced = self.end - self.synced
        self._put(ix.encode(self.end, unsynced, ix.MARK, self.start, self._synced_checksum))
        self._marked = (self.start, self.synced)

    def _roll_back(self) -> None:
        """Try to remove what a failed write left; if that fails too, the next one overwrites it."""
        with suppress(OSError):
            if self._data.size() > self.end:
                self._data.truncate(self.end)
            self._index.file.truncate(ix.position_of(self._slots))

    def _fail(self, error: OSError) -> LogFailed:
        """Refuse every later call."""
        self._failure = error
        return LogFailed(str(error))

    def _check_usable(self) -> None:
        if self._failure is not None:
            raise LogFailed(str(self._failure)) from self._failure

    def _check_run(self, point: SyncPoint) -> None:
        if point.error is not None:
            raise self._fail(point.error) from point.error
        if not point.done:
            raise ValueError("a sync is finished after it was run")
        self._check_usable()

    def _put_checkpoint(self) -> None:
        """Remember the checksum here, if the last place where it is known is far away."""
        last = self._checkpoints[-1][0] if self._checkpoints else self.synced
        if self.end - last >= CHECKPOINT_STEP:
            self._checkpoints.append((self.end, self.checksum))

    def _pass_checkpoints(self, start: int) -> None:
        """Let `synced` rise to the last checkpoint that is not above an offset."""
        while self._checkpoints and self._checkpoints[0][0] <= start:
            self.synced, self._synced_checksum = self._checkpoints.popleft()

    def _plan_forgetting(self, start: int, end: int, reason: str) -> drops.Drop | None:
        """Return what of a range can be forgotten beyond what already is, None if nothing."""
        whole = drops.plan(self._index, self._slots, start, end, reason)
        if whole is None:
            return None
        start, earlier = whole.gap.start, list[Gap]()
        for piece in self._pieces:
            if piece.start == start and piece.reason == reason:
                start = piece.end
                earlier.append(piece)
        new = drops.plan(self._index, self._slots, start, end, reason)
        if new is None:
            return None
        start = merged_start(earlier, new.gap.start, new.gap.end)
        return drops.plan(self._index, self._slots, start, new.gap.end, reason)

    def _count_gap_bytes(self) -> int:
        return sum(gap.end - max(gap.start, self.start) for gap in self.gaps)

    def _freed_at_open(self, slots: int) -> tuple[int, int]:
        """Return the first slot and the first byte that were not given back."""
        slot = self._index.first_kept(slots)
        entry = self._index.entry(slot) if slot else None
        return slot, max(0, entry.offset) if entry is not None else 0

    def _free_again(self) -> None:
        """Do at open, from the front, what a power loss may have left done in part."""
        below = min(self.start, self.synced)
        if below <= 0:
            return
        self._put_mark()  # the last one may just have been cut off, and it must be durable
        self._index.file.sync()
        freeing = plan_freeing(self._index, self._slots, below, (0, 0))
        if freeing is not None:
            with suppress(OSError):  # the space is not worth failing for
                freeing.apply(self._index, self._data)
                self._freed = freeing.stop, freeing.end
