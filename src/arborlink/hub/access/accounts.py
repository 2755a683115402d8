"""The owner's account, API tokens, and how a browser signs in and out."""

from __future__ import annotations

import hmac
import logging
from typing import Final, NamedTuple

from arborlink.hub.access.credentials import hash_secret, make_secret, shown_prefix
from arborlink.hub.access.environment import SECOND_US, Environment
from arborlink.hub.access.identity import Identity, IdentityKind
from arborlink.hub.access.passwords import Passwords
from arborlink.hub.settings import MIN_BOOTSTRAP_TOKEN_CHARS
from arborlink.hub.store.base import Store
from arborlink.hub.store.base_access import SessionRow, SignInLinkRow, TokenRow, UserRow
from arborlink.protocol.errors import InvalidInput, NotAllowed, NotAuthenticated
from arborlink.protocol.limits import MAX_TOKEN_CHARS
from arborlink.protocol.resources import ALL_SCOPES, Scope

LINK_SECONDS: Final = 600.0
SESSION_SECONDS: Final = 30 * 86_400.0
SESSION_RENEWAL_SECONDS: Final = 3_600.0
USE_NOTED_SECONDS: Final = 60.0

log = logging.getLogger(__name__)


class NewSecret(NamedTuple):
    """A secret that is shown once. `expires_at` is in µs since 1970."""

    secret: str
    expires_at: int


class NewSession(NamedTuple):
    """A browser that just signed in, and the secret for its cookie."""

    secret: str
    identity: Identity


