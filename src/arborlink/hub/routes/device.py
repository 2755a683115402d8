"""Sign-in of a command line or another program, approved in a browser (RFC 8628, in our JSON)."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager

from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.access.credentials import normal_code
from arborlink.hub.access.devices import DEVICE_SECONDS, POLL_SECONDS, DeviceRequest
from arborlink.hub.access.identity import Identity
from arborlink.hub.routes.account_bodies import (
    DeviceCollect,
    DeviceDecision,
    DeviceInfo,
    DeviceStart,
)
from arborlink.hub.routes.authentication import (
    check_origin,
    client_address,
    hub_address,
    identify,
)
from arborlink.hub.routes.operations import Operation
from arborlink.hub.routes.requests import json_response, no_content, read_json
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.views import optional_rfc3339, rfc3339
from arborlink.protocol.errors import NotFound, SignInUnfinished
from arborlink.protocol.limits import MAX_NAME_CHARS
from arborlink.protocol.names import checked_label
from arborlink.protocol.resources import ALL_SCOPES, DeviceCode, GrantedToken

logger = logging.getLogger(__name__)


async def start(hub: HubPorts, request: Request) -> Response:
    """The address to open is the hub's page, which asks whoever opens it to sign in first."""
    check_origin(hub.access, request, required=False)
    body = await read_json(request, DeviceStart, hub.settings.public_request_body_bytes)
    client_name = checked_label(body.client_name)
    hostname = None if body.hostname is None else checked_label(body.hostname)
    device = hub.access.devices.start(
        DeviceRequest(
            name=_token_name(client_name, hostname),
            client_name=client_name,
            hostname=hostname,
            address=client_address(request),
            scopes=[scope for scope in ALL_SCOPES if scope in body.scopes],
            token_seconds=body.expires_in,
        )
    )
    page = f"{hub_address(hub.access, request)}/device"
    return json_response(
        DeviceCode(
            device_code=device.device_code,
            user_code=device.user_code,
            verification_uri=page,
            verification_uri_complete=f"{page}?code={device.user_code}",
            expires_in=DEVICE_SECONDS,
            interval=POLL_SECONDS,
        )
    )


async def collect(hub: HubPorts, request: Request) -> Response:
    """The device code is the credential; one that is unknown counts as a guess."""
    check_origin(hub.access, request, required=False)
    body = await read_json(request, DeviceCollect, hub.settings.public_request_body_bytes)
    guess = hub.access.budgets.attempts.by_network(
        "device", client_address(request), wrong=_is_unknown
    )
    with guess:
        granted = await hub.access.devices.collect(body.device_code)
    about = {"by": "device", "user": granted.row.user_id, "address": client_address(request)}
    logger.info("signed in", extra=about)
    return json_response(
        GrantedToken(
            token=granted.secret,
            token_id=granted.row.id,
            username=granted.username,
            scopes=granted.row.scopes,
            expires_at=optional_rfc3339(granted.row.expires_at),
        )
    )


async def look(hub: HubPorts, request: Request) -> Response:
    """Before anybody approves they are shown who asks."""
    identity = await identify(hub.access, request)
    code = request.path_params["code"]
    with _guess(hub, request, identity):
        waiting = hub.access.devices.waiting(identity, code)
    asked = waiting.request
    return json_response(
        DeviceInfo(
            user_code=normal_code(code),
            client_name=asked.client_name,
            hostname=asked.hostname,
            address=asked.address,
            scopes=asked.scopes,
            token_expires_in=asked.token_seconds,
            requested_at=rfc3339(waiting.requested_at),
            expires_at=rfc3339(waiting.expires_at),
        )
    )


async def decide(hub: HubPorts, request: Request) -> Response:
    """Only with a cookie, and hence only from the hub's own page."""
    identity = await identify(hub.access, request)
    body = await read_json(request, DeviceDecision, hub.settings.request_body_bytes)
    with _guess(hub, request, identity):
        hub.access.devices.decide(identity, body.user_code, body.approve, body.scopes)
    return no_content()


def _guess(hub: HubPorts, request: Request, identity: Identity) -> AbstractContextManager[None]:
    return hub.access.budgets.attempts.by_network(
        "code", client_address(request), wrong=_is_unknown, user_id=identity.user_id
    )


def _is_unknown(error: BaseException) -> bool:
    if isinstance(error, SignInUnfinished):
        return error.code == "expired_token"
    return isinstance(error, NotFound)


def _token_name(client_name: str, hostname: str | None) -> str:
    name = client_name if hostname is None else f"{client_name} on {hostname}"
    return name[:MAX_NAME_CHARS]


TAG = "Device sign-in"

OPERATIONS = (
    Operation(
        method="POST",
        path="/api/device/code",
        summary="Begin to sign a program in; a person approves it in a browser within 10 minutes",
        tag=TAG,
        handle=start,
        public=True,
        body=DeviceStart,
        result=DeviceCode,
    ),
    Operation(
        method="POST",
        path="/api/device/token",
        summary="Collect the token, once; until it is approved 400 with RFC 8628's `error`",
        tag=TAG,
        handle=collect,
        public=True,
        body=DeviceCollect,
        result=GrantedToken,
    ),
    Operation(
        method="GET",
        path="/api/device/{code}",
        summary="Who asks to be signed in by this code; for browsers",
        tag=TAG,
        handle=look,
        result=DeviceInfo,
    ),
    Operation(
        method="POST",
        path="/api/device/approve",
        summary="Approve or deny a program's sign-in; for browsers",
        tag=TAG,
        handle=decide,
        body=DeviceDecision,
        status=204,
    ),
)
