"""How long something took, again and again: as a histogram for ever, and in detail since asked."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from statistics import median
from typing import Final, NamedTuple

# Upper bounds in seconds, for what takes from a tenth of a millisecond to a stall.
BOUNDS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
)  # fmt: skip
# Of more than these, the median is that of the newest.
MAX_RECENT: Final = 2_048


class Spread(NamedTuple):
    """In seconds; None when nothing was measured."""

    median: float | None
    longest: float | None


class Durations:
    """One reader takes the recent ones; the histogram is for everybody."""

    def __init__(self) -> None:
        self.total_seconds = 0.0
        self._counts = [0] * (len(BOUNDS) + 1)
        self._recent: deque[float] = deque(maxlen=MAX_RECENT)
        self._longest: float | None = None

    def add(self, seconds: float) -> None:
        """One more; a clock's tremble below zero counts as nothing."""
        seconds = max(0.0, seconds)
        self.total_seconds += seconds
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._recent.append(seconds)
        if self._longest is None or seconds > self._longest:
            self._longest = seconds

    def take(self) -> Spread:
        """Of those since the last call."""
        spread = Spread(median(self._recent) if self._recent else None, self._longest)
        self._recent.clear()
        self._longest = None
        return spread

    def buckets(self) -> list[tuple[str, int]]:
        """Upper bounds with how many were at most that long, as Prometheus wants them."""
        buckets, count = [], 0
        names = [*map(str, BOUNDS), "+Inf"]
        for name, more in zip(names, self._counts, strict=True):
            count += more
            buckets.append((name, count))
        return buckets