class Accounts:
    """Proves who a person or program is; daemons are in `enrolments`."""

    def __init__(self, store: Store, environment: Environment, passwords: Passwords) -> None:
        self._store = store
        self._environment = environment
        self._passwords = passwords

    # ── first start ──────────────────────────────────────────────────────────────────────────

    async def bootstrap(self, token: str | None, owner_name: str) -> UserRow:
        """See to it that there is an owner, and that `token` is theirs if it is the first one.

        A hub takes one bootstrap token, ever. The same again changes nothing, another one is
        ignored: whoever may set it later could otherwise undo a revocation.

        Raises:
            InvalidInput: the token is too short, too long, or has characters no header carries.
        """
        now = self._environment.unix_us()
        row = UserRow(
            id=self._environment.new_id("usr"), username=owner_name, role="owner", created_at=now
        )
        owner = await self._store.ensure_owner(row)
        if token is None:
            return owner
        token = _checked_bootstrap(token)
        token_row = self._token_row(owner.id, "bootstrap", token, list(ALL_SCOPES))
        fingerprint = token_row.secret_hash.hex()
        if not await self._store.add_bootstrap_token(token_row, fingerprint):
            log.warning(
                "ARBOR_BOOTSTRAP_TOKEN is ignored: this hub was set up with another one. "
                "Make further tokens with `arbor token create`."
            )
        return owner

    # ── API tokens ───────────────────────────────────────────────────────────────────────────

    async def create_token(
        self,
        identity: Identity,
        name: str,
        scopes: list[Scope],
        *,
        workspace_id: str | None = None,
        seconds: float | None = None,
    ) -> tuple[TokenRow, str]:
        """A token for the same user, never with more than `identity` has; and its secret.

        Raises:
            NotAllowed: more scopes, or no limit where `identity` has one.
            NotFound: no such workspace.
        """
        identity.require("admin", workspace_id)
        if identity.workspace_id is not None and workspace_id is None:
            raise NotAllowed("A token that is limited to a workspace cannot make one that is not.")
        secret = make_secret("u", self._environment.random_bytes)
        expires_at = None if seconds is None else self._environment.after(seconds)
        row = self._token_row(identity.user_id, name, secret, scopes, workspace_id, expires_at)
        return await self._store.add_token(row), secret

    def authenticate_token(self, secret: str) -> Identity | None:
        """Whose API token this is."""
        secret_hash = hash_secret(secret)
        row = self._store.token_by_hash(secret_hash)
        if row is None or not hmac.compare_digest(row.secret_hash, secret_hash):
            return None
        now = self._environment.unix_us()
        if row.expires_at is not None and row.expires_at <= now:
            return None
        if row.last_used_at is None or row.last_used_at <= now - USE_NOTED_SECONDS * SECOND_US:
            self._store.note_token_used(row.id, now)
        return self._identity(
            row.user_id, "token", row.id, frozenset(row.scopes), row.workspace_id, row.expires_at
        )

    # ── browsers ─────────────────────────────────────────────────────────────────────────────

    async def create_sign_in_link(self, user_id: str) -> NewSecret:
        """A secret that signs its bearer in as this user, once, for ten minutes."""
        secret = make_secret("k", self._environment.random_bytes)
        expires_at = self._environment.after(LINK_SECONDS)
        await self._store.add_sign_in_link(
            SignInLinkRow(code_hash=hash_secret(secret), user_id=user_id, expires_at=expires_at),
            self._environment.unix_us(),
        )
        return NewSecret(secret, expires_at)

    async def sign_in_with_link(self, link: str) -> NewSession:
        """Raises NotAuthenticated when the link is unknown, used, or too old."""
        now = self._environment.unix_us()
        user = await self._store.take_sign_in_link(hash_secret(link), now)
        if user is None:
            raise NotAuthenticated(
                "This sign-in link was used already or is older than ten minutes. Make a new one "
                "with `arbor up` or `arbor login`."
            )
        return await self._sign_in(user)

    async def sign_in_with_password(self, username: str, password: str) -> NewSession:
        """Raises NotAuthenticated when name or password is wrong, or no password is set."""
        user = self._store.user_by_name(username)
        password_hash = None if user is None else user.password_hash
        if not await self._passwords.verify(password_hash, password) or user is None:
            raise NotAuthenticated("The name or the password is wrong.")
        return await self._sign_in(user)

    async def set_password(self, user_id: str, password: str) -> None:
        """Raises InvalidInput for one that is too short or long, NotFound."""
        await self._store.set_password(user_id, await self._passwords.hash(password))

    def authenticate_session(self, secret: str) -> Identity | None:
        """Whose session this is; using it keeps it alive for another 30 days."""
        secret_hash = hash_secret(secret)
        row = self._store.session_by_hash(secret_hash)
        now = self._environment.unix_us()
        if row is None or not hmac.compare_digest(row.secret_hash, secret_hash):
            return None
        if row.expires_at <= now:
            return None
        expires_at = self._environment.after(SESSION_SECONDS)
        if expires_at - row.expires_at >= SESSION_RENEWAL_SECONDS * SECOND_US:
            self._store.extend_session(row.id, expires_at)
        return self._session_identity(row.user_id, row.id)

    async def _sign_in(self, user: UserRow) -> NewSession:
        secret = make_secret("s", self._environment.random_bytes)
        row = SessionRow(
            id=self._environment.new_id("tok"),
            user_id=user.id,
            secret_hash=hash_secret(secret),
            created_at=self._environment.unix_us(),
            expires_at=self._environment.after(SESSION_SECONDS),
        )
        await self._store.add_session(row)
        identity = self._session_identity(user.id, row.id)
        assert identity is not None
        return NewSession(secret, identity)

    def _session_identity(self, user_id: str, session_id: str) -> Identity | None:
        return self._identity(user_id, "session", session_id, frozenset(ALL_SCOPES), None, None)

    def _identity(
        self,
        user_id: str,
        kind: IdentityKind,
        token_id: str,
        scopes: frozenset[Scope],
        workspace_id: str | None,
        expires_at: int | None,
    ) -> Identity | None:
        user = self._store.user(user_id)
        if user is None:
            return None
        return Identity(
            user_id=user.id,
            username=user.username,
            role=user.role,
            kind=kind,
            scopes=scopes,
            workspace_id=workspace_id,
            token_id=token_id,
            expires_at=expires_at,
        )

    def _token_row(
        self,
        user_id: str,
        name: str,
        secret: str,
        scopes: list[Scope],
        workspace_id: str | None = None,
        expires_at: int | None = None,
    ) -> TokenRow:
        return TokenRow(
            id=self._environment.new_id("tok"),
            user_id=user_id,
            name=name,
            prefix=shown_prefix(secret),
            secret_hash=hash_secret(secret),
            scopes=[scope for scope in ALL_SCOPES if scope in scopes],
            created_at=self._environment.unix_us(),
            workspace_id=workspace_id,
            expires_at=expires_at,
        )


def _checked_bootstrap(token: str) -> str:
    token = token.strip()
    if not MIN_BOOTSTRAP_TOKEN_CHARS <= len(token) <= MAX_TOKEN_CHARS:
        raise InvalidInput(
            f"ARBOR_BOOTSTRAP_TOKEN has {len(token)} characters; it needs "
            f"{MIN_BOOTSTRAP_TOKEN_CHARS} to {MAX_TOKEN_CHARS}."
        )
    if not all("!" <= character <= "~" for character in token):
        raise InvalidInput("ARBOR_BOOTSTRAP_TOKEN may only have visible ASCII characters.")
    return token
