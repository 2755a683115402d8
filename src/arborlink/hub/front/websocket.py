"""uvicorn's WebSocket connection, with a bound on what it may cost.

websockets parses whatever has arrived in one go, keeps any number of fragments that are empty, and
answers every ping; uvicorn takes all messages that came in one read. Here bytes are parsed in small
pieces, and only while nothing that was parsed waits for the application.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from arborlink import tcp
from arborlink.hub.access.headers import security_headers
from arborlink.hub.access.rates import Budget, too_many
from arborlink.hub.front.gate import Gate
from arborlink.protocol.errors import MessageTooLarge, TooManyRequests, Unavailable
from arborlink.protocol.limits import KIB
from arborlink.protocol.retry import close_reason_of

if TYPE_CHECKING:
    from asyncio import BaseTransport

    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
    from uvicorn.config import Config
    from uvicorn.server import ServerState

# In the ASGI scope: this connection.
CONNECTION: Final = "arbor.connection"
# How much is parsed at once: little of many small frames, much of a large one.
SMALLEST_PIECE_BYTES: Final = 1 * KIB
LARGEST_PIECE_BYTES: Final = 64 * KIB
# Bytes parsed at once of a peer that is not authenticated, which may send many small frames.
STRANGERS_PIECE_BYTES: Final = 16 * KIB
# More in one piece: it is one of many small frames.
FEW_FRAMES: Final = 8
# What a peer may send before it is authenticated; beyond that, such peers share a pool.
FREE_BYTES: Final = 16 * KIB
# How long a peer may take to answer our close frame, and to read what was on its way.
CLOSE_SECONDS: Final = 2.0
# Until those who are let in meanwhile have given back what they held.
RETRY_SECONDS: Final = 5.0

logger = logging.getLogger("uvicorn.error")


class _Handshake(ServerProtocol):
    """A handshake whose refusals have the application's security headers."""

    secure = False

    def reject(self, status: StatusLike, text: str) -> Response:
        """Return the response to a handshake that is none, or that the application closed."""
        response = super().reject(status, text)
        response.headers.update(security_headers(secure=self.secure))
        return response


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """One connection. Unknown until `authenticated` is called."""

    conn: _Handshake

    def __init__(
        self,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        gate: Gate,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.close_timeout = CLOSE_SECONDS
        # Without extensions: nothing is ever inflated.
        self.conn = _Handshake(max_size=config.ws_max_size, logger=logger)
        self._pool = gate.unauthenticated
        self._limits = gate.settings
        self._pings = Budget(gate.pings)
        self._held = memoryview(b"")
        self._piece = SMALLEST_PIECE_BYTES
        self._known = False
        self._sent_unknown = 0
        self._pooled = 0

    def authenticated(self) -> None:
        """Note that the peer is authenticated: the stricter limits end."""
        self._known = True
        self._give_back()

    def connection_made(self, transport: BaseTransport) -> None:
        """Take over the transport of the HTTP connection."""
        super().connection_made(transport)
        tcp.hold_little(self.transport)
        self.conn.secure = self.scheme == "wss"

    def give_up(self) -> None:
        """Reset the connection if the peer's system acknowledges nothing: no close would arrive."""
        if not tcp.is_heard(self.transport):
            tcp.reset(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the connection holds."""
        super().connection_lost(exc)
        self._forget()

    async def run_asgi(self) -> None:
        """Run the application, then end the connection even if the peer does not read the close."""
        await super().run_asgi()
        if not self.disconnected:
            self.loop.call_later(2 * CLOSE_SECONDS, self.transport.abort)

    # ── what comes in ────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        """Receive bytes, of the handshake first."""
        if not self.handshake_initiated:
            super().data_received(data)
            if not self.handshake_initiated:
                # A handshake that cannot be parsed has an answer, which uvicorn does not send.
                self.transport.write(b"".join(self.conn.data_to_send()))
                self.transport.close()
            return
        if not self._known and not self._may_send(len(data)):
            self._refuse(data)
            return
        # Nothing arrives while something is held, but for what the loop had read already.
        self._held = memoryview(bytes(self._held) + data) if self._held else memoryview(data)
        self._parse()

    def handle_connect(self, event: Any) -> None:
        """Put this connection into the application's scope."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope[CONNECTION] = self  # type: ignore[typeddict-unknown-key]

    def _may_send(self, size: int) -> bool:
        self._sent_unknown += size
        wanted = max(0, self._sent_unknown - FREE_BYTES) - self._pooled
        if wanted > 0:
            if not self._pool.take(wanted):
                return False
            self._pooled += wanted
        return True

    def _refuse(self, data: bytes) -> None:
        """Close the connection. Where what it may have sent breaks a rule by itself, the peer hears
        of that: to come back later would not help it."""
        may_send = FREE_BYTES + self._pooled - (self._sent_unknown - len(data))
        if not self._held and may_send > 0:
            self._held = memoryview(data)[:may_send]
            self._parse()
        self._fail(Unavailable("too many large auth messages at once", retry_after=RETRY_SECONDS))
        # At once: of several that want more in the same turn all would be refused.
        self._forget()

    def _forget(self) -> None:
        """Drop the parser's last bytes: it keeps them in a reference cycle, freed much later."""
        self._held = memoryview(b"")
        self.frames = []
        self.conn.reader.discard()
        self.conn.parser.close()
        self._give_back()

    def _give_back(self) -> None:
        self._pool.give_back(self._pooled)
        self._pooled = 0

    def _parse(self) -> None:
        """Parse as much as the application has room for."""
        while self._held and not self._must_wait():
            piece, self._held = self._held[: self._piece], self._held[self._piece :]
            self.conn.receive_data(piece)  # type: ignore[arg-type]
            if self.conn.parser_exc is not None:
                self._held = memoryview(b"")
                self.handle_parser_exception()
                return
            self._adapt(len(self.conn.events))
            self.handle_events()

    def _must_wait(self) -> bool:
        if self.transport.is_closing():
            self._held = memoryview(b"")
            return True
        if not self.handshake_complete:
            self.transport.pause_reading()
            return True
        return self.read_paused

    def _adapt(self, frames: int) -> None:
        if frames > FEW_FRAMES:
            self._piece = SMALLEST_PIECE_BYTES
        else:
            largest = LARGEST_PIECE_BYTES if self._known else STRANGERS_PIECE_BYTES
            self._piece = min(2 * self._piece, largest)

    def handle_cont(self, event: Frame) -> None:
        """Add a fragment to the message, up to the limit of fragments."""
        if len(self.frames) >= self._limits.message_fragments:
            limit = self._limits.message_fragments
            self._fail(MessageTooLarge(f"a message has at most {limit} fragments"))
        else:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping, unless there are too many of them or the peer reads nothing."""
        if self._spend_ping() and self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_pong(self, event: Frame) -> None:
        """Count a pong, which no ping asked for: the hub sends none."""
        self._spend_ping()

    def _spend_ping(self) -> bool:
        wait = self._pings.take(self.loop.time())
        if wait:
            self._fail(too_many(wait))
        return not wait

    def _fail(self, error: MessageTooLarge | TooManyRequests | Unavailable) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        self._held = memoryview(b"")
        self.frames = []
        self.conn.fail(error.close_code, close_reason_of(error))
        if self.conn.close_sent is None:
            self.transport.close()
        else:
            self.handle_parser_exception()

    # ── the application ──────────────────────────────────────────────────────────────────────

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next event. What is held is parsed when the last one was taken."""
        event = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._go_on()
        return event

    async def send(self, message: ASGISendEvent) -> None:
        """Send to the peer. After the handshake and after a close, parse what was held."""
        await super().send(message)
        if message["type"] in ("websocket.accept", "websocket.close"):
            self._go_on()

    def _go_on(self) -> None:
        self._parse()
        if not self._held and not self.read_paused:
            self.transport.resume_reading()
