"""Who may hold an HTTP connection. Pure: connections are only names here.

A connection without a request in progress is one that may go at any time, as every HTTP client
knows. So the room is never refused to somebody who comes to ask: the longest idle one goes.
"""

from __future__ import annotations

from collections import Counter
from typing import Generic, TypeVar

T = TypeVar("T")


class Shares:
    """Counts what each key holds, and allows `per_key` at most."""

    def __init__(self, per_key: int) -> None:
        self._per_key = per_key
        self._held: Counter[str] = Counter()

    def acquire(self, key: str) -> bool:
        """Return whether the key may hold one more, which it does then."""
        if self._held[key] >= self._per_key:
            return False
        self._held[key] += 1
        return True

    def release(self, key: str) -> None:
        """Give one back."""
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]


class Lobby(Generic[T]):
    """At most `total` connections, and `per_address` from one address."""

    def __init__(self, *, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._where: dict[T, str] = {}
        self._from: Counter[str] = Counter()
        # The longest idle ones first.
        self._idle: dict[str, dict[T, None]] = {}

    def __len__(self) -> int:
        return len(self._where)

    def enter(self, connection: T, address: str, *, exempt: bool = False) -> T | None:
        """Let it in, idle.

        Args:
            connection: the newcomer.
            address: where it comes from.
            exempt: it is a proxy's, which brings the connections of many.

        Returns:
            The one that has to go: an idle one, or the newcomer, which is not in then.
        """
        goes: T | None = None
        if not exempt and self._from[address] >= self._per_address:
            goes = self._longest_idle(address)
            if goes is None:
                return connection
        elif len(self._where) >= self._total:
            crowded = max(self._idle, key=lambda each: len(self._idle[each]), default=None)
            goes = None if crowded is None else self._longest_idle(crowded)
            if goes is None:
                return connection
        if goes is not None:
            self.leave(goes)
        self._where[connection] = address
        self._from[address] += 1
        self.idle(connection)
        return goes

    def idle(self, connection: T) -> None:
        """It has no request in progress, from now on."""
        address = self._where.get(connection)
        if address is not None:
            self._idle.setdefault(address, {})[connection] = None

    def busy(self, connection: T) -> None:
        """It has a request in progress."""
        address = self._where.get(connection, "")
        idle = self._idle.get(address)
        if idle is not None:
            idle.pop(connection, None)
            if not idle:
                del self._idle[address]

    def leave(self, connection: T) -> None:
        """It is gone, or is no HTTP connection any more."""
        self.busy(connection)
        address = self._where.pop(connection, None)
        if address is not None:
            self._from[address] -= 1
            if not self._from[address]:
                del self._from[address]

    def _longest_idle(self, address: str) -> T | None:
        return next(iter(self._idle.get(address, ())), None)
