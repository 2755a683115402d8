"""A bounded number of places for unknown peers, which no single network can fill. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar

from arborlink.hub.access.networks import Network

T = TypeVar("T", bound=Hashable)

# Places of region, site and customer in a `Network`.
WIDEST_FIRST: Final = (2, 1, 0)


class FairPool(Generic[T]):
    """At most `size` members, and `per_customer` of one customer of a provider.

    When it is full, the region with the most members loses one to a newcomer from elsewhere; within
    it the site with the most, and there the customer. So a network that holds many places makes
    room, and a newcomer from a network with few of them finds one.
    """

    def __init__(self, size: int, *, per_customer: int) -> None:
        self._size = size
        self._per_customer = per_customer
        # Oldest first.
        self._networks: dict[T, Network] = {}
        self._held: list[Counter[str]] = [Counter(), Counter(), Counter()]

    def __len__(self) -> int:
        return len(self._networks)

    def __contains__(self, member: T) -> bool:
        return member in self._networks

    def held_by(self, network: Network) -> int:
        """Return how many places this customer holds."""
        return self._held[0][network.customer]

    def enter(self, member: T, network: Network) -> T | None:
        """Give the member a place, unless it has one.

        Returns:
            The member that loses: another one, already removed, or the newcomer, not added. None:
            there was room.
        """
        if member in self._networks:
            return None
        if self._held[0][network.customer] >= self._per_customer:
            return member
        leaving: T | None = None
        if len(self._networks) >= self._size:
            leaving = self.most_crowded(network)
            if leaving is None:
                return member
            self.leave(leaving)
        self._networks[member] = network
        for held, name in zip(self._held, network, strict=True):
            held[name] += 1
        return leaving

    def leave(self, member: T) -> None:
        """Give the member's place back, if it has one."""
        network = self._networks.pop(member, None)
        if network is None:
            return
        for held, name in zip(self._held, network, strict=True):
            held[name] -= 1
            if not held[name]:
                del held[name]

    def most_crowded(self, newcomer: Network) -> T | None:
        """Return the oldest member of the most crowded network, if that has more members than the
        newcomer's would have with the newcomer; None: no network has."""
        among = list(self._networks)
        for level in WIDEST_FIRST:
            if not among:
                return None
            fullest = self._fullest(among, level)
            if self._held[level][fullest] > self._held[level][newcomer[level]] + 1:
                for narrower in WIDEST_FIRST[WIDEST_FIRST.index(level) :]:
                    fullest = self._fullest(among, narrower)
                    among = self._within(among, narrower, fullest)
                return among[0]
            among = self._within(among, level, newcomer[level])
        return None

    def _fullest(self, among: Sequence[T], level: int) -> str:
        names = (self._networks[each][level] for each in among)
        return max(names, key=self._held[level].__getitem__)

    def _within(self, among: Sequence[T], level: int, name: str) -> list[T]:
        return [each for each in among if self._networks[each][level] == name]
