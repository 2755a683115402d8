"""Rate limits by the generic cell rate algorithm (ITU-T I.371): one number a key, no timers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from arborlink.protocol.errors import ArborError, TooManyRequests

MAX_KEYS: Final = 10_000


class RateLimiter:
    """Allows `per_second` for each key, and `burst` at once.

    At most MAX_KEYS are remembered; beyond that those whose budget is whole again are forgotten,
    then the oldest.
    """

    def __init__(self, per_second: float, burst: int, monotonic: Callable[[], float]) -> None:
        self._interval = 1.0 / per_second
        self._tolerance = self._interval * burst
        self._monotonic = monotonic
        # When the key's budget will be whole again, in seconds of the clock.
        self._whole_at: dict[str, float] = {}

    def check(self, key: str) -> None:
        """Raises TooManyRequests when the key's budget is used up; spends nothing."""
        now = self._monotonic()
        wait = max(self._whole_at.get(key, now), now) + self._interval - self._tolerance - now
        # A billionth of a second is rounding, not a request too many.
        if wait > 1e-9:
            raise TooManyRequests(
                f"Too many requests. Try again in {wait:.1f} s.", retry_after=wait
            )

    def spend(self, key: str) -> None:
        """Take one from the key's budget, whatever is left of it."""
        now = self._monotonic()
        if key not in self._whole_at and len(self._whole_at) >= MAX_KEYS:
            self._forget(now)
        latest = now + self._tolerance
        self._whole_at[key] = min(max(self._whole_at.get(key, now), now) + self._interval, latest)

    def take(self, key: str) -> None:
        """Check and spend. Raises TooManyRequests."""
        self.check(key)
        self.spend(key)

    @contextmanager
    def attempt(self, *keys: str, wrong: type[ArborError]) -> Iterator[None]:
        """One guess, counted for each key unless what is inside turns out not to be `wrong`.

        It is counted first: many guesses at once would otherwise all find the budget whole.

        Raises:
            TooManyRequests: a key's budget is used up.
        """
        for key in keys:
            self.check(key)
        for key in keys:
            self.spend(key)
        try:
            yield
        except wrong:
            raise
        except BaseException:
            self._give_back(keys)
            raise
        self._give_back(keys)

    def _give_back(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            if key in self._whole_at:
                self._whole_at[key] -= self._interval

    def _forget(self, now: float) -> None:
        self._whole_at = {key: at for key, at in self._whole_at.items() if at > now}
        while len(self._whole_at) >= MAX_KEYS:
            del self._whole_at[next(iter(self._whole_at))]
