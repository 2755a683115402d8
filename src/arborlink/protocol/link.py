"""The two ends of a connection: authentication, welcome, heartbeats, close codes. Pure.

Both ends have the same verbs: `receive`, `events`, `send`, `to_send`, `next_deadline` and
`on_deadline`. A shell reads, calls `receive`, handles `events`, flushes `to_send` and re-arms one
timer. What a peer does wrong never raises: it fails the link with a close code.

States, as a table of what may happen next:

    AWAITING_AUTH ──auth──▶ AUTHENTICATING ──welcome──▶ OPEN ──▶ CLOSED      (hub's end)
                            AUTHENTICATING ──welcome──▶ OPEN ──▶ CLOSED      (daemon's, viewer's)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from arborlink.protocol import limits
from arborlink.protocol.errors import (
    NORMAL_CLOSURE,
    ArborError,
    AuthenticationTimeout,
    LocalProtocolError,
    MalformedMessage,
    PeerSilent,
)
from arborlink.protocol.heartbeat import HeartbeatMachine, announced
from arborlink.protocol.messages import (
    AnyMessage,
    DaemonAuth,
    DaemonWelcome,
    ErrorMessage,
    Heartbeat,
    UnknownMessage,
    ViewerAuth,
    ViewerWelcome,
)
from arborlink.protocol.retry import close_reason, close_reason_of


class LinkState(Enum):
    """Where a connection is in its life."""

    AWAITING_AUTH = "awaiting_auth"
    AUTHENTICATING = "authenticating"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AuthReceived:
    """Hub's end: the peer's credential has arrived; answer with `welcome` or `fail`."""

    auth: DaemonAuth | ViewerAuth


@dataclass(frozen=True, slots=True)
class Opened:
    """Daemon's or viewer's end: the hub has accepted the connection."""

    welcome: DaemonWelcome | ViewerWelcome


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message for the application; heartbeats and authentication are handled by the link."""

    message: AnyMessage


@dataclass(frozen=True, slots=True)
class Close:
    """In `to_send`: close the WebSocket with this code. Nothing follows it."""

    code: int
    reason: str


LinkEvent: TypeAlias = AuthReceived | Opened | MessageReceived


class Link(ABC):
    """What both ends share: heartbeats, unknown messages, closing."""

    def __init__(self, state: LinkState, now: float, deadline: float) -> None:
        self.state = state
        self.failure: ArborError | None = None
        self.heartbeat = HeartbeatMachine(now)
        self._auth_deadline = deadline
        self._events: list[LinkEvent] = []
        self._to_send: list[AnyMessage | Close] = []

    def events(self) -> list[LinkEvent]:
        """Return what has happened since the last call."""
        events, self._events = self._events, []
        return events

    def to_send(self) -> list[AnyMessage | Close]:
        """Return what to send since the last call, in order; nothing follows a `Close`."""
        messages, self._to_send = self._to_send, []
        return messages

    @property
    def wants_to_send(self) -> bool:
        """Whether `to_send` has something."""
        return bool(self._to_send)

    def send(self, message: AnyMessage) -> None:
        """Queue a message.

        Raises:
            LocalProtocolError: the link is not open.
        """
        if self.state is not LinkState.OPEN:
            raise LocalProtocolError(f"cannot send on a link that is {self.state.value}")
        self._to_send.append(message)

    def fail(self, error: ArborError) -> None:
        """Close because of `error`; the first one counts."""
        if self.state is LinkState.CLOSED:
            return
        self.failure = error
        self._close(error.close_code, close_reason_of(error))

    def close(
        self, code: int = NORMAL_CLOSURE, text: str = "", *, retry_after: int | None = None
    ) -> None:
        """Close the connection. `retry_after`: the peer may come back in so many seconds."""
        self._close(code, close_reason(text, retry_after))

    def _close(self, code: int, reason: str) -> None:
        if self.state is LinkState.CLOSED:
            return
        self.state = LinkState.CLOSED
        self._to_send.append(Close(code, reason))

    def disconnected(self) -> None:
        """Note that the connection has ended: nothing can be sent any more."""
        self.state = LinkState.CLOSED
        self._to_send.clear()

    def next_deadline(self) -> float | None:
        """Return when `on_deadline` is due, in monotonic seconds; None once closed."""
        if self.state is LinkState.CLOSED:
            return None
        if self.state is LinkState.OPEN:
            return self.heartbeat.next_deadline()
        return self._auth_deadline

    def on_deadline(self, now: float) -> None:
        """Send a probe, or close: the peer is silent or has not authenticated in time."""
        if self.state is LinkState.OPEN:
            try:
                probe = self.heartbeat.on_deadline(now)
            except PeerSilent as error:
                self.fail(error)
                return
            if probe is not None:
                self._to_send.append(probe)
        elif self.state is not LinkState.CLOSED and now >= self._auth_deadline:
            self.fail(AuthenticationTimeout(self._timeout_text()))

    @abstractmethod
    def _timeout_text(self) -> str:
        """Return what to say when the authentication took too long."""

    def _receive_open(self, message: AnyMessage | UnknownMessage, now: float) -> None:
        if isinstance(message, Heartbeat):
            answer = self.heartbeat.receive(message, now)
            if answer is not None:
                self._to_send.append(answer)
            return
        self.heartbeat.heard(now)
        if isinstance(message, UnknownMessage):
            self._on_unknown(message)
        elif isinstance(message, DaemonAuth | ViewerAuth | DaemonWelcome | ViewerWelcome):
            self.fail(MalformedMessage("authentication happens once, at the beginning"))
        else:
            self._events.append(MessageReceived(message))

    @abstractmethod
    def _on_unknown(self, message: UnknownMessage) -> None:
        """Handle a message of an unknown type."""


