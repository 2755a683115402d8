"""Workspaces."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.routes.authentication import hold_until_answered, identify
from arborlink.hub.routes.bodies import WorkspaceName, WorkspacePage
from arborlink.hub.routes.operations import Operation
from arborlink.hub.routes.requests import json_response, no_content, read_json
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.service.workspaces import Workspaces
from arborlink.protocol.resources import Workspace


def service(hub: HubPorts) -> Workspaces:
    """The use cases behind these routes."""
    return Workspaces(hub.store, hub.access, hub.presence, hub.announcer)


async def list_workspaces(hub: HubPorts, request: Request) -> Response:
    """All on one page: they are machines, not events."""
    identity = await identify(hub.access, request)
    hold_until_answered(request, hub.access.budgets.lists, identity)
    with hub.access.open_requests.open(identity) as opened:
        items = await service(hub).list(identity)
        opened.check()
    return json_response(WorkspacePage(items=items, next_cursor=None))


async def create_workspace(hub: HubPorts, request: Request) -> Response:
    """A workspace without a daemon; enrol one next."""
    identity = await identify(hub.access, request)
    body = await read_json(request, WorkspaceName, hub.settings.request_body_bytes)
    return json_response(await service(hub).create(identity, body.name), 201)


async def get_workspace(hub: HubPorts, request: Request) -> Response:
    """One workspace."""
    identity = await identify(hub.access, request)
    return json_response(service(hub).get(identity, request.path_params["id"]))


async def rename_workspace(hub: HubPorts, request: Request) -> Response:
    """Another name."""
    identity = await identify(hub.access, request)
    body = await read_json(request, WorkspaceName, hub.settings.request_body_bytes)
    workspace_id = request.path_params["id"]
    return json_response(await service(hub).rename(identity, workspace_id, body.name))


async def delete_workspace(hub: HubPorts, request: Request) -> Response:
    """With its tasks, daemon and tokens."""
    identity = await identify(hub.access, request)
    await service(hub).delete(identity, request.path_params["id"])
    return no_content()


TAG = "Workspaces"

OPERATIONS = (
    Operation(
        method="GET",
        path="/api/workspaces",
        summary="The workspaces you may see, by name",
        tag=TAG,
        handle=list_workspaces,
        scope="tasks:read",
        result=WorkspacePage,
    ),
    Operation(
        method="POST",
        path="/api/workspaces",
        summary="Make a workspace",
        tag=TAG,
        handle=create_workspace,
        scope="workspaces:write",
        body=WorkspaceName,
        result=Workspace,
        status=201,
    ),
    Operation(
        method="GET",
        path="/api/workspaces/{id}",
        summary="One workspace, with its state",
        tag=TAG,
        handle=get_workspace,
        scope="tasks:read",
        result=Workspace,
    ),
    Operation(
        method="PATCH",
        path="/api/workspaces/{id}",
        summary="Rename a workspace",
        tag=TAG,
        handle=rename_workspace,
        scope="workspaces:write",
        body=WorkspaceName,
        result=Workspace,
    ),
    Operation(
        method="DELETE",
        path="/api/workspaces/{id}",
        summary="Forget a workspace with its tasks, daemon and tokens; the folder itself stays",
        tag=TAG,
        handle=delete_workspace,
        scope="workspaces:write",
        status=204,
    ),
)
