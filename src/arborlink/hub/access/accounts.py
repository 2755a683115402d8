"""The owner's account and API tokens; browsers are in `browsers`, other accounts in `users`."""

from __future__ import annotations

import hmac
import logging
from typing import Final

from msgspec import structs

from arborlink.hub.access.credentials import hash_secret, make_secret, shown_prefix
from arborlink.hub.access.environment import SECOND_US, Environment
from arborlink.hub.access.identity import Identity
from arborlink.hub.settings import MIN_BOOTSTRAP_TOKEN_CHARS
from arborlink.hub.store.base import Store
from arborlink.hub.store.base_access import TokenRow, UserRow
from arborlink.protocol.errors import InvalidInput, NotAllowed
from arborlink.protocol.limits import MAX_TOKEN_CHARS
from arborlink.protocol.resources import ALL_SCOPES, Scope

USE_NOTED_SECONDS: Final = 60.0

log = logging.getLogger(__name__)


class Accounts:
    """Authenticates people and programs; daemons are in `enrolments`."""

    def __init__(self, store: Store, environment: Environment, *, tokens_per_user: int) -> None:
        self._store = store
        self._tokens_per_user = tokens_per_user
        self._environment = environment

    # ── first start ──────────────────────────────────────────────────────────────────────────

    async def bootstrap(self, token: str | None, owner_name: str) -> UserRow:
        """Create the owner's account if there is none, with `token` if it is the first one.

        A hub accepts one bootstrap token, ever. The same one again changes nothing, another one is
        ignored: a process that may set the variable later could otherwise undo a revocation.

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
        """Create a token of the same user with at most the rights of `identity`, and its secret.

        It ends when the API token that created it ends.

        Raises:
            NotAllowed: more scopes, or no limit where `identity` has one.
            NotFound: no such workspace, or the API token that creates it was revoked just now.
            Conflict: the user has as many as there may be (code `too_many_tokens`), or too many
                tokens made one another (`too_many_generations`).
        """
        identity.require("admin", workspace_id)
        if identity.workspace_id is not None and workspace_id is None:
            raise NotAllowed("A token that is limited to a workspace cannot make one that is not.")
        secret = make_secret("u", self._environment.random_bytes)
        expires_at = None if seconds is None else self._environment.after(seconds)
        row = structs.replace(
            self._token_row(identity.user_id, name, secret, scopes),
            workspace_id=workspace_id,
            expires_at=identity.end_of(expires_at),
            made_by=identity.maker_id,
        )
        return await self._store.add_token(row, limit=self._tokens_per_user), secret

    def authenticate_token(self, secret: str) -> Identity | None:
        """Return the principal of an API token."""
        secret_hash = hash_secret(secret)
        row = self._store.token_by_hash(secret_hash)
        if row is None or not hmac.compare_digest(row.secret_hash, secret_hash):
            return None
        now = self._environment.unix_us()
        if row.expires_at is not None and row.expires_at <= now:
            return None
        if row.last_used_at is None or row.last_used_at <= now - USE_NOTED_SECONDS * SECOND_US:
            self._store.note_token_used(row.id, now)
        user = self._store.user(row.user_id)
        if user is None:
            return None
        return Identity(
            user_id=user.id,
            username=user.username,
            role=user.role,
            kind="token",
            scopes=frozenset(row.scopes),
            workspace_id=row.workspace_id,
            token_id=row.id,
            expires_at=row.expires_at,
            maker_id=row.id,
            maker_ends_at=row.expires_at,
            token_name=row.name,
        )

    def _token_row(self, user_id: str, name: str, secret: str, scopes: list[Scope]) -> TokenRow:
        return TokenRow(
            id=self._environment.new_id("tok"),
            user_id=user_id,
            name=name,
            prefix=shown_prefix(secret),
            secret_hash=hash_secret(secret),
            scopes=[scope for scope in ALL_SCOPES if scope in scopes],
            created_at=self._environment.unix_us(),
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
