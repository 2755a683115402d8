"""Stored output as people and programs take it away: the bytes, or a format of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from arborlink.outputlog import Chunk, Gap, LogReader
from arborlink.protocol.errors import OutputDamaged
from arborlink.protocol.formats import Format
from arborlink.protocol.limits import KIB
from arborlink.protocol.resources import GapInfo, TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory

READ_BYTES: Final = 256 * KIB
# Programs and proxies take some 8 KiB of headers.
MAX_HEADER_GAPS: Final = 64
# The reason of a gap that is no gap but damage.
CORRUPT: Final = "corrupt"

Stream = str | None


class Pieces:
    """Reads an output piece by piece: as the bytes are, or as `form` writes them.

    Of `stream` ("stdout", "stderr") alone, or of both (None). The bytes as they are have their
    offset as their position, so a gap is as many NULs; of one stream alone positions have no
    meaning and gaps are left out. `told`: the gaps that the reader knows of. `sizes`: those that
    the task's terminal has had, as far as they are known now; a form is told of each in its place,
    or as soon as it is known.
    """

    def __init__(
        self,
        stream: Stream,
        form: Format | None,
        told: Sequence[GapInfo] = (),
        sizes: SizeHistory | None = None,
    ) -> None:
        self.sizes = sizes or SizeHistory()
        self._stream = stream
        self._form = form
        self._told = told
        self._size: TerminalSizeChange | None = None

    def begin(self, start: int) -> bytes:
        """Return what comes before everything else."""
        if self._form is None:
            return b""
        self._size = self.sizes.before(start)
        return self._form.begin(self._size)

    def finish(self, end: int) -> bytes:
        """Return what comes after everything else, which ended at `end`."""
        if self._form is None:
            return b""
        parts = []
        while (change := self._next_size()) is not None and change.offset <= end:
            parts.append(self._resize(self._form, change))
        return b"".join([*parts, self._form.finish()])

    def read(self, reader: LogReader, offset: int, end: int) -> tuple[bytes, int]:
        """Return what stands for some READ_BYTES from `offset` on, and where to go on. May block.

        `end` is that of the output, or of what is wanted of it.

        Raises:
            OutputDamaged: bytes as they are would be other bytes than those that were written.
        """
        parts: list[bytes] = []
        size, start = 0, offset
        merge = self._form is None or not self._form.keeps_pieces
        # By what is written as well: a line of JSON is longer than the byte it may be about.
        while offset < end and offset - start < READ_BYTES and size < READ_BYTES:
            change = self._next_size()
            if self._form is not None and change is not None and change.offset <= offset:
                parts.append(self._resize(self._form, change))
                size += len(parts[-1])
                continue
            until = end if change is None else min(end, change.offset)
            item = reader.read(offset, min(READ_BYTES, until - offset), merge=merge, verify=True)
            if item is None:
                raise OutputDamaged(f"The output ends at {offset}, before {end}.")
            if isinstance(item, Chunk):
                parts.append(self._chunk(item))
                offset = item.end
            elif self._form is None and self._stream is None:
                self._check(item)
                until = min(item.end, end, offset + READ_BYTES)
                parts.append(bytes(until - offset))
                offset = until
            else:
                parts.append(self._gap(item))
                offset = min(item.end, end)
            size += len(parts[-1])
        return b"".join(parts), offset

    def _next_size(self) -> TerminalSizeChange | None:
        return None if self._form is None else self.sizes.next_after(self._size)

    def _resize(self, form: Format, change: TerminalSizeChange) -> bytes:
        self._size = change
        return form.resize(change)

    def _chunk(self, chunk: Chunk) -> bytes:
        if self._stream is not None and chunk.is_error != (self._stream == "stderr"):
            return b""
        if self._form is None:
            return chunk.data
        return self._form.chunk(chunk.offset, chunk.is_error, chunk.time_us, chunk.data)

    def _gap(self, gap: Gap) -> bytes:
        if self._form is not None:
            return self._form.gap(gap.start, gap.end, gap.reason)
        self._check(gap)
        return b""

    def _check(self, gap: Gap) -> None:
        if gap.reason == CORRUPT and not any(
            each.start <= gap.start and gap.end <= each.end for each in self._told
        ):
            raise OutputDamaged(f"The bytes {gap.start} to {gap.end} are damaged.")


def written(reader: LogReader | None, start: int, end: int, pieces: Pieces) -> Iterator[bytes]:
    """Yield a whole document, or the bytes, of `[start, end)`. Raises as `Pieces.read`."""
    yield pieces.begin(start)
    offset = start
    while reader is not None and offset < end:
        data, offset = pieces.read(reader, offset, end)
        yield data
    yield pieces.finish(end)


def gaps_header(gaps: list[GapInfo]) -> str:
    """`from-to;reason` of each gap, `to` exclusive, separated by commas.

    At most MAX_HEADER_GAPS; the last of more stands for all the rest, its reason is `more`.
    """
    shown = [f"{gap.start}-{gap.end};{gap.reason}" for gap in gaps[:MAX_HEADER_GAPS]]
    if len(gaps) > MAX_HEADER_GAPS:
        shown[-1] = f"{gaps[MAX_HEADER_GAPS - 1].start}-{gaps[-1].end};more"
    return ", ".join(shown)
