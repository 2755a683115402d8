"""Turn a range of a log into a gap in place, such that a crash at any point can be finished.

The order is: everything synced, a MARK, a DROP that says what will happen (synced), the records
overwritten (synced), the hole. Recovery repeats from the DROP on; every step is idempotent.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from arborlink.outputlog import index as ix
from arborlink.outputlog.crc import crc32_combine, crc32_remove_suffix
from arborlink.outputlog.files import LogFile
from arborlink.outputlog.model import Gap, reason_code, reason_text

_PIECE_BYTES: Final = 1024 * 1024  # read at a time for a checksum
_LENGTH_BITS: Final = 56


@dataclass(frozen=True, slots=True)
class Drop:
    """The slots [first, stop) become `gap`."""

    first: int
    stop: int
    gap: Gap


def plan(index: ix.Index, slots: int, start: int, end: int, reason: str) -> Drop | None:
    """Return the drop of all records wholly inside [start, end), None if there are none."""
    first = index.first_from(start, slots)
    stop = index.first_from(end, slots)
    while stop > first:
        last = index.entry(stop - 1)
        if last is None or last.end > end:
            # Copies of one gap reach over the end together.
            stop = stop - 1 if last is None else min(stop - 1, index.first_from(last.offset, slots))
        elif last.end == last.offset:
            stop -= 1
        else:
            break
    if stop <= first:
        return None
    _, head = index.next_good(first, stop)
    tail = index.entry(stop - 1)
    if head is None or tail is None:
        return None
    return Drop(first, stop, Gap(head.offset, tail.end, reason))


def checksum_without(
    data: LogFile, gap: Gap, gaps: Sequence[Gap], end: int, checksum: int
) -> tuple[int, int]:
    """Return the log's checksum without a range, and the bytes in it that are not in gaps yet.

    Only the range and what follows it are read: what comes before may be pruned.
    """
    dropped, dropped_bytes = _range_checksum(data, gap.start, gap.end, gaps)
    after, after_bytes = _range_checksum(data, gap.end, end, gaps)
    before = crc32_remove_suffix(
        crc32_remove_suffix(checksum, after, after_bytes), dropped, dropped_bytes
    )
    return crc32_combine(before, after, after_bytes), dropped_bytes


def encode_intent(end: int, gap: Gap, checksum: int | None) -> bytes:
    """Return the DROP record; without a checksum the FORGET record."""
    length = reason_code(gap.reason) << _LENGTH_BITS | gap.end - gap.start
    kind = ix.FORGET if checksum is None else ix.DROP
    return ix.encode(end, length, kind, gap.start, checksum or 0)


def decode_intent(index: ix.Index, slots: int, entry: ix.Entry) -> Drop:
    """Return what a DROP or FORGET record says must be done."""
    length = entry.length & (1 << _LENGTH_BITS) - 1
    gap = Gap(entry.time, entry.time + length, reason_text(entry.length >> _LENGTH_BITS))
    first = index.first_from(gap.start, slots)
    return Drop(first, index.first_from(gap.end, slots), gap)


def apply(drop: Drop, index: ix.Index, data: LogFile) -> None:
    """Overwrite the records, then give the bytes back.

    Raises:
        OSError: the drop is half done; recovery finishes it.
    """
    gap = drop.gap
    record = ix.encode(gap.start, gap.end - gap.start, ix.GAP, reason_code(gap.reason), 0)
    # Front to back: a concurrent reader then sees offsets in order at every moment.
    for slot in range(drop.first, drop.stop, ix.BLOCK_RECORDS):
        copies = min(ix.BLOCK_RECORDS, drop.stop - slot)
        index.file.write(record * copies, ix.position_of(slot))
    index.file.sync()
    data.punch(gap.start, gap.end)


def _range_checksum(data: LogFile, start: int, end: int, gaps: Sequence[Gap]) -> tuple[int, int]:
    """Return the CRC-32 and the number of the bytes in [start, end) that are not in gaps."""
    checksum = total = 0
    for gap in (*gaps, Gap(end, end, "")):
        while start < min(gap.start, end):
            piece = data.read(min(_PIECE_BYTES, gap.start - start, end - start), start)
            if not piece:
                return checksum, total
            checksum = zlib.crc32(piece, checksum)
            total += len(piece)
            start += len(piece)
        start = max(start, gap.end)
    return checksum, total
