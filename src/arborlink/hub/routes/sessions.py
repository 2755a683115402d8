"""Signing in and out, who one is, and tickets for the WebSocket."""

from __future__ import annotations

import logging
import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.access import Access, Identity
from arborlink.hub.access.browsers import NewLink, NewSession
from arborlink.hub.access.rates import Budget, Rate
from arborlink.hub.routes.account_bodies import BrowserSession, BrowserSessionPage, SessionProof
from arborlink.hub.routes.authentication import (
    BROWSER_MARK_COOKIE,
    browser_of,
    check_origin,
    client_address,
    delete_browser_mark,
    delete_session_cookies,
    hub_address,
    identify,
    session_secret,
    set_browser_mark,
    set_session_cookie,
)
from arborlink.hub.routes.bodies import SignIn, SignInLink, Ticket
from arborlink.hub.routes.operations import Operation, Parameter
from arborlink.hub.routes.requests import boolean_parameter, json_response, no_content, read_json
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.store.base_access import SessionRow
from arborlink.hub.views import optional_rfc3339, rfc3339
from arborlink.protocol.errors import InvalidInput, NotAllowed, NotAuthenticated
from arborlink.protocol.resources import ALL_SCOPES, Principal

# Beyond this a line is for debugging alone: guesses come from many addresses at once.
FAILURE_LINES: Final = Rate(per_second=0.5, burst=30)

logger = logging.getLogger(__name__)
_failure_lines: Final = Budget(FAILURE_LINES)


async def sign_in(hub: HubPorts, request: Request) -> Response:
    """Guesses are counted by address, before anything is compared. The session that this browser
    had ends."""
    check_origin(hub.access, request, required=False)
    body = await read_json(request, SignIn, hub.settings.public_request_body_bytes)
    about = {"address": client_address(request), "by": "link" if body.link else "password"}
    try:
        session = await _sign_in(hub, request, body)
    except NotAuthenticated:
        # Never the name: now and then it is the password.
        level = logging.DEBUG if _failure_lines.take(time.monotonic()) else logging.INFO
        logger.log(level, "sign-in failed", extra=about)
        raise
    logger.info("signed in", extra=about | {"user": session.identity.user_id})
    replaced = session_secret(request)
    if replaced is not None:
        await hub.access.end_replaced_session(replaced)
    response = json_response(principal(hub.access, session.identity), 201)
    hub.access.acquaintances.note(session.identity.user_id, client_address(request))
    mark = hub.access.acquaintances.mark(session.identity.user_id)
    set_browser_mark(hub.access, request, response, mark)
    set_session_cookie(hub.access, request, response, session.secret)
    return response


async def _sign_in(hub: HubPorts, request: Request, body: SignIn) -> NewSession:
    access, browser = hub.access, browser_of(request)
    attempts, address = access.budgets.attempts, client_address(request)
    if body.link is not None:
        with attempts.by_network("link", address, wrong=_is_wrong):
            return await access.browsers.sign_in_with_link(body.link, browser)
    if body.username is None or body.password is None:
        raise InvalidInput("Send either link, or username and password.")
    mark = request.cookies.get(BROWSER_MARK_COOKIE)
    known_as = access.recognise(body.username, address, mark)
    guess = (
        attempts.by_network("sign-in", address, wrong=_is_wrong)
        if known_as is None
        else attempts.by_name("sign-in", known_as, wrong=_is_wrong)
    )
    with guess:
        return await access.browsers.sign_in_with_password(
            body.username, body.password, browser, is_known=known_as is not None
        )


def _is_wrong(error: BaseException) -> bool:
    return isinstance(error, NotAuthenticated)


async def sign_out(hub: HubPorts, request: Request) -> Response:
    """The cookie is deleted even when its session was over already."""
    everywhere = boolean_parameter(request, "everywhere")
    try:
        identity = await identify(hub.access, request)
        if everywhere:
            await hub.access.sign_out_everywhere(identity)
        else:
            await hub.access.sign_out(identity)
    except NotAuthenticated:
        if everywhere or "authorization" in request.headers:
            raise
    response = no_content()
    delete_session_cookies(hub.access, request, response)
    if everywhere:
        delete_browser_mark(hub.access, request, response)
    return response


