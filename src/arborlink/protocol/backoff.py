"""When to reconnect (design rule 11): at once, then with full jitter, for ever. Pure."""

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
        """How long to wait before the next attempt; `hint` is what the hub asked for, at least."""
        self._failures += 1
        if hint is not None:
            return hint * (1 + self._random())
        if self._failures == 1:
            return 0.0
        # The exponent is bounded so that years of failures do not overflow a float.
        ceiling = min(CAP_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures - 2, 16))
        return ceiling * self._random()

    def succeeded(self) -> None:
        """The connection was welcomed: the next failure is again the first."""
        self._failures = 0
