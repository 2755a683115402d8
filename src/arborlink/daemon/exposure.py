"""How many bytes a power loss would take, for how long already, and whether the hub keeps up. Pure.

A byte is exposed while neither this disk nor the hub has it for good. A hub that keeps up makes
bytes safe within milliseconds: to sync them here as well would write everything twice.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from arborlink.protocol import limits

# A byte is exposed for this long at most before it is synced here.
SYNC_SECONDS: Final = 0.2
# With more than this exposed nothing is read while the hub keeps up, and a sync is due if not.
SYNC_BYTES: Final = 8 * limits.MIB
# Bytes written within this time count as equally old.
GROUP_SECONDS: Final = SYNC_SECONDS / 8
# A rate measured longer ago than this says nothing.
RATE_SECONDS: Final = 1.0
FAST_BYTES_PER_SECOND: Final = SYNC_BYTES / SYNC_SECONDS


class Exposure:
    """Of one log. `safe`: everything below is on some disk for good."""

    def __init__(self, safe: int) -> None:
        self.safe = safe
        self.end = safe
        self._groups: deque[tuple[float, int]] = deque()  # written at or after, end
        self._measured = float("-inf")
        self._measured_at = safe
        self._is_fast = False
        self._is_spilling = False

    @property
    def bytes(self) -> int:
        """How many are exposed."""
        return max(0, self.end - self.safe)

    @property
    def is_full(self) -> bool:
        """Whether so many are exposed that somebody has to do something."""
        return self.bytes > SYNC_BYTES

    @property
    def must_wait(self) -> bool:
        """Whether to read no more for the moment: the hub is about to have these bytes."""
        return self.is_full and not self._is_spilling

    @property
    def must_sync(self) -> bool:
        """Whether a sync is due because of how many they are."""
        return self.is_full and self._is_spilling

    def grown(self, end: int, now: float) -> None:
        """The log now ends at `end`."""
        self.end = end
        groups = self._groups
        if groups and now - groups[-1][0] < GROUP_SECONDS:
            groups[-1] = (groups[-1][0], end)
        else:
            groups.append((now, end))

    def settled(self, safe: int) -> None:
        """Everything below `safe` is on a disk."""
        self.safe = max(self.safe, safe)

    def acknowledged(self, offset: int, now: float) -> None:
        """The hub has everything below `offset`."""
        self.settled(offset)
        passed = now - self._measured
        if passed >= SYNC_SECONDS:
            rate = (offset - self._measured_at) / passed
            self._is_fast = rate >= FAST_BYTES_PER_SECOND
            self._measured, self._measured_at = now, offset
            if self._is_fast:
                self._is_spilling = False

    def deadline(self) -> float | None:
        """When the oldest exposed byte has been so for long enough; None if there is none."""
        groups = self._groups
        while groups and groups[0][1] <= self.safe:
            groups.popleft()
        return groups[0][0] + SYNC_SECONDS if groups else None

    def overdue(self, now: float) -> None:
        """The deadline has passed: if the hub is slow, the disk has to take what it does not."""
        fast = self._is_fast and now - self._measured < RATE_SECONDS
        self._is_spilling = self._is_spilling or (self.is_full and not fast)

    def renew(self, now: float) -> None:
        """A sync could not be: the next try is due later."""
        self._groups.clear()
        if self.bytes:
            self._groups.append((now, self.end))
