"""Bodies of the HTTP API that only clients and routes speak of."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from arborlink.protocol.resources import Scope, Token

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True, rename="camel"):
    """A part of a listing; `next_cursor` asks for what follows."""

    items: list[T]
    next_cursor: str | None = None


class Enrollment(Struct, frozen=True, kw_only=True, rename="camel"):
    """A one-time code for a daemon."""

    code: str
    expires_at: str


class SessionLink(Struct, frozen=True, kw_only=True, rename="camel"):
    """`url` signs a browser in, once, until `expires_at`."""

    link: str
    url: str
    expires_at: str


class NewToken(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /api/tokens`. `expires_in` is in seconds."""

    name: str
    scopes: list[Scope]
    workspace_id: str | None = None
    expires_in: float | None = None


class CreatedToken(Token, frozen=True):
    """A token with its secret."""

    secret: str
