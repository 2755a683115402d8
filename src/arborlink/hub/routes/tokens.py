"""API tokens of whoever asks."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.routes.authentication import hold_until_answered, identify
from arborlink.hub.routes.bodies import CreatedToken, NewToken, TokenPage
from arborlink.hub.routes.operations import Operation
from arborlink.hub.routes.requests import json_response, no_content, read_json
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.store.base_access import TokenRow
from arborlink.hub.views import rfc3339
from arborlink.protocol.names import checked_name
from arborlink.protocol.resources import Token


async def list_tokens(hub: HubPorts, request: Request) -> Response:
    """Without their secrets, which nobody has."""
    identity = await identify(hub.access, request)
    identity.require_everywhere("admin")
    hold_until_answered(request, hub.access.budgets.lists, identity)
    with hub.access.open_requests.open(identity) as opened:
        items = [_resource(row) for row in await hub.store.tokens(identity.user_id)]
        opened.check()
    return json_response(TokenPage(items=items, next_cursor=None))


async def create_token(hub: HubPorts, request: Request) -> Response:
    """The secret is shown this once."""
    identity = await identify(hub.access, request)
    body = await read_json(request, NewToken, hub.settings.request_body_bytes)
    row, secret = await hub.access.create_token(
        identity,
        checked_name(body.name),
        body.scopes,
        workspace_id=body.workspace_id,
        seconds=body.expires_in,
    )
    fields = msgspec.structs.asdict(_resource(row))
    return json_response(CreatedToken(**fields, secret=secret), 201)


async def delete_token(hub: HubPorts, request: Request) -> Response:
    """Any token may revoke itself."""
    identity = await identify(hub.access, request)
    await hub.access.revoke_token(identity, request.path_params["id"])
    return no_content()


def _resource(row: TokenRow) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes,
        workspace_id=row.workspace_id,
        created_at=rfc3339(row.created_at),
        expires_at=None if row.expires_at is None else rfc3339(row.expires_at),
        last_used_at=None if row.last_used_at is None else rfc3339(row.last_used_at),
        made_by=row.made_by,
    )


TAG = "Tokens"

OPERATIONS = (
    Operation(
        method="GET",
        path="/api/tokens",
        summary="Your API tokens, oldest first",
        tag=TAG,
        handle=list_tokens,
        scope="admin",
        result=TokenPage,
    ),
    Operation(
        method="POST",
        path="/api/tokens",
        summary="Make an API token, which ends with a token that makes it; shows its secret once",
        tag=TAG,
        handle=create_token,
        scope="admin",
        body=NewToken,
        result=CreatedToken,
        status=201,
    ),
    Operation(
        method="DELETE",
        path="/api/tokens/{id}",
        summary="Revoke a token with what was made with it, and close what these hold open",
        tag=TAG,
        handle=delete_token,
        scope="admin",
        status=204,
    ),
)
