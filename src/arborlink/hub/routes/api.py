"""The HTTP API as a whole: `routes` makes it of the hub's parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.routing import BaseRoute

from arborlink.hub.routes import (
    connections,
    daemons,
    device,
    health,
    identity,
    outputs,
    sessions,
    tasks,
    tokens,
    users,
    wheel,
    workspaces,
)
from arborlink.hub.routes.authentication import count_visit
from arborlink.hub.routes.documents import Documents
from arborlink.hub.routes.metrics import register_collectors
from arborlink.hub.routes.operations import Operation, build_routes, count_open
from arborlink.hub.routes.static import Page
from arborlink.hub.service.ports import HubPorts

OPERATIONS: tuple[Operation, ...] = (
    *sessions.OPERATIONS,
    *workspaces.OPERATIONS,
    *daemons.OPERATIONS,
    *tasks.OPERATIONS,
    *outputs.OPERATIONS,
    *device.OPERATIONS,
    *tokens.OPERATIONS,
    *users.OPERATIONS,
    *connections.OPERATIONS,
    *health.OPERATIONS,
    *identity.OPERATIONS,
    *wheel.OPERATIONS,
)


def routes(hub: HubPorts, extra: Sequence[BaseRoute] = ()) -> list[BaseRoute]:
    """All routes, with `extra` ones of the live half before the page, which takes the rest."""
    register_collectors(hub, hub.metrics)
    documents = Documents(OPERATIONS)
    described = [*OPERATIONS, *documents.operations]
    count = partial(count_visit, hub.access)
    files = [*wheel.WheelRoutes(partial(count_open, hub)).routes(), *Page(count=count).routes()]
    return [*build_routes(hub, described), *extra, *files]
