"""Check a received stream of cells and say exactly what is wrong with it and where."""

from dataclasses import dataclass
from typing import Final

from arborlink.testing.cells import CELL_BYTES, generate, parse, stream, tag_of

LOST: Final = "lost"
DUPLICATED: Final = "duplicated"
REORDERED: Final = "reordered"
MIXED: Final = "mixed"
DAMAGED: Final = "damaged"

_SEARCH_BYTES: Final = 4096  # how much without a single cell is looked through before giving it up


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: "lost", "duplicated", "reordered", "mixed" (another task's) or "damaged".
        offset: where in the received stream it was met.
        start: the first byte concerned, as an offset in the stream that was sent.
        end: the byte after the last one concerned.
    """

    kind: str
    offset: int
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.kind}: bytes {self.start} to {self.end}, met at offset {self.offset}"


class CellReader:
    """Takes the bytes of one key's stream in any pieces.

    Attributes:
        end: the offset after what was received.
        faults: what is wrong so far. Cells are judged when they are complete: see `finish`.
    """

    def __init__(self, key: str) -> None:
        self.end = 0
        self.faults: list[Fault] = []
        self._key = key
        self._tag = tag_of(key)
        self._buffer = b""
        self._expected = 0  # the cell that should come next
        self._highest = 0  # the cell after the highest one seen
        self._missing: list[tuple[int, int]] = []  # cells that were skipped

    def feed(self, data: bytes, offset: int | None = None) -> None:
        """Take bytes, which claim to be at an offset (default: directly after the last ones)."""
        offset = self.end if offset is None else offset
        if offset > self.end:
            self._note(LOST, self.end, offset)
            self._jump(offset)
        elif offset < self.end:
            self._note(DUPLICATED, offset, min(self.end, offset + len(data)))
            data = data[self.end - offset :]
        self.end += len(data)
        self._buffer += data
        self._judge()

    def skip(self, start: int, end: int) -> None:
        """Take note of a declared gap: its bytes are not missed, if it begins where it should."""
        if start != self.end:
            low, high = sorted((start, self.end))
            self._note(LOST if start > self.end else DUPLICATED, low, high)
        self._jump(end)

    def finish(self, end: int | None = None) -> list[Fault]:
        """Return all faults, having compared the rest and the length with that of what was sent."""
        self._judge_rest()
        if end is not None and end > self.end:
            self._note(LOST, self.end, end)
        return self.faults

    def _note(self, kind: str, start: int, end: int) -> None:
        """Note a fault in what was claimed about the bytes, at the end of what was received."""
        self.faults.append(Fault(kind, self.end, start, end))

    def _fault(self, kind: str, start: int, end: int) -> None:
        """Note a fault in the bytes themselves, at the first that is not judged yet."""
        self.faults.append(Fault(kind, self.end - len(self._buffer), start, end))

    def _judge_rest(self) -> None:
        """Compare what is left of a cell that ends too early."""
        begun = self._expected * CELL_BYTES
        end = begun + len(self._buffer)
        if self._buffer != stream(self._key, begun, end):
            self._fault(DAMAGED, begun, end)

    def _jump(self, offset: int) -> None:
        """Go on at an offset; the front of a cell that is cut there is taken as right."""
        self._judge_rest()
        self.end = offset
        self._expected = offset // CELL_BYTES
        self._highest = max(self._highest, self._expected)
        self._buffer = stream(self._key, self._expected * CELL_BYTES, offset)

    def _judge(self) -> None:
        """Compare all whole cells in the buffer."""
        while len(self._buffer) >= CELL_BYTES:
            count = len(self._buffer) // CELL_BYTES
            same = _same_cells(self._buffer, generate(self._key, self._expected, count))
            self._buffer = self._buffer[same * CELL_BYTES :]
            self._expected += same
            self._highest = max(self._highest, self._expected)
            if same < count and not self._explain():
                return

    def _explain(self) -> bool:
        """Name what is wrong with the first cell; False if that takes more bytes."""
        for skipped in range(len(self._buffer) - CELL_BYTES + 1):
            found = parse(self._buffer[skipped : skipped + CELL_BYTES])
            if found is None:
                continue
            if skipped:
                begun = self._expected * CELL_BYTES
                self._fault(DAMAGED, begun, begun + skipped)
                if skipped % CELL_BYTES == 0:
                    self._expected += skipped // CELL_BYTES  # in their place, but not as sent
                    self._highest = max(self._highest, self._expected)
            self._buffer = self._buffer[skipped:]
            self._meet(*found)
            return True
        useless = len(self._buffer) - CELL_BYTES + 1
        if useless > _SEARCH_BYTES:
            begun = self._expected * CELL_BYTES
            self._fault(DAMAGED, begun, begun + useless)
            self._buffer = self._buffer[useless:]
        return False

    def _meet(self, tag: bytes, counter: int) -> None:
        """Take a whole cell that is not the expected one, or that follows damage."""
        here = counter * CELL_BYTES
        if tag != self._tag:
            begun = self._expected * CELL_BYTES
            self._fault(MIXED, begun, begun)
            self._buffer = self._buffer[CELL_BYTES:]
            return
        if counter > self._highest:
            self._fault(LOST, self._highest * CELL_BYTES, here)
            self._missing.append((self._highest, counter))
        elif counter < self._expected:
            late = any(low <= counter < high for low, high in self._missing)
            self._fault(REORDERED if late else DUPLICATED, here, here + CELL_BYTES)
        self._expected = counter


def _same_cells(data: bytes, expected: bytes) -> int:
    """Return how many whole cells at the front are as expected."""
    low, high = 0, len(expected) // CELL_BYTES
    if data.startswith(expected):
        return high
    while low < high:  # the first `low` cells are the same, the first `high` are not
        middle = (low + high + 1) // 2
        if data[: middle * CELL_BYTES] == expected[: middle * CELL_BYTES]:
            low = middle
        else:
            high = middle - 1
    return low
