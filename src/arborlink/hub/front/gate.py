"""What all connections of a hub share before they are known: limits, room and memory."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from arborlink.hub.access.rates import Rate
from arborlink.hub.front.lobby import Lobby, Shares

if TYPE_CHECKING:
    from arborlink.hub.front.http import GuardedHttp
    from arborlink.hub.settings import HubSettings

# In the ASGI scope: whether a proxy in front of the hub brought the request.
FROM_PROXY: Final = "arbor.from_proxy"
# In the ASGI scope: the HTTP connection that the request came on.
HTTP_CONNECTION: Final = "arbor.http_connection"
# The rest is for WebSockets, outputs and the database.
HTTP_SHARE_OF_DESCRIPTORS: Final = 2
# An address holds a quarter of the connections at most, so that two leave room for others.
ADDRESS_SHARE_OF_CONNECTIONS: Final = 4


class Pool:
    """Memory that those who are not known yet share."""

    def __init__(self, size: int) -> None:
        self._free = size

    def take(self, size: int) -> bool:
        """Whether there was as much."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """It is not needed any more."""
        self._free += size


@dataclass(slots=True)
class Gate:
    """One per hub. `closing`: the hub stops, and accepts no connection any more.

    `clients`: requests in progress that came through a proxy, by the client's address. The proxy's
    own connections are exempt from the limit per address in `lobby`, so the requests on them are
    held to it.
    """

    settings: HubSettings
    lobby: Lobby[GuardedHttp]
    clients: Shares
    unauthenticated: Pool
    pings: Rate
    closing: bool = False

    @classmethod
    def of(cls, settings: HubSettings) -> Gate:
        """As the settings say, and as the process's descriptors allow."""
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        total = min(settings.http_connections, descriptors // HTTP_SHARE_OF_DESCRIPTORS)
        share = max(1, total // ADDRESS_SHARE_OF_CONNECTIONS)
        per_address = min(settings.http_connections_per_address, share)
        return cls(
            settings,
            Lobby(total=total, per_address=per_address),
            Shares(per_address),
            Pool(settings.unauthenticated_bytes),
            Rate(settings.pings_per_second, settings.pings_burst),
        )

    def is_proxy(self, address: str) -> bool:
        """Whether this is one of the proxies in front of the hub."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(
            parsed in ip_network(proxy, strict=False) for proxy in self.settings.behind_proxy
        )
