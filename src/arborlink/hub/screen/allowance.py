"""How much processor time may go into what nobody has asked for. Pure."""

from __future__ import annotations

from typing import Final

# Of the time that passes; a hub that is busy with a flood has far more.
SHARE: Final = 0.03
# What has come together while nothing was to be done, in seconds.
BURST_SECONDS: Final = 0.5


class Allowance:
    """Grows with time up to a burst. What is spent may go below nothing, and is made up for."""

    def __init__(self, *, share: float = SHARE, burst: float = BURST_SECONDS) -> None:
        self._share = share
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def left(self, now: float) -> float:
        """Return how many seconds of processor time may be used now."""
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._share)
        self._at = now
        return self._left

    def spend(self, seconds: float) -> None:
        """Take away what was used."""
        self._left -= seconds
