"""uvicorn around the hub's application, with a drain before it stops.

uvicorn on its own closes WebSockets the moment it is told to stop. The hub first refuses what is
new, asks its peers to come back later, and makes everything it holds durable.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from arborlink.hub.certificates import Certificates
from arborlink.hub.front.gate import Gate
from arborlink.hub.front.http import GuardedHttp
from arborlink.hub.settings import HubSettings
from arborlink.protocol.errors import Unavailable

# Our own codec closes an oversized message with 4413; this is the backstop below it, where
# websockets closes with 1009 before the message is held in memory.
BACKSTOP_FACTOR = 2
KEEP_ALIVE_SECONDS = 75
BACKLOG = 2_048
SHUTDOWN_SECONDS = 5
# uvicorn's ticks, of 0.1 s each.
CERTIFICATE_CHECK_TICKS = 10


class HubServer(uvicorn.Server):
    """Drains before it shuts down; `on_listening` hears the bound port.

    Without `own_signals` the process's SIGTERM and SIGINT are left alone: set `should_exit`.

    Raises:
        InvalidInput: the certificate cannot be used.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: HubSettings,
        *,
        drain: Callable[[], Awaitable[None]],
        on_listening: Callable[[int], None],
        own_signals: bool = True,
    ) -> None:
        self._certificates = Certificates.of(settings)
        super().__init__(uvicorn_config(app, settings))
        self._gate = Gate.of(settings)
        self._own_signals = own_signals
        self._drain = drain
        self._on_listening = on_listening

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask to stop, once; uvicorn's own way would raise them again at the
        end, before the hub has closed its stores."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM) if self._own_signals else ()
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say where."""
        config, settings = self.config, self._gate.settings
        tls = None if self._certificates is None else self._certificates.context
        try:
            server = await asyncio.get_running_loop().create_server(
                self._connection,
                config.host,
                config.port,
                ssl=tls,
                ssl_handshake_timeout=None if tls is None else settings.request_head_seconds,
                backlog=config.backlog,
            )
        except OSError as error:
            raise Unavailable(
                f"The hub cannot listen on {config.host} port {config.port}: {error.strerror}. "
                "Choose another one with --port, or stop what uses it.",
                code="cannot_listen",
            ) from error
        self.servers = [server]
        self.started = True
        self._on_listening(int(server.sockets[0].getsockname()[1]))

    def _connection(self) -> GuardedHttp:
        return GuardedHttp(
            config=self.config, server_state=self.server_state, app_state={}, gate=self._gate
        )

    async def on_tick(self, counter: int) -> bool:
        """Now and then, while it serves."""
        if self._certificates is not None and counter % CERTIFICATE_CHECK_TICKS == 0:
            await asyncio.to_thread(self._certificates.refresh)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then stop."""
        await self._stop_listening()
        await self._drain()
        await super().shutdown(sockets)

    async def _stop_listening(self) -> None:
        """Accept nothing more. Whom asyncio accepted in this round has to find its server open:
        otherwise the socket is left to the garbage collector (cpython gh-109564)."""
        self._gate.closing = True
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for listener in server.sockets:
                loop.remove_reader(listener.fileno())
        await asyncio.sleep(0)
        for server in self.servers:
            server.close()


def uvicorn_config(app: ASGIApp, settings: HubSettings) -> uvicorn.Config:
    """Every limit set explicitly."""
    largest = max(settings.control_message_bytes, settings.output_frame_bytes)
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http="httptools",
        ws="websockets-sansio",
        loop="uvloop",
        ws_max_size=BACKSTOP_FACTOR * largest,
        ws_ping_interval=None,
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        backlog=BACKLOG,
        proxy_headers=bool(settings.behind_proxy),
        forwarded_allow_ips=list(settings.behind_proxy),
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="off",
    )
