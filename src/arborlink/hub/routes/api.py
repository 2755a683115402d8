"""The HTTP API as a whole: `routes` makes it of the hub's parts."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute

from arborlink.hub.routes import (
    daemons,
    health,
    outputs,
    sessions,
    tasks,
    tokens,
    workspaces,
)
from arborlink.hub.routes.documents import Documents
from arborlink.hub.routes.operations import Operation, build_routes
from arborlink.hub.routes.static import Page
from arborlink.hub.service.ports import HubPorts

OPERATIONS: tuple[Operation, ...] = (
    *sessions.OPERATIONS,
    *workspaces.OPERATIONS,
    *daemons.OPERATIONS,
    *tasks.OPERATIONS,
    *outputs.OPERATIONS,
    *tokens.OPERATIONS,
    *health.OPERATIONS,
)


def routes(hub: HubPorts, extra: Sequence[BaseRoute] = ()) -> list[BaseRoute]:
    """All routes, with `extra` ones of the live half before the page, which takes the rest."""
    hub.metrics.register(health.HubCollector(hub))
    documents = Documents(OPERATIONS)
    described = [*OPERATIONS, *documents.operations]
    return [*build_routes(hub, described), *extra, *Page().routes()]
