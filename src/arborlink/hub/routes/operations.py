"""Every operation of the HTTP API as one table: routes and OpenAPI are both made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arborlink.hub.routes.authentication import client_address, has_credential
from arborlink.hub.service.ports import HubPorts
from arborlink.protocol.resources import Scope

Method = Literal["GET", "POST", "PATCH", "DELETE"]
Handler = Callable[[HubPorts, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or header. `schema` is JSON Schema."""

    name: str
    description: str
    where: Literal["query", "header"] = "query"
    schema: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Without `handle` it is answered by a route made elsewhere. `body` and `result` are the types
    of the JSON; `media_types` are those of a result which is not, or not always, JSON. The result
    comes with `status`, or with one of `more_statuses`.
    """

    method: Method
    path: str
    summary: str
    tag: str
    handle: Handler | None = None
    scope: Scope | None = None
    public: bool = False
    body: Any = None
    body_required: bool = True
    result: Any = None
    status: int = 200
    more_statuses: tuple[int, ...] = ()
    media_types: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()


def build_routes(hub: HubPorts, operations: Iterable[Operation]) -> list[BaseRoute]:
    """One route a path, which knows all of the path's methods (for 405 and its Allow)."""
    by_path: dict[str, dict[str, Handler]] = {}
    for operation in operations:
        if operation.handle is not None:
            handle = _counted(operation.handle) if operation.public else operation.handle
            by_path.setdefault(operation.path, {})[operation.method] = handle
    return [
        Route(path, _endpoint(hub, handlers), methods=list(handlers))
        for path, handlers in by_path.items()
    ]


def count_open(hub: HubPorts, request: Request) -> None:
    """Count a request that anybody may make by its address; a credential that is not looked at does
    not change that. Raises TooManyRequests."""
    if has_credential(request):
        hub.access.budgets.addresses.take(client_address(request))


def _counted(handle: Handler) -> Handler:
    async def counted(hub: HubPorts, request: Request) -> Response:
        count_open(hub, request)
        return await handle(hub, request)

    return counted


def _endpoint(
    hub: HubPorts, handlers: dict[str, Handler]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](hub, request)

    return endpoint
