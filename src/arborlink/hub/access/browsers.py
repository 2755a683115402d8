"""How a browser signs in and out, and stays signed in."""

from __future__ import annotations

import hmac
from typing import Final, NamedTuple

from arborlink.hub.access.credentials import hash_secret, make_secret
from arborlink.hub.access.environment import SECOND_US, Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.passwords import Passwords
from arborlink.hub.store.base import Store
from arborlink.hub.store.base_access import SessionRow, SignInLinkRow, UserRow
from arborlink.protocol.errors import NotAuthenticated, NotFound
from arborlink.protocol.resources import ALL_SCOPES

LINK_SECONDS: Final = 600.0
SESSION_SECONDS: Final = 30 * 86_400.0
USE_NOTED_SECONDS: Final = 60.0


class NewLink(NamedTuple):
    """A link's secret, which is shown once. `expires_at` is in µs since 1970."""

    secret: str
    expires_at: int


class NewSession(NamedTuple):
    """A browser that just signed in, and the secret for its cookie."""

    secret: str
    identity: Identity


class Browser(NamedTuple):
    """Where somebody signs in: for people, who are to recognise it."""

    address: str | None = None
    user_agent: str | None = None


UNKNOWN_BROWSER: Final = Browser()


class Browsers:
    """Sessions, and the links and passwords that begin them."""

    def __init__(self, store: Store, environment: Environment, passwords: Passwords) -> None:
        self._store = store
        self._environment = environment
        self._passwords = passwords

    async def create_link(self, user_id: str) -> NewLink:
        """A secret that signs its bearer in as this user, once, for ten minutes."""
        secret = make_secret("k", self._environment.random_bytes)
        expires_at = self._environment.after(LINK_SECONDS)
        await self._store.add_sign_in_link(
            SignInLinkRow(code_hash=hash_secret(secret), user_id=user_id, expires_at=expires_at),
            self._environment.unix_us(),
        )
        return NewLink(secret, expires_at)

    async def sign_in_with_link(self, link: str, browser: Browser = UNKNOWN_BROWSER) -> NewSession:
        """Raises NotAuthenticated when the link is unknown, used, or too old."""
        now = self._environment.unix_us()
        user = await self._store.take_sign_in_link(hash_secret(link), now)
        if user is None:
            raise NotAuthenticated(
                "This sign-in link was used already or is older than ten minutes. Make a new one: "
                "`arbor up` and `arbor hub` print one when they start."
            )
        return await self._sign_in(user, browser, None)

    async def sign_in_with_password(
        self, username: str, password: str, browser: Browser = UNKNOWN_BROWSER
    ) -> NewSession:
        """Raises NotAuthenticated when name or password is wrong, or no password is set."""
        user = self._store.user_by_name(username)
        password_hash = None if user is None else user.password_hash
        if not await self._passwords.verify(password_hash, password) or user is None:
            raise NotAuthenticated("The name or the password is wrong.")
        return await self._sign_in(user, browser, password_hash)

    def authenticate(self, secret: str) -> Identity | None:
        """Whose session this is; using it keeps it alive for another 30 days."""
        secret_hash = hash_secret(secret)
        row = self._store.session_by_hash(secret_hash)
        now = self._environment.unix_us()
        if row is None or not hmac.compare_digest(row.secret_hash, secret_hash):
            return None
        if row.expires_at <= now:
            return None
        expires_at = row.expires_at
        if row.last_seen_at is None or row.last_seen_at <= now - USE_NOTED_SECONDS * SECOND_US:
            expires_at = self._environment.after(SESSION_SECONDS)
            self._store.note_session_used(row.id, now, expires_at)
        user = self._store.user(row.user_id)
        return None if user is None else _identity(user, row.id, expires_at)

    def sessions(self, identity: Identity) -> list[SessionRow]:
        """The browsers in which this user is signed in, newest first. Raises NotAllowed."""
        identity.require_everywhere("admin")
        return self._store.sessions(identity.user_id, self._environment.unix_us())

    async def end(self, identity: Identity, session_id: str) -> None:
        """End one of this user's sessions. Raises NotFound, NotAllowed."""
        if all(each.id != session_id for each in self.sessions(identity)):
            raise NotFound(f"You have no session {session_id[:64]}.", ref=session_id[:64])
        await self._store.delete_session(session_id)

    async def end_all(self, identity: Identity) -> list[str]:
        """End all of this user's sessions; the ids of those. Raises NotAllowed."""
        identity.require_everywhere("admin")
        return await self._store.delete_sessions(identity.user_id)

    async def _sign_in(
        self, user: UserRow, browser: Browser, password_hash: str | None
    ) -> NewSession:
        secret = make_secret("s", self._environment.random_bytes)
        now = self._environment.unix_us()
        row = SessionRow(
            id=self._environment.new_id("tok"),
            user_id=user.id,
            secret_hash=hash_secret(secret),
            created_at=now,
            expires_at=self._environment.after(SESSION_SECONDS),
            last_seen_at=now,
            address=browser.address,
            user_agent=browser.user_agent,
        )
        await self._store.add_session(row, password_hash)
        return NewSession(secret, _identity(user, row.id, row.expires_at))


def _identity(user: UserRow, session_id: str, expires_at: int) -> Identity:
    return Identity(
        user_id=user.id,
        username=user.username,
        role=user.role,
        kind="session",
        scopes=frozenset(ALL_SCOPES),
        token_id=session_id,
        session_expires_at=expires_at,
    )
