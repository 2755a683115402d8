"""How a browser signs in and out, and stays signed in."""

from __future__ import annotations

import hmac
from typing import Final, NamedTuple

from msgspec import structs

from arborlink.hub.access.credentials import hash_secret, make_secret
from arborlink.hub.access.environment import SECOND_US, Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.access.passwords import Passwords, signed_in
from arborlink.hub.access.sign_in_queue import Claim, account_key
from arborlink.hub.settings import HubSettings
from arborlink.hub.store.base import Store
from arborlink.hub.store.base_access import (
    Confirmation,
    SessionRow,
    SignInLinkRow,
    UsedLink,
    UserRow,
)
from arborlink.protocol.errors import NotAllowed, NotAuthenticated, NotFound
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
    """Where a sign-in came from, as the user recognizes it in a list."""

    address: str | None = None
    user_agent: str | None = None


UNKNOWN_BROWSER: Final = Browser()


class Browsers:
    """Sessions, and the links and passwords that begin them."""

    def __init__(
        self,
        store: Store,
        environment: Environment,
        passwords: Passwords,
        settings: HubSettings,
    ) -> None:
        self._store = store
        self._sessions_per_user = settings.sessions_per_user
        self._links_per_user = settings.sign_in_links_per_user
        self._environment = environment
        self._passwords = passwords
        self._lifetime_seconds = settings.session_lifetime_seconds

    async def create_link(self, user_id: str, maker: Identity | None = None) -> NewLink:
        """Create a link that signs its bearer in as this user, once, within ten minutes.

        The link and the session that it begins end with the credential `maker`; without a `maker`
        they belong to the account. If there are too many, the user's oldest unused link is removed.
        Raises NotFound when account or maker has ended just now.
        """
        secret = make_secret("k", self._environment.random_bytes)
        expires_at = self._environment.after(LINK_SECONDS)
        made_by = None
        if maker is not None:
            expires_at = maker.end_of(expires_at) or expires_at
            made_by = maker.maker_id
        await self._store.add_sign_in_link(
            SignInLinkRow(
                code_hash=hash_secret(secret),
                user_id=user_id,
                expires_at=expires_at,
                made_by=made_by,
            ),
            self._environment.unix_us(),
            limit=self._links_per_user,
        )
        return NewLink(secret, expires_at)

    async def sign_in_with_link(self, link: str, browser: Browser = UNKNOWN_BROWSER) -> NewSession:
        """Sign a browser in. Raises NotAuthenticated when the link is unknown, used, or too old."""
        used = await self._use(link)
        if used is None:
            raise NotAuthenticated(
                "This sign-in link was used already or is older than ten minutes. Make a new one: "
                "`arbor up` and `arbor hub` print one when they start."
            )
        return await self._sign_in(used, browser, None)

    async def sign_in_with_password(
        self,
        username: str,
        password: str,
        browser: Browser = UNKNOWN_BROWSER,
        *,
        is_known: bool = False,
    ) -> NewSession:
        """Sign a browser in. `is_known`: it signed in before, so it has a queue of its own.

        Raises:
            NotAuthenticated: name or password is wrong, or no password is set.
            Unavailable: too many wait (code `sign_in_busy`).
        """
        user = self._store.user_by_name(username)
        password_hash = None if user is None else user.password_hash
        claim = Claim(account_key(username), browser.address or "", is_known)
        if not await self._passwords.verify(password_hash, password, claim) or user is None:
            raise NotAuthenticated("The name or the password is wrong.")
        return await self._sign_in(UsedLink(user=user), browser, password_hash)

    async def confirm_with_password(self, identity: Identity, password: str) -> bool:
        """Note that the session's user knows the account's password; whether its end has changed.

        Credentials that the session creates afterwards belong to the account, whatever created its
        link.

        Raises:
            NotAllowed: the password is wrong, or there is none (code `wrong_password`).
            NotAuthenticated: the session has ended, or the password was changed just now.
            TooManyRequests, Unavailable: too many wait (code `sign_in_busy`).
        """
        user = self._store.user(identity.user_id)
        password_hash = None if user is None else user.password_hash
        claim = signed_in(identity.user_id)
        if not await self._passwords.verify(password_hash, password, claim) or user is None:
            raise NotAllowed("The password is wrong.", code="wrong_password")
        return await self._confirm(identity, UsedLink(user=user), password_hash)

    async def confirm_with_link(self, identity: Identity, link: str) -> bool:
        """Note that the session's user has a new sign-in link, which is used up by this; whether
        the session's end has changed.

        Credentials that the session creates afterwards end with what created that link.

        Raises:
            NotAllowed: the link is unknown, used, too old or another account's (code `wrong_link`).
            NotAuthenticated: the session has ended.
        """
        used = await self._use(link)
        if used is None or used.user.id != identity.user_id:
            raise NotAllowed(
                "This sign-in link was used already, is older than ten minutes, or is another "
                "account's. Make a new one: `arbor link` and `arbor up` print one.",
                code="wrong_link",
            )
        return await self._confirm(identity, used, None)

    def authenticate(self, secret: str, *, only_older: bool = False) -> Identity | None:
        """Return the principal of a session, and extend it by 30 days, until its end.

        `only_older`: only one from before sessions were confirmed.
        """
        secret_hash = hash_secret(secret)
        row = self._store.session_by_hash(secret_hash)
        now = self._environment.unix_us()
        if row is None or not hmac.compare_digest(row.secret_hash, secret_hash):
            return None
        if min(row.expires_at, row.ends_at) <= now:
            return None
        if only_older and row.confirmed_at is not None:
            return None
        if row.last_seen_at is None or row.last_seen_at <= now - USE_NOTED_SECONDS * SECOND_US:
            expires_at = min(self._environment.after(SESSION_SECONDS), row.ends_at)
            self._store.note_session_used(row.id, now, expires_at)
            row = structs.replace(row, expires_at=expires_at)
        user = self._store.user(row.user_id)
        return None if user is None else _identity(user, row)

    async def end_replaced(self, secret: str) -> None:
        """End the session that a browser had before it signed in again."""
        row = self._store.session_by_hash(hash_secret(secret))
        if row is not None:
            await self._store.delete_session(row.id)

    def sessions(self, identity: Identity) -> list[SessionRow]:
        """Return the browsers in which this user is signed in, newest first. Raises NotAllowed."""
        identity.require_everywhere("admin")
        return self._store.sessions(identity.user_id, self._environment.unix_us())

    async def end(self, identity: Identity, session_id: str) -> None:
        """End one of this user's sessions. Raises NotFound, NotAllowed."""
        if all(each.id != session_id for each in self.sessions(identity)):
            raise NotFound(f"You have no session {session_id[:64]}.", ref=session_id[:64])
        await self._store.delete_session(session_id)

    async def end_all(self, identity: Identity) -> None:
        """End all of this user's sessions. Raises NotAllowed."""
        identity.require_everywhere("admin")
        await self._store.delete_sessions(identity.user_id)

    async def _use(self, link: str) -> UsedLink | None:
        return await self._store.take_sign_in_link(hash_secret(link), self._environment.unix_us())

    async def _sign_in(
        self, proof: UsedLink, browser: Browser, password_hash: str | None
    ) -> NewSession:
        secret = make_secret("s", self._environment.random_bytes)
        now = self._environment.unix_us()
        ends_at = _end(self._environment.after(self._lifetime_seconds), proof)
        row = SessionRow(
            id=self._environment.new_id("tok"),
            user_id=proof.user.id,
            secret_hash=hash_secret(secret),
            created_at=now,
            expires_at=min(self._environment.after(SESSION_SECONDS), ends_at),
            ends_at=ends_at,
            last_seen_at=now,
            address=browser.address,
            user_agent=browser.user_agent,
            confirmed_at=now,
            made_by=proof.made_by,
            maker_expires_at=proof.maker_expires_at,
        )
        await self._store.add_session(row, password_hash, limit=self._sessions_per_user)
        return NewSession(secret, _identity(proof.user, row))

    async def _confirm(
        self, identity: Identity, proof: UsedLink, password_hash: str | None
    ) -> bool:
        session_id = identity.token_id or ""
        row = next((each for each in self.sessions(identity) if each.id == session_id), None)
        if row is None:
            raise NotAuthenticated("This session is over. Sign in again.")
        lifetime = round(self._lifetime_seconds * SECOND_US)
        confirmation = Confirmation(
            session_id=session_id,
            confirmed_at=self._environment.unix_us(),
            ends_at=_end(row.created_at + lifetime, proof),
            made_by=proof.made_by,
        )
        await self._store.confirm_session(confirmation, password_hash)
        return (row.ends_at, row.made_by) != (confirmation.ends_at, confirmation.made_by)


def _end(ends_at: int, proof: UsedLink) -> int:
    return ends_at if proof.maker_expires_at is None else min(ends_at, proof.maker_expires_at)


def _identity(user: UserRow, row: SessionRow) -> Identity:
    return Identity(
        user_id=user.id,
        username=user.username,
        role=user.role,
        kind="session",
        scopes=frozenset(ALL_SCOPES),
        token_id=row.id,
        expires_at=row.ends_at,
        session_expires_at=row.expires_at,
        confirmed_at=row.confirmed_at,
        maker_id=row.made_by,
        maker_ends_at=row.maker_expires_at,
    )
