"""Rate limits by the generic cell rate algorithm (ITU-T I.371): one number a key, no timers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from arborlink.hub.access.networks import network_of
from arborlink.protocol.errors import TooManyRequests

# Entries of each table; further keys share the budget of a wider name.
MAX_KEYS: Final = 10_000
SHARED_KEYS: Final = 256
# Seconds between two searches of a full table for budgets that are full again.
PURGE_SECONDS: Final = 1.0
# Budgets of a site and of a region, as multiples of one customer's.
SITE_FACTOR: Final = 4
REGION_FACTOR: Final = 16
# The widest name.
EVERYONE: Final = "*"
# Tolerance: clocks are doubles, whose last digits are noise after a month.
ROUNDING_SECONDS: Final = 1e-5


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` in the long run, `burst` at once. The state is one number: when the budget will
    be whole again, in seconds of the caller's clock."""

    per_second: float
    burst: int

    def wait(self, whole_at: float, now: float) -> float:
        """Return the seconds until one more may be taken; 0: now."""
        interval = 1.0 / self.per_second
        wait = max(whole_at, now) + interval - interval * self.burst - now
        return wait if wait > ROUNDING_SECONDS else 0.0

    def spent(self, whole_at: float, now: float) -> float:
        """Return the state after one more was taken, whatever was left."""
        interval = 1.0 / self.per_second
        return min(max(whole_at, now) + interval, now + interval * self.burst)


class Budget:
    """A rate, and the state of one key."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._whole_at = -inf

    def take(self, now: float) -> float:
        """Take one. Returns 0, or for how many seconds there is none to take."""
        wait = self._rate.wait(self._whole_at, now)
        if not wait:
            self._whole_at = self._rate.spent(self._whole_at, now)
        return wait


class Counts:
    """What each key has spent of a rate, in bounded memory. Pure.

    A key is a path of names, from the one that is meant to ever wider ones that it shares with
    others. It is counted by the first of them that is known already or has room: when there are too
    many of a kind, newcomers share what their wider name has. A name that gets a place of its own
    begins with what its wider names have spent, so that room never means a fresh budget.
    """

    def __init__(self, rate: Rate, capacity: int) -> None:
        self._rate = rate
        self._capacity = capacity
        # By the place in the path; the widest is never full, for there are few of them.
        self._levels: list[dict[str, float]] = []
        self._purge_at: list[float] = []

    def __len__(self) -> int:
        return sum(map(len, self._levels))

    def wait(self, path: Sequence[str], now: float) -> float:
        """Return for how many seconds there is none to take; 0: now."""
        level = self._level(path, now)
        return self._rate.wait(self._state(path, level, now), now)

    def spend(self, path: Sequence[str], now: float) -> None:
        """Take one, whatever is left."""
        level = self._level(path, now)
        state = self._state(path, level, now)
        self._levels[level][path[level]] = self._rate.spent(state, now)

    def give_back(self, path: Sequence[str]) -> None:
        """Undo the latest `spend` of this path."""
        for level, name in enumerate(path[: len(self._levels)]):
            if name in self._levels[level]:
                self._levels[level][name] -= 1.0 / self._rate.per_second
                return

    def _level(self, path: Sequence[str], now: float) -> int:
        """Return by which name of the path it is counted."""
        while len(self._levels) < len(path):
            self._levels.append({})
            self._purge_at.append(-inf)
        last = len(path) - 1
        for level, name in enumerate(path[:last]):
            known = self._levels[level]
            if name in known or len(known) < self._capacity:
                return level
            if self._purge_at[level] <= now:
                self._purge_at[level] = now + PURGE_SECONDS
                # A full budget is the same as none: it can be dropped.
                self._levels[level] = {key: at for key, at in known.items() if at > now}
                if len(self._levels[level]) < self._capacity:
                    return level
        return last

    def _state(self, path: Sequence[str], level: int, now: float) -> float:
        own = self._levels[level].get(path[level])
        if own is not None:
            return own
        wider = zip(self._levels[level + 1 :], path[level + 1 :], strict=False)
        return max((names.get(name, now) for names, name in wider), default=now)


class RateLimiter:
    """Allows `per_second` for each key, and `burst` at once.

    At most MAX_KEYS are counted by themselves; further ones share SHARED_KEYS budgets by their
    hash, which differs between processes, so that an attacker cannot choose whose budget to share.
    """

    def __init__(self, per_second: float, burst: int, monotonic: Callable[[], float]) -> None:
        self._counts = Counts(Rate(per_second, burst), MAX_KEYS)
        self._monotonic = monotonic

    def __len__(self) -> int:
        return len(self._counts)

    def wait(self, key: str) -> float:
        """Return for how many seconds there is none to take; 0: now. Spends nothing."""
        return self._counts.wait(_shared(key), self._monotonic())

    def take_or_wait(self, key: str) -> float:
        """Take one. Returns 0, or for how many seconds there is none to take."""
        wait = self.wait(key)
        if not wait:
            self.spend(key)
        return wait

    def check(self, key: str) -> None:
        """Raise TooManyRequests when the key's budget is used up; spend nothing."""
        if wait := self.wait(key):
            raise too_many(wait)

    def spend(self, key: str) -> None:
        """Take one from the key's budget, whatever is left of it."""
        self._counts.spend(_shared(key), self._monotonic())

    def give_back(self, key: str) -> None:
        """Undo the latest `spend`."""
        self._counts.give_back(_shared(key))

    def take(self, key: str) -> None:
        """Check and spend. Raises TooManyRequests."""
        self.check(key)
        self.spend(key)


def _shared(key: str) -> tuple[str, str]:
    return key, f"#{hash(key) % SHARED_KEYS}"


class NetworkLimiter:
    """Allows `per_second` for each customer of a provider, and `burst` at once; a site has
    SITE_FACTOR and a region REGION_FACTOR times as much for all of its customers together.

    `kind` separates what is counted on its own: each kind has all of this.
    """

    def __init__(self, per_second: float, burst: int, monotonic: Callable[[], float]) -> None:
        self._counts = [
            Counts(Rate(factor * per_second, factor * burst), MAX_KEYS)
            for factor in (1, SITE_FACTOR, REGION_FACTOR)
        ]
        self._monotonic = monotonic

    def __len__(self) -> int:
        return sum(map(len, self._counts))

    def check(self, address: str, kind: str = "") -> None:
        """Raise TooManyRequests when the budget is used up; spend nothing."""
        now, path = self._monotonic(), _path(address, kind)
        wait = max(counts.wait(path[level:], now) for level, counts in enumerate(self._counts))
        if wait:
            raise too_many(wait)

    def spend(self, address: str, kind: str = "") -> None:
        """Take one, whatever is left."""
        now, path = self._monotonic(), _path(address, kind)
        for level, counts in enumerate(self._counts):
            counts.spend(path[level:], now)

    def give_back(self, address: str, kind: str = "") -> None:
        """Undo the latest `spend`."""
        path = _path(address, kind)
        for level, counts in enumerate(self._counts):
            counts.give_back(path[level:])

    def take(self, address: str, kind: str = "") -> None:
        """Check and spend. Raises TooManyRequests."""
        self.check(address, kind)
        self.spend(address, kind)


def _path(address: str, kind: str) -> list[str]:
    return [f"{kind} {name}" for name in (*network_of(address), EVERYONE)]


def too_many(wait: float) -> TooManyRequests:
    """Return the refusal of what may come again in `wait` seconds."""
    # To the µs: sums of fractions are a hair above a whole second, which would be one more.
    return TooManyRequests("Too many requests.", retry_after=round(wait, 6))
