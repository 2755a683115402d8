"""Who sent a request: a bearer token, or else the session cookie together with the Origin."""

from __future__ import annotations

from typing import Final

import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from arborlink.hub.access import Access, Identity, origin_allowed, sent_origin
from arborlink.hub.access.browsers import SESSION_SECONDS, Browser
from arborlink.hub.access.places import Places
from arborlink.hub.front.gate import HTTP_CONNECTION
from arborlink.protocol.errors import NotAllowed, NotAuthenticated

SESSION_COOKIE: Final = "arbor_session"
# Browsers take a cookie of this name from the host itself and over https alone, so that no other
# host of the domain can plant one (RFC 6265bis, 4.1.3.2). Over http they drop it, also on loopback.
HOST_SESSION_COOKIE: Final = f"__Host-{SESSION_COOKIE}"
# What a browser that signed in before shows when it signs in again, and nowhere else.
BROWSER_MARK_COOKIE: Final = "arbor_browser"
BROWSER_MARK_SECONDS: Final = 365 * 86_400
SIGN_IN_PATH: Final = "/api/session"
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
MAX_USER_AGENT_CHARS: Final = 256
# In the ASGI scope: who sent the request, once that is known.
IDENTITY: Final = "arbor.identity"
# In the ASGI scope: what is to be given back when the request is answered, an `ExitStack`.
ENDING: Final = "arbor.ending"


async def identify(access: Access, request: Request) -> Identity:
    """The principal of a request.

    An `Authorization` header is judged alone: when it is wrong the cookie does not help.

    Raises:
        NotAuthenticated: no credential, or one that is unknown, expired or revoked.
        NotAllowed: a cookie, but no Origin that may use it (code `origin_not_allowed`).
        TooManyRequests: the rate of this credential or user, or the failures of this address, are
            used up, or too many of its requests are not answered yet.
    """
    try:
        identity = _bearer(access, request) or _session(access, request)
    except NotAuthenticated:
        access.budgets.failures.take(client_address(request))
        raise
    if identity is None:
        raise NotAuthenticated("Sign in, or send an API token as `Authorization: Bearer …`.")
    structlog.contextvars.bind_contextvars(user=identity.user_id)
    access.budgets.take_request(identity)
    _hold_place(access, request, identity)
    return identity


def _hold_place(access: Access, request: Request, identity: Identity) -> None:
    """Count the request as in progress until it is answered; it is no stranger's from now on."""
    if IDENTITY in request.scope:
        return
    hold_until_answered(request, access.budgets.in_progress, identity)
    request.scope[IDENTITY] = identity
    access.acquaintances.note(identity.user_id, client_address(request))
    connection = request.scope.get(HTTP_CONNECTION)
    if connection is not None:
        connection.known()


async def count_visit(access: Access, request: Request) -> None:
    """Count a request for what anyone gets: with a good credential by that, else by address.

    A browser sends its cookie along by itself, so one that has ended is no failed attempt here.

    Raises:
        NotAuthenticated: an `Authorization` header that is wrong.
        TooManyRequests: what it is counted by is used up.
    """
    if "authorization" in request.headers:
        await identify(access, request)
        return
    secret = session_secret(request)
    if secret is None:
        return
    try:
        identity = access.authenticate_session(secret, only_older=_may_be_planted(request))
    except NotAuthenticated:
        access.budgets.addresses.take(client_address(request))
        return
    access.budgets.take_request(identity)


def hold_until_answered(request: Request, places: Places, identity: Identity) -> None:
    """Hold a place until the request is answered and its response was sent.

    Raises:
        TooManyRequests, Unavailable: none is free.
    """
    full = places.acquire(identity)
    if full is not None:
        raise places.refusal(full)
    request.scope[ENDING].callback(places.release, identity)


def client_address(request: HTTPConnection) -> str:
    """Where the request came from; behind a proxy that is trusted, what that one says."""
    return request.client.host if request.client else ""


def has_credential(request: HTTPConnection) -> bool:
    """Whether the request says who it is from, rightly or not."""
    return "authorization" in request.headers or session_secret(request) is not None


