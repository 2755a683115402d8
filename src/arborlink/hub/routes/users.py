"""Accounts: owners manage them, everybody changes their own password."""

from __future__ import annotations

import logging

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.routes.account_bodies import CreatedUser, NewUser, UserChanges, UserPage
from arborlink.hub.routes.authentication import client_address, identify
from arborlink.hub.routes.operations import Operation
from arborlink.hub.routes.requests import json_response, no_content, read_json
from arborlink.hub.routes.sessions import link_resource
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.store.base_access import UserRow
from arborlink.hub.views import rfc3339
from arborlink.protocol.errors import NotAllowed
from arborlink.protocol.names import checked_path_part
from arborlink.protocol.resources import User

logger = logging.getLogger(__name__)


async def list_users(hub: HubPorts, request: Request) -> Response:
    """All on one page: they are people."""
    identity = await identify(hub.access, request)
    items = [_resource(row) for row in hub.access.users.all(identity)]
    return json_response(UserPage(items=items, next_cursor=None))


async def create_user(hub: HubPorts, request: Request) -> Response:
    """Without a password there has to be another way in."""
    identity = await identify(hub.access, request)
    body = await read_json(request, NewUser, hub.settings.request_body_bytes)
    username = checked_path_part(body.username)
    row = await hub.access.users.create(identity, username, body.role, body.password)
    link = None
    if body.password is None:
        secret = await hub.access.create_sign_in_link(row.id)
        link = link_resource(hub.access, request, secret)
    fields = msgspec.structs.asdict(_resource(row))
    return json_response(CreatedUser(**fields, link=link), 201)


async def change_user(hub: HubPorts, request: Request) -> Response:
    """Wrong passwords are counted by who tries and from where, before anything is compared. A new
    name is announced with the workspaces that are shown with it."""
    identity = await identify(hub.access, request)
    body = await read_json(request, UserChanges, hub.settings.request_body_bytes)
    guess = hub.access.budgets.attempts.by_network(
        "password", client_address(request), wrong=_is_wrong_password, user_id=identity.user_id
    )
    with guess:
        row = await hub.access.users.change(
            identity,
            request.path_params["id"],
            username=None if body.username is None else checked_path_part(body.username),
            role=body.role,
            password=body.password,
            current_password=body.current_password,
        )
    if body.username is not None:
        for workspace_id in hub.store.workspace_names(row.id):
            hub.announcer.workspace_changed(workspace_id)
    return json_response(_resource(row))


async def delete_user(hub: HubPorts, request: Request) -> Response:
    """Those who watch hear that workspaces have another owner, or no daemon any more."""
    identity = await identify(hub.access, request)
    removed = await hub.access.users.remove(identity, request.path_params["id"])
    for workspace_id in removed.unserved:
        logger.info(
            "the daemon of workspace %s was removed together with the account that enrolled it or "
            "owned the workspace",
            workspace_id,
            extra={"workspace": workspace_id, "user": identity.user_id},
        )
    for workspace_id in sorted({*removed.passed_on, *removed.unserved}):
        hub.announcer.workspace_changed(workspace_id)
    return no_content()


def _is_wrong_password(error: BaseException) -> bool:
    return isinstance(error, NotAllowed)


def _resource(row: UserRow) -> User:
    return User(
        id=row.id,
        username=row.username,
        role=row.role,
        has_password=row.password_hash is not None,
        created_at=rfc3339(row.created_at),
    )


TAG = "Users"

OPERATIONS = (
    Operation(
        method="GET",
        path="/api/users",
        summary="All accounts, by name; for owners",
        tag=TAG,
        handle=list_users,
        scope="admin",
        result=UserPage,
    ),
    Operation(
        method="POST",
        path="/api/users",
        summary="Make an account; for owners",
        tag=TAG,
        handle=create_user,
        scope="admin",
        body=NewUser,
        result=CreatedUser,
        status=201,
    ),
    Operation(
        method="PATCH",
        path="/api/users/{id}",
        summary="Change your password, or as an owner anybody's password, name or role",
        tag=TAG,
        handle=change_user,
        scope="admin",
        body=UserChanges,
        result=User,
    ),
    Operation(
        method="DELETE",
        path="/api/users/{id}",
        summary="Remove an account with its tokens, sessions and daemons; its workspaces become "
        "yours",
        tag=TAG,
        handle=delete_user,
        scope="admin",
        status=204,
    ),
)
