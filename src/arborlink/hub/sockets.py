"""The WebSocket endpoint: Origin, sub-protocol, first message, then the shell of its kind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog
from starlette.websockets import WebSocket

from arborlink.hub.access import Access, origin_allowed, sent_origin
from arborlink.hub.access.environment import SECOND_US
from arborlink.hub.front.websocket import CONNECTION, GuardedWebSocket
from arborlink.hub.live import log_lines
from arborlink.hub.live.acceptance import Acceptance
from arborlink.hub.live.admission import Admission
from arborlink.hub.live.clock import now_us
from arborlink.hub.live.connections import Connections
from arborlink.hub.live.daemon_places import DaemonPlaces
from arborlink.hub.live.daemon_session import DaemonSession
from arborlink.hub.live.daemons import Daemons
from arborlink.hub.live.herd import Herd, turn_seconds
from arborlink.hub.live.presence import going_down
from arborlink.hub.live.session import ConnectionLost, Session, authenticate
from arborlink.hub.live.viewer_session import ViewerSession, Viewing
from arborlink.hub.problems import problem_response
from arborlink.hub.settings import HubSettings
from arborlink.protocol.codec import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, Codec
from arborlink.protocol.errors import (
    SERVICE_RESTART,
    ArborError,
    NotAllowed,
    NotAuthenticated,
    TooManyRequests,
    UnsupportedProtocol,
)
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.link import AuthReceived, HubLink
from arborlink.protocol.messages import INPUT_END_CAPABILITY, DaemonAuth, ViewerWelcome

# After so long it is looked again how much is left.
MAX_TIMER_SECONDS = 60.0


@dataclass(slots=True)
class Sockets:
    """All WebSocket connections of the hub."""

    settings: HubSettings
    access: Access
    acceptance: Acceptance
    daemons: Daemons
    viewing: Viewing
    limits: WireLimits
    admission: Admission
    connections: Connections
    daemon_places: DaemonPlaces
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _herd: Herd = field(default_factory=Herd)

    @property
    def sessions(self) -> set[Session]:
        """Those that are authenticated."""
        return self.connections.live

    async def endpoint(self, websocket: WebSocket) -> None:
        """One connection, from its first byte to its last."""
        subprotocol = _choose(websocket.scope.get("subprotocols") or [])
        refusal = self._refusal(websocket, subprotocol)
        if refusal is not None:
            await websocket.send_denial_response(problem_response(refusal))
            return
        codec = Codec(
            json=subprotocol != MSGPACK_SUBPROTOCOL,
            control_bytes=self.settings.control_message_bytes,
            output_bytes=self.settings.output_frame_bytes,
        )
        link = HubLink(
            time.monotonic(), authentication_seconds=self.settings.authentication_seconds
        )
        try:
            with self.admission.waiting(_address(websocket), self._crowded) as place:
                await websocket.accept(subprotocol or None)
                session = await authenticate(
                    websocket,
                    link,
                    codec,
                    lambda event: self._admit(websocket, codec, link, event),
                    place,
                )
        except TooManyRequests as error:
            await websocket.send_denial_response(problem_response(error))
            return
        except ConnectionLost:
            return
        connection: GuardedWebSocket | None = websocket.scope.get(CONNECTION)
        if connection is not None:
            connection.authenticated()
        await self._serve(session, codec, connection)

    def _refusal(self, websocket: WebSocket, subprotocol: str | None) -> ArborError | None:
        headers = websocket.headers
        origin = sent_origin(headers.getlist("origin"))
        if not origin_allowed(origin, headers.get("host", ""), self.settings):
            return NotAllowed(
                f"A page of the origin {origin!r} may not connect to this hub. If it should, add "
                "it to allowed_origins or set public_url.",
                code="origin_not_allowed",
            )
        if self.daemons.presence.draining():
            return going_down()
        if subprotocol is None:
            return UnsupportedProtocol(
                f"Sub-protocols spoken here: {MSGPACK_SUBPROTOCOL}, {JSON_SUBPROTOCOL}."
            )
        return None

    def _crowded(self) -> TooManyRequests:
        seconds = self._herd.turn(time.monotonic())
        return TooManyRequests(
            "Too many connections wait to be authenticated.",
            code="too_many_handshakes",
            retry_after=float(seconds),
        )

    async def _admit(
        self, websocket: WebSocket, codec: Codec, link: HubLink, event: AuthReceived
    ) -> Session:
        if isinstance(event.auth, DaemonAuth):
            daemon = DaemonSession(websocket, codec, link, self.daemons)
            try:
                await self.acceptance.accept(event.auth, daemon)
            except BaseException as error:
                await self.daemons.left(daemon)
                if isinstance(error, NotAuthenticated):
                    self.access.budgets.failures.take(_address(websocket))
                raise
            self._note(daemon, websocket)
            return daemon
        if self.daemons.presence.draining():
            raise going_down()
        try:
            identity = await self.access.authenticate_viewer(event.auth.auth_token)
        except NotAuthenticated:
            self.access.budgets.failures.take(_address(websocket))
            raise
        places = self.access.budgets.connections
        full = places.full(identity)
        if full is not None:
            raise places.refusal(full)
        link.welcome(
            ViewerWelcome(
                user_id=identity.user_id,
                scopes=sorted(identity.scopes),
                limits=self.limits,
                time=now_us(),
                capabilities=[INPUT_END_CAPABILITY],
            ),
            time.monotonic(),
        )
        viewer = ViewerSession(websocket, codec, link, identity, self.viewing)
        self._note(viewer, websocket)
        return viewer

    def _note(self, session: Session, websocket: WebSocket) -> None:
        if session.identity is not None:
            self.access.acquaintances.note(session.identity.user_id, _address(websocket))

    async def _serve(
        self, session: Session, codec: Codec, connection: GuardedWebSocket | None
    ) -> None:
        structlog.contextvars.bind_contextvars(connection=session.id, **_owner(session))
        async with AsyncExitStack() as leaving:
            # Whatever else goes wrong at the end: who is gone is known to be gone.
            leaving.push_async_callback(self._left, session)
            self._hold_place(session, leaving)
            self.connections.enter(session)
            log_lines.connected(session)
            leaving.callback(log_lines.disconnected, session)
            session.wake()
            leaving.callback(self._end_when_expired(session))
            if isinstance(session, DaemonSession):
                await session.run(codec.daemon_to_hub)
            else:
                await session.run(codec.viewer_to_hub)
            if session.is_dead and connection is not None:
                connection.give_up()

    def _hold_place(self, session: Session, leaving: AsyncExitStack) -> None:
        # It was looked for when the peer was let in; nothing has been awaited since.
        if isinstance(session, DaemonSession):
            self.daemon_places.enter(session.id, session.workspace_id)
            leaving.callback(self.daemon_places.leave, session.id)
        elif session.identity is not None:
            places = self.access.budgets.connections
            places.hold(session.identity)
            leaving.callback(places.release, session.identity)

    async def _left(self, session: Session) -> None:
        self.connections.leave(session)
        async with self._changed:
            self._changed.notify_all()
        if isinstance(session, DaemonSession):
            await self.daemons.left(session)
        elif isinstance(session, ViewerSession):
            session.leave()

    def revoke(self, subject_id: str) -> None:
        """A token, session or user is not valid any more: close what it holds open."""
        for session in self._held_by(subject_id):
            session.fail(NotAuthenticated("the token was revoked; sign in again"))

    def renew(self, user_id: str) -> None:
        """A user may do more or less than before: let what they hold open come back as that."""
        for session in self._held_by(user_id):
            session.close(SERVICE_RESTART, "your account was changed; come back in a moment")

    def _held_by(self, subject_id: str) -> list[Session]:
        # Daemons are not a user's, whoever enrolled them; `Presence` ends those that are removed.
        return [
            session
            for session in self.sessions
            if isinstance(session, ViewerSession)
            and (identity := session.identity) is not None
            and subject_id in (identity.token_id, identity.user_id)
        ]

    def _end_when_expired(self, session: Session) -> Callable[[], None]:
        """Close the session when its credential expires; the return value stops that."""
        timer: asyncio.TimerHandle | None = None

        def check() -> None:
            nonlocal timer
            expires_at = None if session.identity is None else session.identity.expires_at
            if expires_at is None:
                return
            seconds = (expires_at - self.access.environment.unix_us()) / SECOND_US
            if seconds <= 0:
                session.fail(NotAuthenticated("the token has expired; sign in again"))
                return
            # Timers do not run while a machine sleeps, nor follow a clock that is set.
            timer = asyncio.get_running_loop().call_later(min(seconds, MAX_TIMER_SECONDS), check)

        def stop() -> None:
            if timer is not None:
                timer.cancel()

        check()
        return stop

    def close_all(self, code: int, reason: str) -> None:
        """Close every connection, each with a close frame that says when to come back.

        People first: their pages are few and they look at them.
        """
        daemons = 0
        for session in tuple(self.sessions):
            daemons += isinstance(session, DaemonSession)
            place = daemons if isinstance(session, DaemonSession) else 0
            session.close(code, reason, retry_after=turn_seconds(place))

    async def all_gone(self) -> None:
        """Until no session is left."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.sessions)


def _owner(session: Session) -> dict[str, str]:
    """Whose connection it is, as lines of the log say it."""
    if isinstance(session, DaemonSession):
        return {"workspace": session.workspace_id, "daemon": session.daemon_id}
    return {"user": session.identity.user_id} if session.identity is not None else {}


def _address(websocket: WebSocket) -> str:
    """Where the connection comes from; behind a proxy that is trusted, what that one says."""
    return websocket.client.host if websocket.client else ""


def _choose(offered: list[str]) -> str | None:
    """The sub-protocol to speak; "" without an offer (JSON, for exploring by hand)."""
    if not offered:
        return ""
    return next((name for name in (MSGPACK_SUBPROTOCOL, JSON_SUBPROTOCOL) if name in offered), None)
