"""HTTP connections that are proven before the first request: a transport for `httpx2`.

The pool of `httpcore2` opens connections through a network backend. This one hands out a stream
only after the exchange: without TLS right after connecting, with TLS after the handshake with the
hub, behind a proxy inside of its tunnel. What a proxy is sent before holds no secret of the hub.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import httpcore2
import httpx2
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

from arborlink.proof.known_hub import KnownHub
from arborlink.proof.statement import End

_READ_BYTES: Final = 16 * 1024


class ProvenTransport(httpx2.AsyncHTTPTransport):
    """Requests to one hub. `proxy`: on the way to it; `context`: for an https address."""

    def __init__(
        self,
        known: KnownHub,
        *,
        limits: httpx2.Limits,
        context: ssl.SSLContext | None,
        proxy: httpx2.Proxy | None,
    ) -> None:
        # Instead of the initializer that is inherited: it makes a pool without this backend, and
        # a request without `_pool` fails rather than going out unproven.
        options: dict[str, Any] = {
            "ssl_context": context,
            "max_connections": limits.max_connections,
            "max_keepalive_connections": limits.max_keepalive_connections,
            "keepalive_expiry": limits.keepalive_expiry,
        }
        if proxy is None:
            layers = 0 if context is None else 1
            backend = _Backend(known, layers=layers, may_redial=True)
            self._pool = httpcore2.AsyncConnectionPool(network_backend=backend, **options)
            return
        layers = 2 if proxy.url.scheme == "https" else 1
        options["network_backend"] = _Backend(known, layers=layers, may_redial=False)
        options["proxy_auth"] = proxy.raw_auth
        options["proxy_url"] = httpcore2.URL(
            scheme=proxy.url.raw_scheme,
            host=proxy.url.raw_host,
            port=proxy.url.port,
            target=proxy.url.raw_path,
        )
        if proxy.url.scheme.startswith("socks"):
            self._pool = httpcore2.AsyncSOCKSProxy(**options)
        else:
            self._pool = httpcore2.AsyncHTTPProxy(
                proxy_ssl_context=proxy.ssl_context, proxy_headers=proxy.headers.raw, **options
            )


class _Backend(AsyncNetworkBackend):
    """`layers`: handshakes of TLS until the hub is reached, that of an https proxy included."""

    def __init__(self, known: KnownHub, *, layers: int, may_redial: bool) -> None:
        self._known = known
        self._layers = layers
        self._may_redial = may_redial
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        async def dial() -> AsyncNetworkStream:
            return await self._backend.connect_tcp(
                host, port, timeout, local_address, socket_options
            )

        stream = await dial()
        if self._layers:
            again = dial if self._may_redial else None
            return _Tunnel(stream, self._known, self._layers, again)
        if not await _prove(stream, self._known, timeout):
            stream = await dial()
            await _prove(stream, self._known, timeout)
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Tunnel(AsyncNetworkStream):
    """A stream that is not the hub's yet: `layers` handshakes of TLS are ahead."""

    def __init__(
        self,
        stream: AsyncNetworkStream,
        known: KnownHub,
        layers: int,
        again: Callable[[], Awaitable[AsyncNetworkStream]] | None,
    ) -> None:
        self._stream = stream
        self._known = known
        self._layers = layers
        self._again = again

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncNetworkStream:
        inner = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        if self._layers > 1:
            return _Tunnel(inner, self._known, self._layers - 1, None)
        if await _prove(inner, self._known, timeout):
            return inner
        if self._again is None:
            # The next connection is not asked.
            raise httpcore2.ConnectError("the connection ended with the first answer")
        fresh = await (await self._again()).start_tls(ssl_context, server_hostname, timeout)
        await _prove(fresh, self._known, timeout)
        return fresh


async def _prove(stream: AsyncNetworkStream, known: KnownHub, timeout: float | None) -> bool:
    """Whether the connection may be used; False: it is closed, and the next one is not asked.

    Raises:
        ArborError: as `KnownHub.judge`; the stream is closed.
    """
    try:
        client, server = _ends(stream)
        if not known.asks and known.key is None:
            known.check_listener(client, server)
            return True
        exchange = known.exchange()
        async with asyncio.timeout(timeout):
            await stream.write(exchange.request(), timeout)
            while (
                answer := exchange.receive(data := await stream.read(_READ_BYTES, timeout))
            ) is None:
                if not data:
                    raise httpcore2.ConnectError("the connection ended before it was used")
        is_usable = known.judge(exchange, answer, client, server)
    except BaseException as error:
        await stream.aclose()
        if isinstance(error, TimeoutError):
            raise httpcore2.ConnectTimeout("no answer in time") from error
        if isinstance(error, httpcore2.NetworkError):
            raise httpcore2.ConnectError(str(error) or "the connection was lost") from error
        raise
    if not is_usable:
        await stream.aclose()
    return is_usable


def _ends(stream: AsyncNetworkStream) -> tuple[End, End]:
    client, server = stream.get_extra_info("client_addr"), stream.get_extra_info("server_addr")
    return End.of(client), End.of(server)
