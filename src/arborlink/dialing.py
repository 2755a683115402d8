"""Opens a WebSocket to a hub: the same proxies and authorities for everybody, and no redirects."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from arborlink.outbound import authorities, proxy_of
from arborlink.protocol.codec import MSGPACK_SUBPROTOCOL


class Connect(connect):
    """Without redirects: they would take the token to wherever they point."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """It is the answer."""
        return exc


def connecting(url: str, ca: str | None = None, **options: Any) -> Connect:
    """To be awaited, or entered. `url` begins with ws or wss; `options` are those of websockets.

    Raises:
        InvalidInput: the proxy or the CA cannot be used.
    """
    proxy = proxy_of(url)
    if proxy is not None and urlsplit(proxy).scheme == "https":
        options["proxy_ssl"] = authorities(ca)
    return Connect(
        url,
        subprotocols=[Subprotocol(MSGPACK_SUBPROTOCOL)],
        compression=None,
        ssl=authorities(ca) if url.startswith("wss:") else None,
        proxy=proxy,
        **options,
    )
