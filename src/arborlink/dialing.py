"""Opens a WebSocket to a hub: the same proxies and authorities for everybody, and no redirects.

The hub is proven on the connection before the handshake of the WebSocket is written to it.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from arborlink.outbound import authorities, proxy_of
from arborlink.proof.exchange import Answer, Exchange
from arborlink.proof.known_hub import KnownHub
from arborlink.proof.statement import End
from arborlink.protocol.codec import MSGPACK_SUBPROTOCOL


class Connect(connect):
    """Without redirects: they would take the token to wherever they point."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """It is the answer."""
        return exc

    async def connect(self) -> ClientConnection:
        """Connect; once more, where the first connection ended with the answer to its question."""
        try:
            return await super().connect()
        except _EndedWithAnswer:
            return await super().connect()


class ProvenConnection(ClientConnection):
    """A connection whose handshake begins when `known` is proven to be at its other end."""

    def __init__(self, *arguments: Any, known: KnownHub, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._known = known

    async def handshake(self, *arguments: Any, **options: Any) -> None:
        """Ask who is there, then open the WebSocket.

        Raises:
            ArborError: as `KnownHub.judge`.
        """
        await _prove(self.transport, self, self._known)
        await super().handshake(*arguments, **options)


def connecting(url: str, known: KnownHub, ca: str | None = None, **options: Any) -> Connect:
    """To be awaited, or entered. `url` begins with ws or wss, and is of the hub `known`; `options`
    are those of websockets.

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
        create_connection=cast(Any, functools.partial(ProvenConnection, known=known)),
        **options,
    )


class _EndedWithAnswer(Exception):
    """What answered cannot go on, as a server of WebSockets alone; it is not asked again."""


class _Asking(asyncio.Protocol):
    """Has the transport for one question."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """A part of the answer."""
        answer = None if self.answer.done() else self._exchange.receive(data)
        if answer is not None:
            self.answer.set_result(answer)

    def eof_received(self) -> None:
        """The end of what answers."""
        self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """It ended without an answer."""
        if not self.answer.done():
            error = exc or ConnectionResetError("the connection ended before it was used")
            self.answer.set_exception(error)


async def _prove(
    transport: asyncio.Transport, connection: ClientConnection, known: KnownHub
) -> None:
    client = End.of(transport.get_extra_info("sockname"))
    server = End.of(transport.get_extra_info("peername"))
    if not known.asks and known.key is None:
        known.check_listener(client, server)
        return
    exchange = known.exchange()
    asking = _Asking(exchange)
    transport.set_protocol(asking)
    transport.write(exchange.request())
    answer = await asking.answer
    if not known.judge(exchange, answer, client, server):
        raise _EndedWithAnswer
    transport.set_protocol(connection)
    if transport.is_closing():
        raise ConnectionResetError("the connection ended before it was used")
