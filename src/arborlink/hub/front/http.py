"""uvicorn's HTTP connection, with a bound on what it may cost.

uvicorn has no limit of its own, with httptools, on the size of a request's head, on the time that
head and body take, on requests that were sent ahead, or on peers that do not read what they asked
for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from arborlink.hub.access.fair_pool import FairPool
from arborlink.hub.front import replies
from arborlink.hub.front.gate import FROM_PROXY, HTTP_CONNECTION, Gate
from arborlink.hub.front.replies import Refusal
from arborlink.hub.front.websocket import GuardedWebSocket

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

# How long a peer may still send a body after its answer, and still read an answer after its end.
LINGER_SECONDS: Final = 2.0
MAX_REQUESTS_AHEAD: Final = 16
# Around a header's name and value.
HEADER_OVERHEAD_BYTES: Final = 4


class _Refused(Exception):
    """Thrown through the parser, which stops at it."""


class GuardedHttp(HttpToolsProtocol):
    """One connection, until it ends or becomes a WebSocket's."""

    def __init__(
        self,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        gate: Gate,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._gate = gate
        self._limits = gate.settings
        self._refusal: Refusal | None = None
        self._refused = False
        self._from_proxy = False
        self._head_bytes = 0
        self._in_head = False
        # From the first byte of a request to the last of its body.
        self._receiving = False
        # Whether one ended in what was received last.
        self._completed = False
        # Received since the parser last told of a body's part, chunk or trailer.
        self._untold_bytes = 0
        self._told = False
        self._receive_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    # ── the connection ───────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection without a request in progress."""
        super().connection_made(transport)
        if self._gate.closing:
            self.close()
            return
        address = self.client[0] if self.client else ""
        self._from_proxy = self._gate.is_proxy(address)
        goes = self._gate.lobby.enter(self, address, exempt=self._from_proxy)
        if goes is self:
            self.refuse(replies.no_room())
        elif goes is not None:
            goes.give_way()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection's place and timers."""
        self._leave()
        super().connection_lost(exc)

    def refuse(self, refusal: Refusal) -> None:
        """Answer with a refusal, and ignore what the peer still sends."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._leave()
        self.transport.write(refusal.encode(secure=self.scheme == "https"))
        # Closed at once with something unread, the connection would be reset and the answer lost.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._stall_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def give_way(self) -> None:
        """Make room for another connection: with an answer, where one can still be given."""
        if self._in_body and not self._answered:
            self._refusal = replies.no_room()
            self.send_400_response("")
        else:
            self.close()

    def known(self) -> None:
        """Note that the sender of the request in progress is authenticated."""
        self._gate.lobby.known(self)
        self._gate.clients.leave(self)

    def _leave(self) -> None:
        self._gate.lobby.leave(self)
        self._gate.clients.leave(self)
        for timer in (self._receive_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._receive_timer = self._stall_timer = None

    def cut(self) -> None:
        """End the connection now, even in the middle of an answer."""
        self._leave()
        self.transport.abort()

    def close(self) -> None:
        """Close, and do not wait for long until the peer has read what is on its way."""
        self._leave()
        self.transport.close()
        self._stall_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    @property
    def clients(self) -> FairPool[GuardedHttp]:
        """Connections of proxies with a request whose sender is not authenticated yet."""
        return self._gate.clients

    # ── what comes in ────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        """Receive bytes of a request."""
        if self._refused:
            return
        if not self._receiving and self._receive_timer is None:
            self._expect_head()
        before = self._head_bytes if self._in_head else 0
        self._completed = self._told = False
        super().data_received(data)
        # A header without an end is with the parser alone, which does not tell. Where a request
        # ended in between, it is not known how much of this is of the next one's head.
        if self._in_head and not self._completed:
            self._head_bytes = max(self._head_bytes, before + len(data))
            if self._head_bytes > self._limits.request_head_bytes:
                self.refuse(replies.head_too_large(self._limits.request_head_bytes))
        elif self._in_body:
            # So is a trailer without an end, and a chunk's extension.
            self._untold_bytes = 0 if self._told else self._untold_bytes + len(data)
            if self._untold_bytes > self._limits.request_head_bytes:
                self._refusal = replies.head_too_large(self._limits.request_head_bytes)
                self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser could not read; `msg` says no more than that."""
        if self._answered:
            self.refuse(self._refusal or replies.malformed())
        elif self._in_body and not self.cycle.response_started and not self.pipeline:
            # The application gets `http.disconnect`, and does not answer.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.refuse(self._refusal or replies.malformed())
        else:
            # An answer is on its way, and two cannot be told apart.
            self.close()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope[FROM_PROXY] = self._from_proxy  # type: ignore[typeddict-unknown-key]
        self.scope[HTTP_CONNECTION] = self  # type: ignore[typeddict-unknown-key]
        self._head_bytes = self._untold_bytes = 0
        self._in_head = self._receiving = True

    def on_url(self, url: bytes) -> None:
        """Count a part of the request's address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; count and drop a trailer, which follows a body in chunks.

        A trailer is never a header (RFC 9110, §6.5.1). The parser tells of both alike, and uvicorn
        would add it to the headers of a request that is being served: a proxy that passes trailers
        on has not looked for X-Forwarded-For, Authorization or Cookie in them. None is used here.
        """
        self._count(len(name) + len(value) + HEADER_OVERHEAD_BYTES)
        self._told = True
        if self._in_head:
            super().on_header(name, value)

    def on_chunk_header(self) -> None:
        """Note the size of a chunk; trailers follow the last one, whose size is 0."""
        self._told = True

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self._told = True
        super().on_body(body)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._limits.request_head_bytes:
            self._refusal = replies.head_too_large(self._limits.request_head_bytes)
            raise _Refused

    def on_headers_complete(self) -> None:
        """Stop the clock of the head; the application bounds the time of the body."""
        self._in_head = False
        self._stop_waiting()
        if len(self.pipeline) >= MAX_REQUESTS_AHEAD:
            self._refusal = replies.no_room()
            raise _Refused
        self._gate.lobby.busy(self)
        self._take_authority()
        super().on_headers_complete()

    def _take_authority(self) -> None:
        """Use the host of an absolute address in place of the header's (RFC 9112, §3.2.2)."""
        if not self.url.startswith((b"/", b"*")):
            authority = self.url.partition(b"://")[2].partition(b"/")[0]
            self.headers[:] = [
                (name, authority if name == b"host" else value) for name, value in self.headers
            ]

    def on_message_complete(self) -> None:
        """Note that the request is complete."""
        self._receiving = False
        self._completed = True
        self._stop_waiting()
        super().on_message_complete()
        upgrades = self.parser.should_upgrade() and self._should_upgrade()
        if not upgrades and not self.parser.should_keep_alive():
            # After a `Connection: close` among the trailers the parser reads nothing more. The
            # connection would stay open, and answer nothing, for as long as it may be idle.
            self.cycle.keep_alive = False
            if self.cycle.response_complete:
                self.close()
        self._rest()

    def _should_upgrade(self) -> bool:
        # HTTP/1.0 has no upgrades: the header is to be ignored (RFC 9110, §7.8).
        return self.parser.get_http_version() != "1.0" and super()._should_upgrade()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to a WebSocket."""
        self._leave()
        self.ws_protocol_class = self._websocket  # type: ignore[assignment]
        super().handle_websocket_upgrade()

    def _websocket(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> GuardedWebSocket:
        return GuardedWebSocket(
            config=config, server_state=server_state, app_state=app_state, gate=self._gate
        )

    # ── what goes out ────────────────────────────────────────────────────────────────────────

    def on_response_complete(self) -> None:
        """Note that the answer was written; the peer may not have read it yet."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.close()
        elif self._receiving:
            self._wait(LINGER_SECONDS, self.close)
            # The rest of the body changes nothing any more: a newcomer may have the place.
            self._gate.lobby.idle(self)
        self._rest()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for too long."""
        if not self.transport.is_closing():
            self.close()

    def pause_writing(self) -> None:
        """Start the clock of a peer that reads slower than the hub writes."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(
                self._limits.response_stall_seconds, self.transport.abort
            )

    def resume_writing(self) -> None:
        """Stop that clock: the peer has read what was waiting."""
        super().resume_writing()
        if self._stall_timer is not None and not self.transport.is_closing():
            self._stall_timer.cancel()
            self._stall_timer = None

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    @property
    def _in_body(self) -> bool:
        """Whether the rest of a body is to come."""
        return self._receiving and not self._in_head

    @property
    def _answered(self) -> bool:
        """Whether no request waits for its answer."""
        return self.cycle is None or self.cycle.response_complete

    def _rest(self) -> None:
        """Mark the connection idle, if no request is in progress."""
        if self._answered and not self._receiving and not self.pipeline:
            self._gate.lobby.idle(self)

    def _expect_head(self) -> None:
        self._wait(self._limits.request_head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        if self.flow.read_paused:
            # A request that was sent ahead has not been parsed yet.
            self._expect_head()
        elif self._answered:
            self.refuse(replies.head_too_slow(self._limits.request_head_seconds))

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self._receive_timer = self.loop.call_later(seconds, then)

    def _stop_waiting(self) -> None:
        if self._receive_timer is not None:
            self._receive_timer.cancel()
            self._receive_timer = None
