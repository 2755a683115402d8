"""What all connections of a hub share before they are known: limits, room and memory."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from arborlink.hub.access.fair_pool import FairPool
from arborlink.hub.access.rates import Rate
from arborlink.hub.descriptors import divide, limit
from arborlink.hub.front.lobby import Lobby

if TYPE_CHECKING:
    from arborlink.hub.front.http import GuardedHttp
    from arborlink.hub.settings import HubSettings

# In the ASGI scope: whether a proxy in front of the hub brought the request.
FROM_PROXY: Final = "arbor.from_proxy"
# In the ASGI scope: the HTTP connection that the request came on.
HTTP_CONNECTION: Final = "arbor.http_connection"
# An address holds a quarter of the connections at most, so that two leave room for others.
ADDRESS_SHARE_OF_CONNECTIONS: Final = 4
# Share of the connections that may hold a request of an unauthenticated client behind a proxy; the
# rest is left for connections whose request has not been read yet.
PROXIED_SHARE_OF_CONNECTIONS: Final = 0.75


class Pool:
    """Memory that connections share until their peers are authenticated."""

    def __init__(self, size: int) -> None:
        self._free = size

    def take(self, size: int) -> bool:
        """Take `size` bytes, if there are as many; False otherwise."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """Return what `take` took."""
        self._free += size


@dataclass(slots=True)
class Gate:
    """One per hub. `closing`: the hub stops, and accepts no connection any more.

    `clients`: connections of proxies with a request in progress, by the client's network, until the
    sender is authenticated. The proxy's own connections are exempt from the limit per address in
    `lobby`, so the requests on them are held to it.
    """

    settings: HubSettings
    lobby: Lobby[GuardedHttp]
    clients: FairPool[GuardedHttp]
    unauthenticated: Pool
    pings: Rate
    closing: bool = False

    @classmethod
    def of(cls, settings: HubSettings) -> Gate:
        """Make the gate of these settings, within the process's limit of descriptors."""
        total = divide(limit(), settings).http
        share = max(1, total // ADDRESS_SHARE_OF_CONNECTIONS)
        per_address = min(settings.http_connections_per_address, share)
        return cls(
            settings,
            Lobby(total=total, per_address=per_address),
            FairPool(max(1, int(total * PROXIED_SHARE_OF_CONNECTIONS)), per_customer=per_address),
            Pool(settings.unauthenticated_bytes),
            Rate(settings.pings_per_second, settings.pings_burst),
        )

    def is_proxy(self, address: str) -> bool:
        """Return whether this is one of the proxies in front of the hub."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(
            parsed in ip_network(proxy, strict=False) for proxy in self.settings.behind_proxy
        )
