"""A clock that never goes back, so that what has expired stays so when the machine's clock does."""

from __future__ import annotations

from collections.abc import Callable

from arborlink.hub.access.environment import SECOND_US


class SteadyClock:
    """Follows `unix_us`; while that is behind the latest time seen, goes on from there by
    `monotonic` (seconds).

    A time that stood still until the machine's clock has caught up would extend codes that are
    valid for ten minutes. `floor_us`: the latest time that an earlier process saw, in µs since
    1970.
    """

    def __init__(
        self, unix_us: Callable[[], int], monotonic: Callable[[], float], floor_us: int
    ) -> None:
        self._unix_us = unix_us
        self._monotonic = monotonic
        self._latest_us = floor_us
        self._seen_at: float | None = None

    def __call__(self) -> int:
        """Return the time in µs since 1970."""
        now, seen_at = self._unix_us(), self._monotonic()
        elapsed = 0.0 if self._seen_at is None else seen_at - self._seen_at
        self._latest_us = max(now, self._latest_us + round(elapsed * SECOND_US))
        self._seen_at = seen_at
        return self._latest_us

    def behind_seconds(self) -> float:
        """Return by how much the machine's clock is behind this one."""
        return max(0, self() - self._unix_us()) / SECOND_US
