"""Which WebSockets may wait to be authenticated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from arborlink.hub.access.fair_pool import FairPool
from arborlink.hub.access.networks import network_of
from arborlink.protocol.errors import TooManyRequests


class WaitingPlace:
    """The place of one connection. `lost`: why another connection has it by now."""

    def __init__(self) -> None:
        self.lost: TooManyRequests | None = None
        self._timer: asyncio.Timeout | None = None

    def ends_by(self, timer: asyncio.Timeout) -> None:
        """Expire this timer once the place is lost."""
        self._timer = timer
        if self.lost is not None:
            self._expire()

    def lose(self, error: TooManyRequests) -> None:
        """Give the place to another connection."""
        self.lost = error
        self._expire()

    def _expire(self) -> None:
        if self._timer is not None:
            self._timer.reschedule(asyncio.get_running_loop().time())


class Admission:
    """Bounds the connections that are not authenticated yet, in all and of one customer.

    When all places are held, the network that holds the most loses one to a newcomer from
    elsewhere. Connections from networks where a credential was proved lately have as many places of
    their own, so that a daemon that comes back finds one although strangers hold theirs.
    """

    def __init__(self, *, total: int, per_address: int, is_stranger: Callable[[str], bool]) -> None:
        self._is_stranger = is_stranger
        self._strangers: FairPool[WaitingPlace] = FairPool(total, per_customer=per_address)
        self._known: FairPool[WaitingPlace] = FairPool(total, per_customer=per_address)

    @contextmanager
    def waiting(
        self, address: str, refusal: Callable[[], TooManyRequests]
    ) -> Iterator[WaitingPlace]:
        """Count a connection until it is authenticated or gone.

        Raises:
            TooManyRequests: `refusal`, where there is no place.
        """
        pool = self._strangers if self._is_stranger(address) else self._known
        place = WaitingPlace()
        leaving = pool.enter(place, network_of(address))
        if leaving is place:
            raise refusal()
        if leaving is not None:
            leaving.lose(refusal())
        try:
            yield place
        finally:
            pool.leave(place)
