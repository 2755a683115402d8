"""Rate limits by the generic cell rate algorithm (ITU-T I.371): one number a key, no timers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil, inf
from typing import Final

from arborlink.protocol.errors import ArborError, TooManyRequests

MAX_KEYS: Final = 10_000
# How many of them are forgotten at once when all are in use, so that forgetting stays cheap.
FORGOTTEN_AT_ONCE: Final = MAX_KEYS // 10
# Clocks are doubles: after a month their last digits are noise.
ROUNDING_SECONDS: Final = 1e-5
# What a provider gives to one customer.
IPV6_CUSTOMER_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` in the long run, `burst` at once. The state is one number: when the budget will
    be whole again, in seconds of the caller's clock."""

    per_second: float
    burst: int

    def wait(self, whole_at: float, now: float) -> float:
        """Seconds until one more may be taken; 0: now."""
        interval = 1.0 / self.per_second
        wait = max(whole_at, now) + interval - interval * self.burst - now
        return wait if wait > ROUNDING_SECONDS else 0.0

    def spent(self, whole_at: float, now: float) -> float:
        """The state after one more was taken, whatever was left."""
        interval = 1.0 / self.per_second
        return min(max(whole_at, now) + interval, now + interval * self.burst)


class Budget:
    """A rate with the state of one who is held to it."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._whole_at = -inf

    def take(self, now: float) -> float:
        """Take one. Returns 0, or for how many seconds there is none to take."""
        wait = self._rate.wait(self._whole_at, now)
        if not wait:
            self._whole_at = self._rate.spent(self._whole_at, now)
        return wait


class RateLimiter:
    """Allows `per_second` for each key, and `burst` at once.

    At most MAX_KEYS are remembered; beyond that those whose budget is whole again are forgotten,
    then the oldest.
    """

    def __init__(self, per_second: float, burst: int, monotonic: Callable[[], float]) -> None:
        self._rate = Rate(per_second, burst)
        self._monotonic = monotonic
        self._whole_at: dict[str, float] = {}

    def check(self, key: str) -> None:
        """Raises TooManyRequests when the key's budget is used up; spends nothing."""
        now = self._monotonic()
        wait = self._rate.wait(self._whole_at.get(key, now), now)
        if wait:
            raise too_many(wait)

    def spend(self, key: str) -> None:
        """Take one from the key's budget, whatever is left of it."""
        now = self._monotonic()
        if key not in self._whole_at and len(self._whole_at) >= MAX_KEYS:
            self._forget(now)
        self._whole_at[key] = self._rate.spent(self._whole_at.get(key, now), now)

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
                self._whole_at[key] -= 1.0 / self._rate.per_second

    def _forget(self, now: float) -> None:
        self._whole_at = {key: at for key, at in self._whole_at.items() if at > now}
        if len(self._whole_at) >= MAX_KEYS:
            kept = list(self._whole_at.items())[FORGOTTEN_AT_ONCE:]
            self._whole_at = dict(kept)


def too_many(wait: float) -> TooManyRequests:
    """The refusal, with the time to wait in words that clients look for."""
    return TooManyRequests(
        f"Too many requests; retry in {max(1, ceil(wait))} seconds.", retry_after=wait
    )


def customer(address: str) -> str:
    """Whom a limit per address holds: an IPv4 address, or all of an IPv6 customer's."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, IPV6_CUSTOMER_BITS), strict=False))
