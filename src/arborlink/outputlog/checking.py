"""Walk a whole log and compare every record and its data with their checksums."""

import zlib
from collections.abc import Iterator

from arborlink.outputlog import index as ix
from arborlink.outputlog.files import LogFile
from arborlink.outputlog.model import Gap


def damaged_ranges(index: ix.Index, data: LogFile) -> Iterator[Gap]:
    """Yield the ranges that cannot be trusted, with the reason "corrupt", in order.

    A record that changes meanwhile (by a drop or prune) is not damage. Damaged records at the very
    end are being written.
    """
    count = index.count()
    slot, end = index.first_kept(count), 0
    _, first = index.next_good(slot, count)
    if first is not None:
        end = first.offset if slot else 0
    while slot < count:
        block = index.block(slot, min(ix.BLOCK_RECORDS, count - slot))
        if not block:
            return
        for position in range(0, len(block), ix.RECORD_BYTES):
            entry = ix.decode(block, position)
            if entry is not None and entry.end >= end:
                if entry.offset > end:
                    yield Gap(end, entry.offset, "corrupt")
                if entry.is_data and not _matches(index, data, slot, entry):
                    yield Gap(entry.offset, entry.end, "corrupt")
                end = entry.end
            slot += 1


def _matches(index: ix.Index, data: LogFile, slot: int, entry: ix.Entry) -> bool:
    """Return whether a record's data matches its checksum, or was given up meanwhile."""
    piece = data.read(entry.length, entry.offset)
    return zlib.crc32(piece) == entry.crc or index.entry(slot) != entry
