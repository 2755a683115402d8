"""Delays between reconnects (design rule 11): none, then full jitter, without end. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 0.5
CAP_SECONDS: Final = 30.0


class Backoff:
    """Delays in seconds. `random` returns a float in [0, 1)."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failures = 0

    @property
    def failures(self) -> int:
        """Attempts since the last success."""
        return self._failures

    def next_delay(self, hint: float | None = None) -> float:
        """Return how long to wait before the next attempt, at least `hint`, the hub's request."""
        self._failures += 1
        random = self._random()
        # The exponent is bounded so that years of failures do not overflow a float.
        ceiling = min(CAP_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures - 2, 16))
        own = 0.0 if self._failures == 1 else ceiling * random
        if hint is None:
            return own
        # A hint of 0 does not shorten this side's own delay.
        return max(own, hint + min(hint, CAP_SECONDS) * random)

    def succeeded(self) -> None:
        """Note a welcomed connection: the next failure counts as the first."""
        self._failures = 0
