"""Find the longest valid prefix of a log that was not closed properly.

What the last valid MARK calls synced is trusted; every record after it must fit, and its data must
match. Damage below the MARK is left where it is: readers report it as a corrupt range.
"""

import zlib
from dataclasses import dataclass

from arborlink.outputlog import drop, forgetting
from arborlink.outputlog import index as ix
from arborlink.outputlog.files import LogFile
from arborlink.outputlog.model import Gap, join_gaps, reason_text


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was cut off at open: bytes of the data file, and records of the index."""

    bytes_cut: int
    records_cut: int


@dataclass(frozen=True, slots=True)
class LogState:
    """Where a writer goes on: `slots` of the index are in use, up to offset `end`."""

    slots: int = 0
    start: int = 0
    end: int = 0
    synced: int = 0
    checksum: int = 0
    synced_checksum: int = 0
    recovery: Recovery | None = None


def recover(index: ix.Index, data: LogFile) -> LogState:
    """Cut both files to the longest valid prefix and return the state there.

    Raises:
        OSError: a file could not be read or cut.
    """
    count = index.count()
    mark_slot, mark = last_mark(index, count)
    slot = synced = checksum = start = 0
    if mark is not None:
        synced, checksum, start = mark.offset - mark.length, mark.crc, mark.time
        slot = tail_slot(index, mark_slot, synced)
        if mark.length == 0:
            _restore_marks(index, slot, mark_slot)
            intent = index.entry(mark_slot + 1)
            if intent is not None and intent.kind == ix.DROP:
                drop.apply(drop.decode_intent(index, mark_slot, intent), index, data)
                slot, checksum = mark_slot + 2, intent.crc
    slot, end, total = _verify_tail(index, data, slot, count, synced, checksum)
    if mark is not None and slot <= mark_slot:
        again = mark._replace(offset=end, length=end - synced)
        slot = _keep_mark(index, slot, again, index.entry(mark_slot + 1))
    recovery = _cut(index, data, slot, end)
    if mark is not None:
        _finish_forgetting(index, data, slot)
    return LogState(
        slots=slot,
        start=min(start, end),
        end=end,
        synced=synced,
        checksum=total,
        synced_checksum=checksum,
        recovery=recovery,
    )


def load_gaps(index: ix.Index, slots: int) -> list[Gap]:
    """Return all gaps in the index in order, neighbours of the same reason joined."""
    return join_gaps(gap_pieces(index, slots))


def gap_pieces(index: ix.Index, slots: int) -> list[Gap]:
    """Return all gaps in the index in order, as they were recorded."""
    gaps: list[Gap] = []
    slot = index.next_gap(0, slots)
    while slot < slots:
        entry = index.entry(slot)
        slot += 1
        if entry is not None and entry.kind == ix.GAP:
            gaps.append(Gap(entry.offset, entry.end, reason_text(entry.time)))
            slot = max(slot, index.first_from(entry.end, slots))  # over its copies
        slot = index.next_gap(slot, slots)
    return gaps


def _keep_mark(index: ix.Index, slot: int, mark: ix.Entry, follows: ix.Entry | None) -> int:
    """Write down again what the last MARK says before it is cut off; return the slot after that.

    Without it the next opening would begin at an earlier MARK, below a range that was forgotten
    since, whose checksum cannot be computed any more. A FORGET that follows it still counts.
    """
    kept = [mark]
    if follows is not None and follows.kind == ix.FORGET:
        kept.append(follows._replace(offset=mark.offset))
    for entry in kept:
        record = ix.encode(entry.offset, entry.length, entry.kind, entry.time, entry.crc)
        index.file.write(record, ix.position_of(slot))
        index.file.sync()
        slot += 1
    return slot


def _finish_forgetting(index: ix.Index, data: LogFile, slots: int) -> None:
    """Repeat what was begun directly after the last MARK; what it concerns is all durable."""
    mark_slot, _ = last_mark(index, slots)
    intent = index.entry(mark_slot + 1)
    if intent is not None and intent.kind == ix.FORGET:
        forgetting.apply(drop.decode_intent(index, mark_slot, intent), index, data)


def last_mark(index: ix.Index, count: int) -> tuple[int, ix.Entry | None]:
    """Return the last undamaged MARK and its slot."""
    high = count
    while high > 0:
        low = max(0, high - ix.BLOCK_RECORDS)
        block = index.block(low, high - low)
        at = len(block) // ix.RECORD_BYTES
        kinds = block[ix.KIND_BYTE :: ix.RECORD_BYTES]
        while (at := kinds.rfind(ix.MARK, 0, at)) >= 0:
            entry = ix.decode(block, at * ix.RECORD_BYTES)
            if entry is not None:
                return low + at, entry
        high = low
    return 0, None


def tail_slot(index: ix.Index, mark_slot: int, synced: int) -> int:
    """Return the first slot whose record is not covered by a MARK.

    Records between the synced ones and the MARK were written during the sync and may be lost.
    Pruning always leaves the record before the synced offset, so zeros here are losses.
    """
    slot = mark_slot
    while slot > 0:
        entry = index.entry(slot - 1)
        if entry is not None and entry.kind != ix.PRUNED and entry.offset < synced:
            if entry.end < synced:
                break
            return slot
        slot -= 1
    if synced == 0:
        return 0
    # The record that ends at the synced offset is damaged: keep its slot, go on after it.
    while slot < mark_slot:
        entry = index.entry(slot)
        if entry is not None and entry.offset >= synced:
            break
        slot += 1
    return slot


def _restore_marks(index: ix.Index, slot: int, mark_slot: int) -> None:
    """Fill slots that a power loss emptied before a MARK that calls everything synced.

    Nothing but marks can have been there, and a search must not meet zeros that mean no pruning.
    """
    mark = index.block(mark_slot, 1)
    for lost in range(slot, mark_slot):
        entry = index.entry(lost)
        if entry is None or entry.kind == ix.PRUNED:
            index.file.write(mark, ix.position_of(lost))


def _verify_tail(
    index: ix.Index, data: LogFile, slot: int, count: int, end: int, checksum: int
) -> tuple[int, int, int]:
    """Return slot, end and checksum after the last record that can be believed."""
    size = data.size()
    while slot < count:
        block = index.block(slot, ix.BLOCK_RECORDS)
        for position in range(0, len(block), ix.RECORD_BYTES):
            entry = ix.decode(block, position)
            if entry is None or entry.offset != end:
                return slot, end, checksum
            if entry.is_data:
                piece = data.read(entry.length, end) if entry.end <= size else b""
                if len(piece) != entry.length or zlib.crc32(piece) != entry.crc:
                    return slot, end, checksum
                checksum = zlib.crc32(piece, checksum)
            elif entry.kind not in (ix.GAP, ix.MARK, ix.DROP, ix.FORGET):
                return slot, end, checksum
            end = entry.end
            slot += 1
        if not block:
            break
    return slot, end, checksum


def _cut(index: ix.Index, data: LogFile, slots: int, end: int) -> Recovery | None:
    """Cut both files after the last good record; None if there was nothing to cut."""
    extra_index = index.file.size() - ix.position_of(slots)
    extra_data = data.size() - end
    if extra_index > 0:
        index.file.truncate(ix.position_of(slots))
    if extra_data > 0:
        data.truncate(end)
    if extra_index <= 0 and extra_data <= 0:
        return None
    return Recovery(max(0, extra_data), max(0, -(-extra_index // ix.RECORD_BYTES)))
