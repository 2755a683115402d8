"""Every request has an id, which its answer and every line about it carry; slow ones are told of.

A line has the route's own words and ids, never an address as it was sent: that may hold anything.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arborlink.hub.access.rates import Budget, Rate
from arborlink.hub.front.gate import FROM_PROXY
from arborlink.hub.live.clock import new_id
from arborlink.hub.logs import REQUEST_ID, REQUEST_ID_HEADER
from arborlink.protocol import ids

# A handshake that is refused is answered like any request.
RESPONSES: Final = frozenset({"http.response.start", "websocket.http.response.start"})
WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
SLOW_SECONDS: Final = 1.0
# Strangers can make the hub slow, but not its log long.
SLOW_LINES: Final = Rate(per_second=0.5, burst=30)
# What a path names, and how a line calls it.
NAMED: Final[dict[str, tuple[str, ids.Kind]]] = {
    "/api/tasks/": ("task", "tsk"),
    "/api/workspaces/": ("workspace", "ws"),
    "/api/daemons/": ("daemon", "dmn"),
}

logger = logging.getLogger(__name__)


class RequestLog:
    """Outermost but for the application's own answer to a mistake."""

    def __init__(self, app: ASGIApp, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._monotonic = monotonic
        self._slow_lines = Budget(SLOW_LINES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = scope[REQUEST_ID] = _given_id(scope) or new_id("req")
        # Never unbound: the server's task is this request's alone, and the server has the last word
        # about it.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id, **_named(scope["path"]))
        whole_at = self._monotonic()

        async def noting_receive() -> Message:
            nonlocal whole_at
            message = await receive()
            # A body that comes slowly is no slowness of ours.
            whole_at = self._monotonic()
            return message

        async def noting_send(message: Message) -> None:
            if message["type"] in RESPONSES:
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
                self._tell(scope, int(message["status"]), self._monotonic() - whole_at)
            await send(message)

        await self._app(scope, noting_receive, noting_send)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        is_slow = seconds > SLOW_SECONDS and not self._slow_lines.take(self._monotonic())
        level = logging.WARNING if is_slow else logging.DEBUG
        if logger.isEnabledFor(level):
            words = "a request was slow" if is_slow else "a request was answered"
            fields: dict[str, Any] = {"method": _method(scope), "status": status}
            fields["milliseconds"] = round(1_000 * seconds)
            logger.log(level, words, extra=fields | _route(scope))


def _given_id(scope: Scope) -> str | None:
    """What a trusted proxy calls the request, if that can be used."""
    given = Headers(scope=scope).getlist(REQUEST_ID_HEADER)
    usable = len(given) == 1 and WELL_FORMED.fullmatch(given[0]) is not None
    return given[0] if usable and scope.get(FROM_PROXY) else None


def _named(path: str) -> dict[str, str]:
    """The thing that a path is about. What has not the form of an id may be anything."""
    for prefix, (name, kind) in NAMED.items():
        if path.startswith(prefix):
            thing = path.removeprefix(prefix).partition("/")[0]
            return {name: thing} if ids.is_id(kind, thing) else {}
    return {}


def _method(scope: Scope) -> str:
    method: str = scope.get("method", "GET")  # a WebSocket's handshake has no other
    return method if method in ("GET", "HEAD", "POST", "PATCH", "DELETE") else "other"


def _route(scope: Scope) -> dict[str, str]:
    """The route, with names in place of what was sent; nothing where there is none."""
    if "endpoint" not in scope:
        return {}
    steps = scope["path"].split("/")
    for name, value in scope["path_params"].items():
        if value not in steps:
            return {"route": "the page"}
        # The last one: what was sent may be equal to a word of ours before it.
        steps[len(steps) - 1 - steps[::-1].index(value)] = f"{{{name}}}"
    return {"route": "/".join(steps)}