async def confirm(hub: HubPorts, request: Request) -> Response:
    """Guesses are counted by who tries and from where, before anything is compared."""
    identity = await identify(hub.access, request)
    body = await read_json(request, SessionProof, hub.settings.request_body_bytes)
    if (body.link is None) == (body.password is None):
        raise InvalidInput("Send either link or password.")
    guess = hub.access.budgets.attempts.by_network(
        "password", client_address(request), wrong=_is_refused, user_id=identity.user_id
    )
    with guess:
        await hub.access.confirmations.confirm(identity, password=body.password, link=body.link)
    logger.info(
        "session confirmed",
        extra={
            "user": identity.user_id,
            "address": client_address(request),
            "by": "password" if body.link is None else "link",
        },
    )
    return no_content()


def _is_refused(error: BaseException) -> bool:
    return isinstance(error, NotAllowed)


async def create_link(hub: HubPorts, request: Request) -> Response:
    """The secret is in the fragment, which no server and no log ever sees."""
    identity = await identify(hub.access, request)
    link = await hub.access.create_link(identity)
    return json_response(link_resource(hub.access, request, link), 201)


def link_resource(access: Access, request: Request, link: NewLink) -> SignInLink:
    """The link as it is shown, this once."""
    url = f"{hub_address(access, request)}/#link={link.secret}"
    return SignInLink(link=link.secret, url=url, expires_at=rfc3339(link.expires_at))


async def me(hub: HubPorts, request: Request) -> Response:
    """A session's cookie is renewed on the way."""
    identity = await identify(hub.access, request)
    response = json_response(principal(hub.access, identity))
    secret = session_secret(request)
    if identity.kind == "session" and secret is not None:
        set_session_cookie(hub.access, request, response, secret)
    return response


def principal(access: Access, identity: Identity) -> Principal:
    """An identity as it is shown to itself."""
    return Principal(
        user_id=identity.user_id,
        username=identity.username,
        role=identity.role,
        scopes=[scope for scope in ALL_SCOPES if scope in identity.scopes],
        workspace_id=identity.workspace_id,
        token_id=identity.token_id if identity.kind == "token" else None,
        has_password=access.users.has_password(identity.user_id),
        session_expires_at=optional_rfc3339(identity.session_expires_at),
        expires_at=optional_rfc3339(identity.session_expires_at or identity.expires_at),
    )


async def list_sessions(hub: HubPorts, request: Request) -> Response:
    """All on one page: nobody signs in with that many browsers."""
    identity = await identify(hub.access, request)
    items = [_session(row, identity) for row in hub.access.browsers.sessions(identity)]
    return json_response(BrowserSessionPage(items=items, next_cursor=None))


def _session(row: SessionRow, identity: Identity) -> BrowserSession:
    return BrowserSession(
        id=row.id,
        created_at=rfc3339(row.created_at),
        last_seen_at=rfc3339(row.last_seen_at or row.created_at),
        expires_at=rfc3339(row.expires_at),
        address=row.address,
        user_agent=row.user_agent,
        current=row.id == identity.token_id,
    )


async def end_session(hub: HubPorts, request: Request) -> Response:
    """A browser that was lost, say."""
    identity = await identify(hub.access, request)
    await hub.access.end_session(identity, request.path_params["id"])
    return no_content()


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
        summary="Sign out, and close what this browser holds open",
        tag=TAG,
        handle=sign_out,
        status=204,
        parameters=(
            Parameter(
                "everywhere",
                "1: end all of your sessions, with links not used yet; API tokens stay",
                schema={"enum": ["0", "1"]},
            ),
        ),
    ),
    Operation(
        method="POST",
        path="/api/session/confirm",
        summary="Confirm by password or sign-in link that it is you, before you make credentials",
        tag=TAG,
        handle=confirm,
        body=SessionProof,
        status=204,
    ),
    Operation(
        method="GET",
        path="/api/sessions",
        summary="The browsers in which you are signed in, newest first",
        tag=TAG,
        handle=list_sessions,
        scope="admin",
        result=BrowserSessionPage,
    ),
    Operation(
        method="DELETE",
        path="/api/sessions/{id}",
        summary="Sign one of your browsers out, and close what it holds open",
        tag=TAG,
        handle=end_session,
        scope="admin",
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
