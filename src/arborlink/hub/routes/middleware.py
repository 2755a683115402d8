"""Around every request: only for hosts that we are, with TLS or from this machine, within an
address's budget, with a body that comes in time, and with headers that keep browsers safe."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from arborlink.addresses import is_loopback
from arborlink.hub.access import Access, host_allowed
from arborlink.hub.access.headers import security_headers
from arborlink.hub.access.networks import network_of
from arborlink.hub.front.gate import FROM_PROXY, HTTP_CONNECTION
from arborlink.hub.front.replies import no_room
from arborlink.hub.problems import Misdirected, PlainText, SlowRequest, problem_response
from arborlink.hub.routes.authentication import ENDING, client_address, has_credential
from arborlink.hub.routes.request_log import RequestLog
from arborlink.hub.settings import HubSettings
from arborlink.proof.statement import PATH as IDENTITY_PATH
from arborlink.protocol.errors import ArborError, NotAllowed, TooManyRequests, Unavailable

# A handshake that is refused is answered like any request.
RESPONSES: Final = frozenset({"http.response.start", "websocket.http.response.start"})
SECURE_SCHEMES: Final = frozenset({"https", "wss"})
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})


def middleware(access: Access) -> list[Middleware]:
    """What the application is wrapped in, outermost first."""
    settings = access.settings
    return [
        Middleware(RequestLog),
        Middleware(SecurityHeaders),
        Middleware(ClientShare),
        Middleware(HostCheck, settings=settings),
        Middleware(TlsCheck),
        Middleware(AddressBudget, access=access),
        Middleware(BodyDeadline, seconds=settings.request_body_seconds),
    ]


class SecurityHeaders:
    """Adds the headers that a response does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        safe = security_headers(secure=scope["scheme"] in SECURE_SCHEMES)

        async def send_with_headers(message: Message) -> None:
            if message["type"] in RESPONSES:
                headers = MutableHeaders(scope=message)
                for name, value in safe.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class ClientShare:
    """Refuses requests of a client behind a proxy that has too many in progress.

    Without this a few addresses fill every place for HTTP with bodies that do not come to their
    end. When all places are held, the network that holds the most loses one to a client from
    elsewhere. The connection is closed after the refusal: the rest of a body would hold its place.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        connection = scope.get(HTTP_CONNECTION)
        if scope["type"] != "http" or connection is None or not scope.get(FROM_PROXY):
            await self._app(scope, receive, send)
            return
        clients = connection.clients
        leaving = clients.enter(connection, network_of(client_address(Request(scope))))
        if leaving is connection:
            refusal = no_room()
            error = Unavailable(refusal.detail, code=refusal.code, retry_after=refusal.retry_after)
            response = problem_response(error)
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        if leaving is not None:
            leaving.give_way()
        try:
            await self._app(scope, receive, send)
        finally:
            clients.leave(connection)


class HostCheck:
    """Refuses requests and WebSockets for hosts that this hub is not."""

    def __init__(self, app: ASGIApp, settings: HubSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) == 1 and host_allowed(hosts[0], self._settings):
            await self._app(scope, receive, send)
            return
        text = (
            f"This hub does not go by the name {', '.join(hosts)[:200]!r}. Start it with "
            "--public-url, or add the name to allowed_hosts."
        )
        # Clients of a WebSocket know 403 as final.
        is_handshake = scope["type"] == "websocket"
        error = NotAllowed(text, code=Misdirected.code) if is_handshake else Misdirected(text)
        await _refuse(error, scope, receive, send)


class TlsCheck:
    """Refuses what came over a network in the clear, whoever carried it in the end.

    uvicorn has taken scheme and address from the proxies that are trusted, and from nobody else.
    What needs no credential is not refused: load balancers and Prometheus ask the hub itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket") or not _in_the_clear(scope):
            await self._app(scope, receive, send)
        else:
            error = PlainText(
                "This came without TLS. Use the hub's https address; a token that was sent is to "
                "be revoked. A proxy in front of the hub has to set X-Forwarded-Proto."
            )
            await _refuse(error, scope, receive, send)


async def _refuse(error: ArborError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or a handshake."""
    response = problem_response(error)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def _in_the_clear(scope: Scope) -> bool:
    client = scope.get("client")
    local = client is None or is_loopback(client[0])
    return not (local or scope["scheme"] in SECURE_SCHEMES or scope["path"] in OPEN_PATHS)


class AddressBudget:
    """Counts handshakes, and requests that come without a credential, by address; other requests
    are counted where it is known whether the credential is good."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if _is_counted(scope):
            # A daemon asks who the hub is before each attempt to connect, which is counted itself.
            budgets, asks_who = self._access.budgets, scope["path"] == IDENTITY_PATH
            budget = budgets.proofs if asks_who else budgets.addresses
            try:
                budget.take(client_address(HTTPConnection(scope)))
            except TooManyRequests as error:
                await _refuse(error, scope, receive, send)
                return
        with ExitStack() as ending:
            scope[ENDING] = ending
            await self._app(scope, receive, send)


def _is_counted(scope: Scope) -> bool:
    if scope["type"] == "websocket":
        return True
    return scope["type"] == "http" and not has_credential(HTTPConnection(scope))


class BodyDeadline:
    """Gives a request's body a time in which it has to be whole."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self._seconds
        whole = False

        async def receive_in_time() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise SlowRequest(
                    f"The body was not whole within {self._seconds:g} seconds. Send it again."
                ) from None
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, receive_in_time, send)
