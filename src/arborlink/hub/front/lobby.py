"""Decide which HTTP connections may stay open. Pure: connections are only names here.

A connection without a request in progress is one that may go at any time, as every HTTP client
knows: a newcomer takes the place of the longest idle one. Where none is idle, a request of a sender
that is not known yet makes room, if its network holds more of them than the newcomer's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

from arborlink.hub.access.fair_pool import FairPool
from arborlink.hub.access.networks import Network, network_of

T = TypeVar("T", bound=Hashable)


class Lobby(Generic[T]):
    """At most `total` connections, and `per_address` from one address."""

    def __init__(self, *, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._where: dict[T, Network] = {}
        self._from: Counter[str] = Counter()
        # The longest idle ones first.
        self._idle: dict[str, dict[T, None]] = {}
        # Of those that no proxy brought: those with a request of a sender that is not known yet.
        self._unknown: FairPool[T] = FairPool(total, per_customer=total)
        self._exempt: set[T] = set()

    def __len__(self) -> int:
        return len(self._where)

    def enter(self, connection: T, address: str, *, exempt: bool = False) -> T | None:
        """Admit a connection, idle.

        Args:
            connection: the newcomer.
            address: where it comes from; all addresses of a provider's customer are one.
            exempt: it is a proxy's, which brings the connections of many.

        Returns:
            The one that has to go: an idle one, one of an unknown sender from a more crowded
            network, or the newcomer, which is not in then.
        """
        network = network_of(address)
        address = network.customer
        goes: T | None = None
        if not exempt and self._from[address] >= self._per_address:
            goes = self._longest_idle(address)
            if goes is None:
                return connection
        elif len(self._where) >= self._total:
            crowded = max(self._idle, key=lambda each: len(self._idle[each]), default=None)
            goes = None if crowded is None else self._longest_idle(crowded)
            if goes is None and not exempt:
                goes = self._unknown.most_crowded(network)
            if goes is None:
                return connection
        if goes is not None:
            self.leave(goes)
        self._where[connection] = network
        if exempt:
            self._exempt.add(connection)
        self._from[address] += 1
        self.idle(connection)
        return goes

    def idle(self, connection: T) -> None:
        """Note that a connection has no request in progress."""
        self._unknown.leave(connection)
        network = self._where.get(connection)
        if network is not None:
            self._idle.setdefault(network.customer, {})[connection] = None

    def busy(self, connection: T) -> None:
        """Note that a connection has a request whose sender is not authenticated yet."""
        network = self._where.get(connection)
        if network is None:
            return
        if connection not in self._exempt:
            self._unknown.enter(connection, network)
        idle = self._idle.get(network.customer)
        if idle is not None:
            idle.pop(connection, None)
            if not idle:
                del self._idle[network.customer]

    def known(self, connection: T) -> None:
        """Note that the request's sender is authenticated: it counts the request from here on."""
        self._unknown.leave(connection)

    def leave(self, connection: T) -> None:
        """Remove a connection that has ended, or has become a WebSocket."""
        self.busy(connection)
        self._unknown.leave(connection)
        self._exempt.discard(connection)
        network = self._where.pop(connection, None)
        if network is not None:
            self._from[network.customer] -= 1
            if not self._from[network.customer]:
                del self._from[network.customer]

    def _longest_idle(self, address: str) -> T | None:
        return next(iter(self._idle.get(address, ())), None)
