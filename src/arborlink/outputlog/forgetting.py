"""Forget the middle of a log that is too long, while its owner goes on appending.

A range becomes a gap as in `drop`, but its bytes still count in the log's checksum, as pruned ones
do: that is the checksum of what was received. Only what is on the disk can be forgotten.

The order is: a MARK, a FORGET that says what will happen (both synced), the records overwritten
(synced), the hole, then holes in the index. Recovery repeats from the FORGET on; every step is
idempotent. No MARK is written meanwhile, so that a FORGET that counts follows the last one.
"""

from contextlib import suppress
from typing import Final

from arborlink.outputlog import index as ix
from arborlink.outputlog.drop import Drop
from arborlink.outputlog.files import LogFile
from arborlink.outputlog.model import Gap, reason_code
from arborlink.outputlog.sync import SyncPoint

# Of the copies of a GAP record, a page at either end of every so many records stays: holes are
# passed over by reading them, so they are short.
SPAN_RECORDS: Final = 32_768
KEPT_RECORDS: Final = 128


class ForgetPoint(SyncPoint):
    """Turns a range into a gap. Made by `OutputLog.begin_forget`.

    Attributes:
        gap: what the range becomes.
    """

    def __init__(
        self, index: ix.Index, data: LogFile, forgotten: Drop, *, end: int, checksum: int
    ) -> None:
        super().__init__((index.file,), None, end=end, checksum=checksum)
        self.gap = forgotten.gap
        self._forgotten = forgotten
        self._index = index
        self._data = data

    def run(self) -> None:
        """Run as `SyncPoint.run`. After an error only `OutputLog.open` finds out what was done."""
        super().run()
        self.done = False
        try:
            apply(self._forgotten, self._index, self._data)
        except OSError as error:
            self.error = error
            raise
        self.done = True


def apply(forgotten: Drop, index: ix.Index, data: LogFile) -> None:
    """Overwrite the records, then give the space back.

    Raises:
        OSError: it is half done; recovery finishes it.
    """
    gap = forgotten.gap
    record = ix.encode(gap.start, gap.end - gap.start, ix.GAP, reason_code(gap.reason), 0)
    # Front to back: a concurrent reader then sees offsets in order at every moment.
    for slot in range(forgotten.first, forgotten.stop, ix.BLOCK_RECORDS):
        copies = min(ix.BLOCK_RECORDS, forgotten.stop - slot)
        if any(index.block(slot, copies)):  # else it is a hole of an earlier one
            index.file.write(record * copies, ix.position_of(slot))
    index.file.sync()
    data.punch(gap.start, gap.end)
    if forgotten.stop - forgotten.first < SPAN_RECORDS:
        return
    for slot in range(forgotten.first, forgotten.stop, SPAN_RECORDS):
        first, stop = slot + KEPT_RECORDS, min(slot + SPAN_RECORDS, forgotten.stop) - KEPT_RECORDS
        if first < stop:
            index.file.punch(ix.position_of(first), ix.position_of(stop))


def free_again(gaps: list[Gap], data: LogFile) -> None:
    """Repeat at open what a power loss may have left undone: no later step does."""
    for gap in gaps:
        with suppress(OSError):
            data.punch(gap.start, gap.end)


def merged_start(pieces: list[Gap], start: int, end: int) -> int:
    """Return where forgetting begins: with earlier pieces that touch and are not larger.

    Thereby the number of pieces grows with the logarithm of what was forgotten.
    """
    for piece in reversed(pieces):
        if piece.end < start or piece.end - piece.start > end - start:
            break
        start = min(start, piece.start)
    return start
