"""When to reconnect (design rule 11): at once, then with full jitter, for ever. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 0.5
CAP_SECONDS: Final = 30.0

# What a close reason says to people and programs alike; a number of any size has an end here.
_RETRY_HINT: Final = re.compile(r"retry in (\d{1,6}(?:\.\d{1,3})?)")


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
        random = self._random()
        # The exponent is bounded so that years of failures do not overflow a float.
        ceiling = min(CAP_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures - 2, 16))
        own = 0.0 if self._failures == 1 else ceiling * random
        if hint is None:
            return own
        # A hub that asks for no time at all is not besieged either.
        return max(own, hint + min(hint, CAP_SECONDS) * random)

    def succeeded(self) -> None:
        """The connection was welcomed: the next failure is again the first."""
        self._failures = 0


def retry_hint(reason: str) -> float | None:
    """For how many seconds the hub wants to be left alone by this close reason, if it says so."""
    found = _RETRY_HINT.search(reason)
    return float(found.group(1)) if found else None


def retry_after(header: str | None) -> float | None:
    """The same of the header `Retry-After`."""
    return retry_hint(f"retry in {header}")
