"""Gaps above a rising floor. Their offsets take no memory in any buffer. Pure."""

from __future__ import annotations

from collections import deque


class GapsAbove:
    """Gaps in order, as `[start, end)`; `total` is their length above `floor`.

    Every operation takes constant time on average, however many gaps a peer declares.
    """

    __slots__ = ("_gaps", "floor", "total")

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self.total = 0
        self._gaps: deque[tuple[int, int]] = deque()

    def add(self, start: int, end: int) -> None:
        """Add a gap at or above the end of the last one."""
        self.total += end - start
        if self._gaps and self._gaps[-1][1] == start:
            start, _ = self._gaps.pop()
        self._gaps.append((start, end))

    def rise(self, floor: int) -> None:
        """Raise the floor; gaps below it do not count any more."""
        self.floor = max(self.floor, floor)
        while self._gaps and self._gaps[0][0] < self.floor:
            start, end = self._gaps.popleft()
            self.total -= min(end, self.floor) - start
            if end > self.floor:
                self._gaps.appendleft((self.floor, end))

    def rise_through(self) -> int:
        """Pass the gap that begins at the floor, if there is one; return the floor after that."""
        if self._gaps and self._gaps[0][0] == self.floor:
            self.rise(self._gaps[0][1])
        return self.floor
