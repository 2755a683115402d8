"""Errors as RFC 9457 `application/problem+json`: a stable code, and what to do. Never a trace."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final

import msgspec
from msgspec import structs
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from arborlink.hub.access.headers import security_headers
from arborlink.hub.logs import REQUEST_ID, REQUEST_ID_HEADER
from arborlink.protocol.errors import (
    ArborError,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    OffsetOutOfOrder,
    SignInUnfinished,
)
from arborlink.protocol.resources import Problem
from arborlink.protocol.retry import explained, retry_seconds

MEDIA_TYPE: Final = "application/problem+json"


class UnsupportedMediaType(InvalidInput):
    """A body that is not JSON by its own account."""

    code = "unsupported_media_type"
    http_status: ClassVar[int] = 415


class Misdirected(InvalidInput):
    """A request for a host that this hub is not."""

    code = "host_not_allowed"
    http_status: ClassVar[int] = 421


class PlainText(NotAllowed):
    """A request that came over a network without TLS."""

    code = "plain_text_refused"


class SlowRequest(ArborError):
    """A request whose body does not come to its end."""

    code = "request_timeout"
    http_status: ClassVar[int] = 408
    close_code: ClassVar[int] = 4408


def problem_response(error: ArborError) -> Response:
    """The response that says this error."""
    headers: dict[str, str] = {}
    problem = _problem(error.http_status, error.code, explained(error))
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="arbor"'
    seconds = retry_seconds(error)
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
        problem = structs.replace(problem, retry_after=seconds)
    match error:
        case OffsetOutOfOrder():
            problem = structs.replace(problem, want=error.want)
        case SignInUnfinished():
            problem = structs.replace(problem, error=error.code)
    return _respond(problem, headers)


async def _arbor_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ArborError)
    return problem_response(error)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            code, detail = "not_found", f"There is nothing at {request.url.path[:200]}."
        case 405:
            allowed = (error.headers or {}).get("Allow", "")
            code, detail = "method_not_allowed", f"Here only {allowed} can be used."
        case status:
            code, detail = f"http_{status}", error.detail
    return _respond(_problem(error.status_code, code, detail), dict(error.headers or {}))


async def _unexpected(request: Request, _error: Exception) -> Response:
    detail = "The hub made a mistake; its log says more. Nothing is known about the outcome."
    # This one answers from outside all middleware.
    headers = security_headers(secure=request.url.scheme == "https")
    if REQUEST_ID in request.scope:
        headers[REQUEST_ID_HEADER] = request.scope[REQUEST_ID]
    return _respond(_problem(500, ArborError.code, detail), headers)


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)


# Starlette answers with the handler of Exception and raises it again, so that the server logs it.
EXCEPTION_HANDLERS: Final[Mapping[Any, ExceptionHandler]] = {
    ArborError: _arbor_error,
    HTTPException: _http_exception,
    ClientDisconnect: _gone,
    Exception: _unexpected,
}


def _problem(status: int, code: str, detail: str) -> Problem:
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, code=code)


def _respond(problem: Problem, headers: dict[str, str]) -> Response:
    headers["Cache-Control"] = "no-store"
    return Response(msgspec.json.encode(problem), problem.status, headers, MEDIA_TYPE)
