"""Admitting daemons, looking at them, removing them."""

from __future__ import annotations

import shlex

from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.access import Identity
from arborlink.hub.routes.authentication import client_address, hub_address, identify
from arborlink.hub.routes.bodies import Daemon, Enrol, EnrolledDaemon, EnrolmentCode
from arborlink.hub.routes.operations import Operation
from arborlink.hub.routes.requests import json_response, no_content, read_json
from arborlink.hub.routes.wheel import WHEEL_PATH
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.store.base_access import DaemonRow
from arborlink.hub.views import optional_rfc3339, rfc3339, workspace_resource
from arborlink.protocol.errors import NotFound
from arborlink.protocol.resources import Workspace


async def create_code(hub: HubPorts, request: Request) -> Response:
    """The code is shown this once."""
    identity = await identify(hub.access, request)
    code = await hub.access.enrolments.create_code(identity, request.path_params["id"])
    address = hub_address(hub.access, request)
    body = EnrolmentCode(
        code=code.code,
        expires_at=rfc3339(code.expires_at),
        command=_command(code.code, address, hub.key.public),
        install=f"pip install {shlex.quote(address + WHEEL_PATH)}",
    )
    return json_response(body, 201)


def _command(code: str, address: str, key: str) -> str:
    """Return the line to paste. Other users of the machine can read arguments, and not the
    environment. Without TLS the hub is on that machine, perhaps as another user: a daemon sends its
    code to that user's port only where it knows the hub's key."""
    known = f"ARBOR_HUB_KEY={key} " if address.startswith("http:") else ""
    return f"ARBOR_CODE={code} {known}{shlex.join(['arbor', 'daemon', '--hub', address])}"


async def enrol(hub: HubPorts, request: Request) -> Response:
    """The code is the credential. Guesses are counted by address, before anything is compared."""
    body = await read_json(request, Enrol, hub.settings.public_request_body_bytes)
    address = client_address(request)
    guess = hub.access.budgets.attempts.by_network(
        "enroll",
        address,
        wrong=_is_unknown,
        is_stranger=hub.access.acquaintances.is_stranger(address),
    )
    with guess:
        enrolled = await hub.access.enrolments.redeem(body.code, address)
    hub.announcer.workspace_changed(enrolled.workspace_id)
    result = EnrolledDaemon(
        workspace_id=enrolled.workspace_id,
        daemon_id=enrolled.daemon_id,
        auth_token=enrolled.auth_token,
    )
    return json_response(result, 201)


def _is_unknown(error: BaseException) -> bool:
    return isinstance(error, NotFound)


async def get_daemon(hub: HubPorts, request: Request) -> Response:
    """The daemon, with what it last said about its machine."""
    identity = await identify(hub.access, request)
    row = hub.access.enrolments.daemon(identity, request.path_params["id"])
    identity.require("tasks:read", row.workspace_id)
    return json_response(_resource(hub, identity, row))


def _resource(hub: HubPorts, identity: Identity, row: DaemonRow) -> Daemon:
    workspace = hub.access.visibility.workspace(identity, row.workspace_id)
    host = workspace.host
    return Daemon(
        id=row.id,
        workspace_id=row.workspace_id,
        connected=hub.presence.state(row.workspace_id).connected,
        host=host.hostname if host else None,
        platform=host.platform if host else None,
        user=host.user if host else None,
        path=host.path if host else None,
        version=workspace.version,
        created_at=rfc3339(row.created_at),
        last_connected_at=optional_rfc3339(workspace.last_connected_at),
        last_seen_at=optional_rfc3339(workspace.last_seen_at),
        rotation_requested_at=optional_rfc3339(row.rotation_requested_at),
        token_rotated_at=optional_rfc3339(row.token_rotated_at),
    )


async def delete_daemon(hub: HubPorts, request: Request) -> Response:
    """Its token is dead before its connection is closed, so that it cannot come back in."""
    identity = await identify(hub.access, request)
    row = await hub.access.remove_daemon(
        identity, request.path_params["id"], client_address(request)
    )
    hub.announcer.workspace_changed(row.workspace_id)
    return no_content()


async def release_daemon(hub: HubPorts, request: Request) -> Response:
    """A person has decided. Whoever of the copies still runs and is started again is let in."""
    identity = await identify(hub.access, request)
    row = await hub.access.enrolments.release(
        identity, request.path_params["id"], client_address(request)
    )
    hub.announcer.workspace_changed(row.workspace_id)
    workspace = hub.access.visibility.workspace(identity, row.workspace_id)
    state, counts = hub.presence.state(workspace.id), hub.store.task_counts(workspace.id)
    return json_response(workspace_resource(workspace, state, counts))


async def rotate_token(hub: HubPorts, request: Request) -> Response:
    """A daemon that is connected has it a moment later, any other when it comes."""
    identity = await identify(hub.access, request)
    row = await hub.access.rotations.request(identity, request.path_params["id"])
    await hub.rotator.requested(row.workspace_id)
    return json_response(_resource(hub, identity, row), 202)


TAG = "Daemons"

OPERATIONS = (
    Operation(
        method="POST",
        path="/api/workspaces/{id}/enrollment",
        summary="Make a code that admits one daemon to this workspace; 10 minutes, single use",
        tag=TAG,
        handle=create_code,
        scope="daemons:write",
        result=EnrolmentCode,
        status=201,
    ),
    Operation(
        method="POST",
        path="/api/enroll",
        summary="Redeem a code for a daemon's identity and token",
        tag=TAG,
        handle=enrol,
        public=True,
        body=Enrol,
        result=EnrolledDaemon,
        status=201,
    ),
    Operation(
        method="GET",
        path="/api/daemons/{id}",
        summary="One daemon",
        tag=TAG,
        handle=get_daemon,
        scope="tasks:read",
        result=Daemon,
    ),
    Operation(
        method="DELETE",
        path="/api/daemons/{id}",
        summary="Remove a daemon: revoke its token, close its connection, free its workspace",
        tag=TAG,
        handle=delete_daemon,
        scope="daemons:write",
        status=204,
    ),
    Operation(
        method="POST",
        path="/api/daemons/{id}/release",
        summary="Let a daemon in again that was quarantined because copies of it ran",
        tag=TAG,
        handle=release_daemon,
        scope="daemons:write",
        result=Workspace,
    ),
    Operation(
        method="POST",
        path="/api/daemons/{id}/rotate",
        summary="Replace a daemon's token while it works; the old one is void once it has the new",
        tag=TAG,
        handle=rotate_token,
        scope="daemons:write",
        result=Daemon,
        status=202,
    ),
)
