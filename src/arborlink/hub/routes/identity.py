"""Who the hub is, proven for the connection that asks."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.front.gate import FROM_PROXY
from arborlink.hub.routes.operations import Operation, Parameter
from arborlink.hub.routes.requests import json_response
from arborlink.hub.service.ports import HubPorts
from arborlink.proof import statement
from arborlink.proof.statement import End
from arborlink.protocol.resources import HubProof

TAG: Final = "Identity"


async def identity(hub: HubPorts, request: Request) -> Response:
    """Sign the nonce with where it was sent: a proof for one connection is none for another."""
    nonce = statement.parse_nonce(request.query_params.get("nonce", ""))
    scope = request.scope
    channel = None
    if not scope.get(FROM_PROXY):
        client, server = End.of(scope.get("client")), End.of(scope.get("server"))
        channel = statement.channel(nonce, client, server, statement.this_machine())
    proof = statement.sign(
        hub.key,
        nonce=nonce,
        hub_id=hub.store.hub_id,
        authority=request.headers.get("host", ""),
        channel=channel,
    )
    return json_response(proof)


OPERATIONS = (
    Operation(
        method="GET",
        path=statement.PATH,
        summary="Prove who the hub is, to the connection that asks",
        tag=TAG,
        handle=identity,
        public=True,
        result=HubProof,
        parameters=(
            Parameter(
                "nonce",
                "32 random bytes in base64url, without padding",
                schema={"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
            ),
        ),
    ),
)