def session_secret(request: HTTPConnection) -> str | None:
    """The secret of the request's session cookie, by either of its names."""
    cookies = request.cookies
    return cookies.get(HOST_SESSION_COOKIE) or cookies.get(SESSION_COOKIE)


def browser_of(request: Request) -> Browser:
    """What a list of one's sessions says of this one."""
    said = request.headers.get("user-agent", "")
    shown = "".join(each for each in said if each.isprintable())[:MAX_USER_AGENT_CHARS]
    return Browser(client_address(request) or None, shown or None)


def hub_address(access: Access, request: Request) -> str:
    """How browsers and daemons reach this hub, as far as the settings or this request tell."""
    if access.settings.public_url is not None:
        return access.settings.public_url
    scheme = "https" if is_secure(access, request) else "http"
    return f"{scheme}://{request.headers.get('host', '')}"


def check_origin(access: Access, request: Request, *, required: bool) -> None:
    """Raises NotAllowed when the page that sent this may not use the hub."""
    origin = sent_origin(request.headers.getlist("origin"))
    host = request.headers.get("host", "")
    if (origin is None and required) or not origin_allowed(origin, host, access.settings):
        raise NotAllowed(
            f"A page of the origin {origin or 'unknown'!r} may not do this. If it should, add it "
            "to allowed_origins or set public_url.",
            code="origin_not_allowed",
        )


def set_session_cookie(access: Access, request: Request, response: Response, secret: str) -> None:
    """Let the browser keep its session for as long as it lasts, under one name."""
    secure, over_https = is_secure(access, request), _is_https(request)
    response.set_cookie(
        HOST_SESSION_COOKIE if over_https else SESSION_COOKIE,
        secret,
        max_age=int(SESSION_SECONDS),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    if over_https and SESSION_COOKIE in request.cookies:
        _delete_cookie(response, SESSION_COOKIE, secure=secure)


def delete_session_cookies(access: Access, request: Request, response: Response) -> None:
    """Let the browser forget its session."""
    secure = is_secure(access, request)
    if _is_https(request):
        _delete_cookie(response, HOST_SESSION_COOKIE, secure=secure)
    _delete_cookie(response, SESSION_COOKIE, secure=secure)


def _delete_cookie(response: Response, name: str, *, secure: bool, path: str = "/") -> None:
    response.delete_cookie(name, path=path, secure=secure, httponly=True, samesite="strict")


def set_browser_mark(access: Access, request: Request, response: Response, mark: str) -> None:
    """Let the browser be recognised when a person signs in there again. It is no credential."""
    response.set_cookie(
        BROWSER_MARK_COOKIE,
        mark,
        max_age=BROWSER_MARK_SECONDS,
        path=SIGN_IN_PATH,
        secure=is_secure(access, request),
        httponly=True,
        samesite="strict",
    )


def delete_browser_mark(access: Access, request: Request, response: Response) -> None:
    """Let the browser be a stranger the next time."""
    secure = is_secure(access, request)
    _delete_cookie(response, BROWSER_MARK_COOKIE, secure=secure, path=SIGN_IN_PATH)


def is_secure(access: Access, request: Request) -> bool:
    """Whether the browser reached the hub by https."""
    return _is_https(request) or access.settings.secure


def _is_https(request: Request) -> bool:
    """Whether this request came by https, to the hub or to a proxy that it trusts."""
    return request.url.scheme == "https"


def _bearer(access: Access, request: Request) -> Identity | None:
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        raise NotAuthenticated("Send one API token, as `Authorization: Bearer …`.")
    return access.authenticate_token(token.strip(" \t"))


def _session(access: Access, request: Request) -> Identity | None:
    secret = session_secret(request)
    if secret is None:
        return None
    check_origin(access, request, required=request.method not in SAFE_METHODS)
    return access.authenticate_session(secret, only_older=_may_be_planted(request))


def _may_be_planted(request: Request) -> bool:
    # Over https the plain name is that of a session from before the other one was used. A newer
    # secret under it may have been planted by another host of the domain.
    return HOST_SESSION_COOKIE not in request.cookies and _is_https(request)
