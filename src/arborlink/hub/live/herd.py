"""Sends a herd back at different times: after a restart all daemons knock within a second. Pure.

Whoever is told to wait `n` seconds waits between `n` and `2n` (design rule 11), so that turns need
not be exact; they only must not come faster than a hub lets daemons in.
"""

from __future__ import annotations

from math import ceil
from typing import Final

# A hub on one slow core lets about as many in, with TLS and everything else it does meanwhile.
ADMISSIONS_PER_SECOND: Final = 200.0
# Sooner makes no sense: what fills the hub now takes a moment.
SOONEST_SECONDS: Final = 1


def turn_seconds(place: float) -> int:
    """For how long the one at `place` of a queue is to stay away."""
    return max(SOONEST_SECONDS, ceil(place / ADMISSIONS_PER_SECOND))


class Herd:
    """Those who were sent away. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._next_turn = 0.0

    def turn(self, now: float) -> int:
        """In how many seconds the one who cannot be let in now is to come back."""
        self._next_turn = max(self._next_turn, now) + 1.0 / ADMISSIONS_PER_SECOND
        return turn_seconds((self._next_turn - now) * ADMISSIONS_PER_SECOND)
