"""Who is connected, and how far away the machines are."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.routes.authentication import identify
from arborlink.hub.routes.operations import Operation
from arborlink.hub.routes.requests import json_response
from arborlink.hub.service.health import INTERVAL_SECONDS
from arborlink.hub.service.ports import HubPorts
from arborlink.protocol.figures import ConnectionList, RoundTripList


async def list_connections(hub: HubPorts, request: Request) -> Response:
    """Names and addresses of everybody: for owners alone."""
    identity = await identify(hub.access, request)
    identity.require_owner()
    return json_response(ConnectionList(items=hub.figures.gauges.connections.list()))


async def list_round_trips(hub: HubPorts, request: Request) -> Response:
    """Of the workspaces that one may see."""
    identity = await identify(hub.access, request)
    identity.require("tasks:read")
    visible = hub.access.visibility.workspace_ids(identity)
    items = hub.figures.sampler.round_trips(visible)
    return json_response(RoundTripList(interval=INTERVAL_SECONDS, items=items))


TAG = "Connections"

OPERATIONS = (
    Operation(
        method="GET",
        path="/api/connections",
        summary="Every live connection, oldest first; for owners",
        tag=TAG,
        handle=list_connections,
        scope="admin",
        result=ConnectionList,
    ),
    Operation(
        method="GET",
        path="/api/round-trips",
        summary="The last round trips of each workspace that you may see",
        tag=TAG,
        handle=list_round_trips,
        scope="tasks:read",
        result=RoundTripList,
    ),
)
