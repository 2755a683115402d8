"""Around every request: only for hosts that we are, and with headers that keep browsers safe."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arborlink.hub.access import host_allowed
from arborlink.hub.access.headers import SECURITY_HEADERS
from arborlink.hub.problems import Misdirected, problem_response
from arborlink.hub.settings import HubSettings


def middleware(settings: HubSettings) -> list[Middleware]:
    """What the application is wrapped in, outermost first."""
    return [Middleware(SecurityHeaders), Middleware(HostCheck, settings=settings)]


class SecurityHeaders:
    """Adds the headers that a response does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


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
        elif scope["type"] == "websocket":
            # Before it is accepted this makes the server answer the handshake with 403.
            await send({"type": "websocket.close", "code": 4503, "reason": "host not allowed"})
        else:
            shown = ", ".join(hosts)[:200]
            error = Misdirected(
                f"This hub does not go by the name {shown!r}. Start it with --public-url, or add "
                "the name to allowed_hosts."
            )
            await problem_response(error)(scope, receive, send)
