"""Signing in and out, who one is, and tickets for the WebSocket."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.access.accounts import NewSession
from arborlink.hub.routes.authentication import (
    SESSION_COOKIE,
    check_origin,
    client_address,
    identify,
    is_secure,
    set_session_cookie,
)
from arborlink.hub.routes.bodies import SignIn, SignInLink, Ticket
from arborlink.hub.routes.operations import Operation
from arborlink.hub.routes.requests import json_response, no_content, read_json
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.views import rfc3339
from arborlink.protocol.errors import InvalidInput, NotAuthenticated
from arborlink.protocol.resources import Principal


async def sign_in(hub: HubPorts, request: Request) -> Response:
    """Guesses are counted by address, before anything is compared."""
    check_origin(hub.access, request, required=False)
    body = await read_json(request, SignIn, hub.settings.request_body_bytes)
    guesses = f"sign-in {client_address(request)}"
    hub.access.failures.check(guesses)
    try:
        session = await _sign_in(hub, body)
    except NotAuthenticated:
        hub.access.failures.spend(guesses)
        raise
    response = json_response(session.identity.principal(), 201)
    set_session_cookie(hub.access, request, response, session.secret)
    return response


async def _sign_in(hub: HubPorts, body: SignIn) -> NewSession:
    accounts = hub.access.accounts
    if body.link is not None:
        return await accounts.sign_in_with_link(body.link)
    if body.username is None or body.password is None:
        raise InvalidInput("Send either link, or username and password.")
    return await accounts.sign_in_with_password(body.username, body.password)


async def sign_out(hub: HubPorts, request: Request) -> Response:
    """The cookie is deleted even when its session was over already."""
    try:
        await hub.access.sign_out(await identify(hub.access, request))
    except NotAuthenticated:
        if "authorization" in request.headers:
            raise
    response = no_content()
    response.delete_cookie(
        SESSION_COOKIE,
        path="/",
        secure=is_secure(hub.access, request),
        httponly=True,
        samesite="strict",
    )
    return response


async def create_link(hub: HubPorts, request: Request) -> Response:
    """The secret is in the fragment, which no server and no log ever sees."""
    identity = await identify(hub.access, request)
    identity.require_everywhere("admin")
    link = await hub.access.create_sign_in_link(identity.user_id)
    scheme = "https" if is_secure(hub.access, request) else "http"
    base = hub.settings.public_url or f"{scheme}://{request.headers.get('host', '')}"
    url = f"{base}/#link={link.secret}"
    body = SignInLink(link=link.secret, url=url, expires_at=rfc3339(link.expires_at))
    return json_response(body, 201)


async def me(hub: HubPorts, request: Request) -> Response:
    """A session's cookie is renewed on the way."""
    identity = await identify(hub.access, request)
    response = json_response(identity.principal())
    if identity.kind == "session":
        set_session_cookie(hub.access, request, response, request.cookies[SESSION_COOKIE])
    return response


async def create_ticket(hub: HubPorts, request: Request) -> Response:
    """A ticket stands for the credential that asked for it."""
    identity = await identify(hub.access, request)
    ticket = hub.access.issue_ticket(identity)
    return json_response(Ticket(ticket=ticket.ticket, expires_at=rfc3339(ticket.expires_at)), 201)


TAG = "Session"

OPERATIONS = (
    Operation(
        method="POST",
        path="/api/session",
        summary="Sign a browser in, with a one-time link or a password; sets a cookie",
        tag=TAG,
        handle=sign_in,
        public=True,
        body=SignIn,
        result=Principal,
        status=201,
    ),
    Operation(
        method="DELETE",
        path="/api/session",
        summary="Sign out",
        tag=TAG,
        handle=sign_out,
        status=204,
    ),
    Operation(
        method="POST",
        path="/api/session/link",
        summary="Make a link that signs its bearer in as you, once, for 10 minutes",
        tag=TAG,
        handle=create_link,
        scope="admin",
        result=SignInLink,
        status=201,
    ),
    Operation(
        method="GET",
        path="/api/me",
        summary="Who you are and what you may do",
        tag=TAG,
        handle=me,
        result=Principal,
    ),
    Operation(
        method="POST",
        path="/api/ws-ticket",
        summary="Make a ticket for the first message of one WebSocket; 30 seconds, single use",
        tag=TAG,
        handle=create_ticket,
        result=Ticket,
        status=201,
    ),
)
