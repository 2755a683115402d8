"""What the HTTP API sends and receives of accounts, sessions and sign-ins."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from arborlink.hub.routes.bodies import Body, SignInLink, Text, TokenSeconds
from arborlink.protocol import limits
from arborlink.protocol.resources import SIGN_IN_SCOPES, Name, Resource, Role, Scope, User

# Longer than any that is accepted, so that the refusal can say what is wrong with it.
Password = Annotated[str, Meta(max_length=4_096)]
UserCode = Annotated[str, Meta(min_length=1, max_length=32)]
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=16)]


def _default_scopes() -> list[Scope]:
    return list(SIGN_IN_SCOPES)


class UserPage(Resource, frozen=True):
    """By name."""

    items: list[User]
    next_cursor: str | None


class NewUser(Body, frozen=True):
    """Without `password` the answer has a link that signs the new account in, once."""

    username: Name
    role: Role = "member"
    password: Password | None = None


class CreatedUser(User, frozen=True):
    """A new account; `link` is shown this once."""

    link: SignInLink | None


class UserChanges(Body, frozen=True):
    """What is left out stays. For a new password of one's own, `currentPassword` is needed as well,
    unless the account has none yet. Name and role are for owners."""

    username: Name | None = None
    role: Role | None = None
    password: Password | None = None
    current_password: Password | None = None


class SessionProof(Body, frozen=True):
    """Either the account's `password` or a new sign-in `link` of the account."""

    password: Password | None = None
    link: Text | None = None


class BrowserSession(Resource, frozen=True):
    """A browser that is signed in. `current`: the one that asks. `userAgent` is what it says of
    itself; `lastSeenAt` is exact to a minute."""

    id: str
    created_at: str
    last_seen_at: str
    expires_at: str
    address: str | None
    user_agent: str | None
    current: bool


class BrowserSessionPage(Resource, frozen=True):
    """Newest first."""

    items: list[BrowserSession]
    next_cursor: str | None


class DeviceStart(Body, frozen=True):
    """Who asks for a token, with which scopes, for how many seconds (`expiresIn`; left out: until
    it is revoked). What it says of itself is shown to whoever approves, as a claim."""

    client_name: Name = "arbor"
    hostname: Name | None = None
    scopes: Scopes = msgspec.field(default_factory=_default_scopes)
    expires_in: TokenSeconds | None = None


class DeviceCollect(Body, frozen=True):
    """The secret of the program that waits."""

    device_code: Annotated[str, Meta(min_length=1, max_length=limits.MAX_TOKEN_CHARS)]


class DeviceInfo(Resource, frozen=True):
    """Who asks, from where, for what. `clientName` and `hostname` are claims, `address` is not.
    The code ends at `expiresAt`; the token lives `tokenExpiresIn` seconds, or until revoked."""

    user_code: str
    client_name: str
    hostname: str | None
    address: str
    scopes: list[Scope]
    token_expires_in: float | None
    requested_at: str
    expires_at: str


class DeviceDecision(Body, frozen=True):
    """`scopes` may only be fewer than were asked for."""

    user_code: UserCode
    approve: bool
    scopes: Scopes | None = None
