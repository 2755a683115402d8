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


def pieces(
    reader: LogReader, start: int, end: int, stream: Stream, *, merge: bool
) -> Iterator[Chunk | Gap]:
    """Chunks and gaps of `[start, end)`, of one stream ("stdout", "stderr") or both (None)."""
    offset = start
    while offset < end:
        item = reader.read(offset, min(READ_BYTES, end - offset), merge=merge, verify=True)
        if item is None:
            return
        offset = min(item.end, end)
        if isinstance(item, Chunk) and stream is not None:
            if item.is_error != (stream == "stderr"):
                continue
        yield item


def raw(
    reader: LogReader,
    start: int,
    end: int,
    stream: Stream,
    *,
    told: Sequence[GapInfo] = (),
    merge: bool = True,
) -> Iterator[bytes]:
    """The bytes. A byte's position is its offset, so a gap is as many NULs; of one stream alone
    positions have no meaning and gaps are left out.

    Raises:
        OutputDamaged: there is damage that is not among the gaps which the reader was `told`.
    """
    for item in pieces(reader, start, end, stream, merge=merge):
        if isinstance(item, Chunk):
            yield item.data
            continue
        if item.reason == CORRUPT and not _is_told(item, told):
            raise OutputDamaged(f"The bytes {item.start} to {item.end} are damaged.")
        if stream is None:
            yield from _zeros(min(item.end, end) - max(item.start, start))


def formatted(
    reader: LogReader,
    start: int,
    end: int,
    stream: Stream,
    form: Format,
    sizes: SizeHistory,
) -> Iterator[bytes]:
    """What `form` writes of `[start, end)`, without its beginning and its end."""
    for item in _sized_pieces(reader, start, end, stream, sizes, merge=not form.keeps_pieces):
        if isinstance(item, TerminalSizeChange):
            yield form.resize(item)
        elif isinstance(item, Gap):
            yield form.gap(item.start, item.end, item.reason)
        else:
            yield form.chunk(item.offset, item.is_error, item.time_us, item.data)


def _sized_pieces(
    reader: LogReader, start: int, end: int, stream: Stream, sizes: SizeHistory, *, merge: bool
) -> Iterator[Chunk | Gap | TerminalSizeChange]:
    """Yield the pieces of `[start, end)`, cut where the size changes, and there the size.

    A gap that goes beyond a change comes before it, whole.
    """
    offset = start
    for change in sizes.after(start):
        if change.offset > end:
            break
        for item in pieces(reader, offset, change.offset, stream, merge=merge):
            offset = max(offset, item.end)
            yield item
        offset = max(offset, change.offset)
        yield change
    yield from pieces(reader, offset, end, stream, merge=merge)


def _is_told(gap: Gap, told: Sequence[GapInfo]) -> bool:
    return any(each.start <= gap.start and gap.end <= each.end for each in told)


def _zeros(length: int) -> Iterator[bytes]:
    while length > 0:
        yield bytes(min(length, READ_BYTES))
        length -= READ_BYTES


def gaps_header(gaps: list[GapInfo]) -> str:
    """`from-to;reason` of each gap, `to` exclusive, separated by commas.

    At most MAX_HEADER_GAPS; the last of more stands for all the rest, its reason is `more`.
    """
    shown = [f"{gap.start}-{gap.end};{gap.reason}" for gap in gaps[:MAX_HEADER_GAPS]]
    if len(gaps) > MAX_HEADER_GAPS:
        shown[-1] = f"{gaps[MAX_HEADER_GAPS - 1].start}-{gaps[-1].end};more"
    return ", ".join(shown)
