"""Give the space of what was pruned back without writing it first.

The order is: a MARK that says where the log starts, durable; the records wiped; the hole. Bytes
below the start are not read any more, so whether they reached the disk does not matter, and of
the index only that MARK is needed. Every step may be lost or repeated.
"""

from dataclasses import dataclass

from arborlink.outputlog import index as ix
from arborlink.outputlog.files import LogFile


@dataclass(frozen=True, slots=True)
class Freeing:
    """The slots [first, stop) and the bytes [start, end) go."""

    first: int
    stop: int
    start: int
    end: int

    def apply(self, index: ix.Index, data: LogFile) -> None:
        """Wipe index and data. The MARK must be durable.

        The index is wiped first: a reader that finds it unchanged after it has read the data knows
        that the data was still there.

        Raises:
            OSError: a part was wiped; all of it may be tried again.
        """
        index.file.wipe(ix.position_of(self.first), ix.position_of(self.stop))
        data.punch(self.start, self.end)


def plan(index: ix.Index, slots: int, below: int, done: tuple[int, int]) -> Freeing | None:
    """Return what can go below an offset, None if nothing can.

    The record before that offset stays whole: recovery looks for it.

    Args:
        index: the log's.
        slots: how many of them are in use.
        below: an offset that is pruned, and synced as far as that is needed.
        done: the first slot and the first byte that were not wiped yet.
    """
    first, start = done
    stop = index.first_from(below, slots) - 1
    entry = index.entry(stop) if stop > first else None
    if entry is None:
        return None
    # Zeros: a power loss took the record together with its bytes.
    end = below if entry.kind == ix.PRUNED else entry.offset
    return Freeing(first, stop, start, end)
