"""Answers to requests that never reach the application."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec

from arborlink.hub.access.headers import security_headers
from arborlink.protocol.resources import Problem
from arborlink.protocol.retry import in_words

CONNECTION_RETRY_SECONDS: Final = 5


class Refusal(NamedTuple):
    """Why a request is not served, after which nothing follows on its connection."""

    status: HTTPStatus
    code: str
    detail: str
    retry_after: int | None = None

    def encode(self, *, secure: bool) -> bytes:
        """Return a whole HTTP response, as `problem+json`. `secure`: it goes over TLS."""
        problem = Problem(
            title=self.status.phrase,
            status=self.status.value,
            detail=in_words(self.detail, self.retry_after),
            code=self.code,
            retry_after=self.retry_after,
        )
        body = msgspec.json.encode(problem)
        headers = {
            "Content-Type": "application/problem+json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **security_headers(secure=secure),
        }
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        head = f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n{''.join(lines)}\r\n"
        return head.encode() + body


def malformed() -> Refusal:
    """Return the refusal (400) of a request that cannot be parsed."""
    return Refusal(
        HTTPStatus.BAD_REQUEST, "malformed_request", "This is no HTTP request that can be read."
    )


def head_too_large(limit: int) -> Refusal:
    """Return the refusal (431) of a head that is too large."""
    return Refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers_too_large",
        f"Address and headers are above the limit of {limit} bytes. Send fewer cookies or headers.",
    )


def head_too_slow(seconds: float) -> Refusal:
    """Return the refusal (408) of a head that took too long."""
    return Refusal(
        HTTPStatus.REQUEST_TIMEOUT,
        "request_timeout",
        f"No whole request within {seconds:g} seconds. Send it again, at once.",
    )


def no_room() -> Refusal:
    """Return the refusal (503, with `Retry-After`) of a request for which there is no room."""
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "too_many_connections",
        "Too many requests from here are in progress.",
        retry_after=CONNECTION_RETRY_SECONDS,
    )
