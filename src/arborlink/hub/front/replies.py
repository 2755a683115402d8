"""Answers to requests that never reach the application."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec

from arborlink.protocol.resources import Problem

CONNECTION_RETRY_SECONDS: Final = 5


def refusal(status: HTTPStatus, code: str, detail: str, *, retry_after: int | None = None) -> bytes:
    """A whole HTTP response that says why, as `problem+json`, and that nothing follows."""
    problem = Problem(title=status.phrase, status=status.value, detail=detail, code=code)
    body = msgspec.json.encode(problem)
    retry = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Content-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
        f"{retry}Connection: close\r\n\r\n"
    )
    return head.encode() + body


def malformed() -> bytes:
    """400."""
    return refusal(
        HTTPStatus.BAD_REQUEST, "malformed_request", "This is no HTTP request that can be read."
    )


def head_too_large(limit: int) -> bytes:
    """431."""
    return refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers_too_large",
        f"Address and headers are above the limit of {limit} bytes. Send fewer cookies or headers.",
    )


def head_too_slow(seconds: float) -> bytes:
    """408."""
    return refusal(
        HTTPStatus.REQUEST_TIMEOUT,
        "request_timeout",
        f"No whole request within {seconds:g} seconds. Send it again, at once.",
    )


def no_room() -> bytes:
    """503."""
    return refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "too_many_connections",
        "Too many requests from here are in progress; "
        f"retry in {CONNECTION_RETRY_SECONDS} seconds.",
        retry_after=CONNECTION_RETRY_SECONDS,
    )