class HubLink(Link):
    """The hub's end of a daemon's or viewer's connection."""

    def __init__(
        self, now: float, *, authentication_seconds: float = limits.AUTHENTICATION_SECONDS
    ) -> None:
        super().__init__(LinkState.AWAITING_AUTH, now, now + authentication_seconds)
        self._seconds = authentication_seconds

    def receive(self, message: AnyMessage | UnknownMessage, now: float) -> None:
        """Handle a message. Never raises for what the peer did: the link closes with a code."""
        if self.state is LinkState.OPEN:
            self._receive_open(message, now)
        elif self.state is LinkState.AWAITING_AUTH:
            if isinstance(message, DaemonAuth | ViewerAuth):
                self.state = LinkState.AUTHENTICATING
                self._events.append(AuthReceived(message))
            else:
                self.fail(MalformedMessage("the first message must be auth", code="auth_required"))
        elif self.state is LinkState.AUTHENTICATING:
            self.fail(MalformedMessage("wait for welcome before sending", code="auth_required"))

    def welcome(self, welcome: DaemonWelcome | ViewerWelcome, now: float) -> None:
        """Accept the peer.

        Raises:
            LocalProtocolError: it is not waiting to be accepted.
        """
        if self.state is not LinkState.AUTHENTICATING:
            raise LocalProtocolError(f"cannot welcome on a link that is {self.state.value}")
        self.state = LinkState.OPEN
        self.heartbeat = HeartbeatMachine(now, announced(welcome.limits))
        self._to_send.append(welcome)

    def _timeout_text(self) -> str:
        return f"no valid auth within {self._seconds:g} seconds"

    def _on_unknown(self, message: UnknownMessage) -> None:
        kind = message.type[: limits.MAX_ID_CHARS]
        self._to_send.append(
            ErrorMessage(
                code="unknown_message",
                message=f"messages of type {kind!r} are not spoken here",
                ref=kind,
            )
        )


class PeerLink(Link):
    """The daemon's or viewer's end of a connection to the hub. Sends its `auth` at once."""

    def __init__(
        self,
        auth: DaemonAuth | ViewerAuth,
        now: float,
        *,
        welcome_seconds: float = limits.WELCOME_SECONDS,
    ) -> None:
        super().__init__(LinkState.AUTHENTICATING, now, now + welcome_seconds)
        self._seconds = welcome_seconds
        self._to_send.append(auth)

    def receive(self, message: AnyMessage | UnknownMessage, now: float) -> None:
        """Handle a message. Never raises for what the hub did: the link closes with a code."""
        if self.state is LinkState.OPEN:
            self._receive_open(message, now)
        elif self.state is LinkState.AUTHENTICATING:
            if isinstance(message, DaemonWelcome | ViewerWelcome):
                self.state = LinkState.OPEN
                self.heartbeat = HeartbeatMachine(now, announced(message.limits))
                self._events.append(Opened(message))
            elif not isinstance(message, ErrorMessage | UnknownMessage):
                self.fail(MalformedMessage("the hub's first message must be welcome"))

    def _timeout_text(self) -> str:
        return f"the hub did not answer the authentication within {self._seconds:g} seconds"

    def _on_unknown(self, message: UnknownMessage) -> None:
        """Ignore it: a newer hub may send messages that this release does not know."""
