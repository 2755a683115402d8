"""The errors of a hub's answers. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from arborlink.protocol import errors
from arborlink.protocol.resources import Problem

# Codes without a status (over the WebSocket), or with a status of several errors.
_BY_SPECIAL_CODE: Final[dict[str, type[errors.ArborError]]] = {
    "input_closed": errors.Conflict,
    "task_over": errors.Conflict,
    "task_removed": errors.NotFound,
    "workspace_removed": errors.NotFound,
    "offset_beyond_end": errors.InvalidInput,
    "too_many_subscriptions": errors.TooManyRequests,
    "slow_down": errors.SignInUnfinished,
    "access_denied": errors.SignInUnfinished,
    "expired_token": errors.SignInUnfinished,
}
_BY_CODE: Final = _BY_SPECIAL_CODE | {
    kind.code: kind
    for kind in (
        errors.MalformedMessage,
        errors.MessageTooLarge,
        errors.UnsupportedProtocol,
        errors.InvalidInput,
        errors.SignInUnfinished,
        errors.NotAuthenticated,
        errors.AuthenticationTimeout,
        errors.NotAllowed,
        errors.NotFound,
        errors.OutputDamaged,
        errors.Conflict,
        errors.WorkspaceTaken,
        errors.WorkspaceUnreachable,
        errors.TooManyRequests,
        errors.Unavailable,
        errors.StorageLow,
    )
}
_BY_STATUS: Final[dict[int, type[errors.ArborError]]] = {
    400: errors.InvalidInput,
    401: errors.NotAuthenticated,
    403: errors.NotAllowed,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.OutputDamaged,
    413: errors.MessageTooLarge,
    422: errors.InvalidInput,
    429: errors.TooManyRequests,
    503: errors.Unavailable,
    507: errors.StorageLow,
}
_BY_CLOSE_CODE: Final[dict[int, type[errors.ArborError]]] = {
    4501: errors.NotAuthenticated,
    4503: errors.NotAllowed,
    4526: errors.UnsupportedProtocol,
}


def error_for(
    code: str, message: str, status: int = 500, *, retry_after: float | None = None
) -> errors.ArborError:
    """Return the error of a stable `code`, or else of an HTTP status."""
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status, errors.ArborError)
    return _with_wait(kind(message, code=code), retry_after)


def error_of_response(status: int, body: bytes, retry_after: float | None) -> errors.ArborError:
    """Return the error of an HTTP answer that is not a success."""
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except msgspec.MsgspecError:
        text = f"the hub answered {status} without an explanation. Is it an Arbor hub?"
        return _with_wait(_BY_STATUS.get(status, errors.ArborError)(text), retry_after)
    text = problem.detail
    if problem.candidates:
        text = f"{text} ({', '.join(problem.candidates)})"
    wait = problem.retry_after if retry_after is None else retry_after
    return error_for(problem.code, text, status, retry_after=wait)


def _with_wait(error: errors.ArborError, seconds: float | None) -> errors.ArborError:
    if isinstance(error, errors.TooManyRequests | errors.Unavailable):
        error.retry_after = seconds
    return error


def error_of_close(close_code: int, reason: str) -> errors.ArborError:
    """Return the error of a WebSocket that the hub closed for good."""
    kind = _BY_CLOSE_CODE.get(close_code, errors.ArborError)
    return kind(reason or f"the hub closed the connection with code {close_code}")


def why_to_wait(close_code: int | None) -> str:
    """Return the sentence for a hub that asks to wait for a moment."""
    if close_code == errors.SERVICE_RESTART:
        return "the hub is restarting"
    return "the hub is busy"
