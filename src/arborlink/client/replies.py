"""Bodies of the HTTP API that only clients and routes use."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from arborlink.protocol.resources import Role, Scope, Token, User

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True, rename="camel"):
    """A part of a listing; `next_cursor` asks for what follows."""

    items: list[T]
    next_cursor: str | None = None


class Segment(Struct, frozen=True, kw_only=True, rename="camel"):
    """Bytes `[offset, offset + length)` of a task's output; the stream and time of the first of
    them. `time` is in µs since the task's start."""

    offset: int = 0
    length: int = 0
    is_error: bool = False
    time: int = 0


class Enrollment(Struct, frozen=True, kw_only=True, rename="camel"):
    """A one-time code for a daemon. `command` uses it, in the folder that is to be connected;
    `install` installs Arbor on that machine first. An older hub does not say it."""

    code: str
    expires_at: str
    command: str
    install: str | None = None


class DeviceStart(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /api/device/code`. `expires_in` is in seconds."""

    client_name: str
    scopes: list[Scope]
    hostname: str | None = None
    expires_in: float | None = None


class NewUser(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /api/users`."""

    username: str
    role: Role = "member"
    password: str | None = None


class UserChanges(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `PATCH /api/users/{id}`."""

    username: str | None = None
    role: Role | None = None
    password: str | None = None
    current_password: str | None = None


class SessionLink(Struct, frozen=True, kw_only=True, rename="camel"):
    """`url` signs a browser in, once, until `expires_at`."""

    link: str
    url: str
    expires_at: str


class DaemonToken(Struct, frozen=True, kw_only=True, rename="camel"):
    """What `/api/daemons/{id}` says of a daemon's token. Times are RFC 3339 in UTC."""

    rotation_requested_at: str | None = None
    token_rotated_at: str | None = None


class NewToken(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Body of `POST /api/tokens`. `expires_in` is in seconds."""

    name: str
    scopes: list[Scope]
    workspace_id: str | None = None
    expires_in: float | None = None


class CreatedToken(Token, frozen=True, kw_only=True):
    """A token with its secret."""

    secret: str


class CreatedUser(User, frozen=True):
    """An account; without a password, `link` signs it in, once."""

    link: SessionLink | None
