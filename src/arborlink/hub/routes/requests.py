"""Bodies and parameters in, JSON out. Limits are applied while reading, before anything parses."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.problems import UnsupportedMediaType
from arborlink.protocol.errors import InvalidInput, MalformedMessage, MessageTooLarge
from arborlink.protocol.misfits import sentence

JSON: Final = "application/json"

T = TypeVar("T")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises MessageTooLarge above `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


async def read_json(request: Request, kind: type[T], limit: int) -> T:
    """The body as a `kind`.

    Raises:
        MessageTooLarge, UnsupportedMediaType, MalformedMessage: it is not JSON of that size.
        InvalidInput: it is, but a field does not fit; the text names it.
    """
    return parse_json(request, await read_body(request, limit), kind)


async def read_optional_json(request: Request, kind: type[T], limit: int) -> T | None:
    """As `read_json`; None when there is no body."""
    body = await read_body(request, limit)
    return parse_json(request, body, kind) if body else None


def parse_json(request: Request, body: bytes, kind: type[T]) -> T:
    """As `read_json`, of a body that was read."""
    if not body:
        raise InvalidInput("A JSON body is needed.", code="body_required")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # A page of somebody else's can send text/plain without asking, but not this.
    if media_type != JSON:
        raise UnsupportedMediaType(f"Send the body as Content-Type: {JSON}.")
    # Nothing is ever inflated: what is packed may be without an end.
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
    try:
        # As text: msgspec does not look at what fields that it skips are made of.
        return msgspec.json.decode(body.decode(), type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The body does not fit: {sentence(error, kind)}.") from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise MalformedMessage(f"The body is not JSON: {error}.", code="malformed_json") from error


def json_response(
    value: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """`value` as JSON that nobody caches."""
    every = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(value), status, every, JSON)


def no_content() -> Response:
    """Done, and nothing to say."""
    return Response(status_code=204)


def integer_parameter(request: Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query string. Raises InvalidInput outside `low` to `high`."""
    text = request.query_params.get(name)
    if text is None:
        return default
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(high))
    if not digits or not low <= int(text) <= high:
        raise InvalidInput(f"{name} is a whole number from {low} to {high}.")
    return int(text)


def boolean_parameter(request: Request, name: str) -> bool:
    """Whether the query string has `name=1`. Raises InvalidInput for anything but 0 and 1."""
    text = request.query_params.get(name, "0")
    if text not in ("0", "1"):
        raise InvalidInput(f"{name} is 0 or 1.")
    return text == "1"


def _too_large(limit: int) -> MessageTooLarge:
    return MessageTooLarge(f"The body is above the limit of {limit} bytes.")
