"""API tokens, browser sessions and sign-in links in SQLite; accounts are in `sqlite_users`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import apsw
from msgspec import structs

from arborlink.hub.store.base_access import (
    Confirmation,
    SessionRow,
    SignInLinkRow,
    TokenRow,
    UsedLink,
    UserRow,
)
from arborlink.hub.store.database import Database, fetch
from arborlink.hub.store.faults import breaks_reference
from arborlink.hub.store.queries import load
from arborlink.hub.store.rows import RowMapper
from arborlink.hub.store.sqlite_users import end_sessions
from arborlink.protocol.errors import Conflict, NotAuthenticated, NotFound

BOOTSTRAP_KEY: Final = "bootstrap_token"
# SQLite deletes what refers to a deleted row one level inside the other, and stops at 1,000 levels
# (SQLITE_MAX_TRIGGER_DEPTH): the first token of a longer chain could not be revoked.
MAX_GENERATIONS: Final = 32
BROWSER_MARK_KEY: Final = "browser_mark_key"

_SQL: Final = load("access")
_META: Final = load("meta")
_USER: Final = RowMapper(UserRow)
_TOKEN: Final = RowMapper(TokenRow, json=frozenset({"scopes"}))
_SESSION: Final = RowMapper(SessionRow)


class SqliteAccounts(Database):
    """Implements what `AccountStore` says of the credentials of accounts."""

    def token_by_hash(self, secret_hash: bytes) -> TokenRow | None:
        """The token with this secret."""
        return _TOKEN.optional(self._one(_SQL["token_by_hash"], {"secret_hash": secret_hash}))

    async def tokens(self, user_id: str) -> list[TokenRow]:
        """Read an account's tokens, oldest first."""

        def job(connection: apsw.Connection) -> list[TokenRow]:
            found = connection.execute(_SQL["tokens"], {"user_id": user_id})
            return [_TOKEN.decode(row) for row in found]

        return await self.lists.read(job)

    async def add_token(self, row: TokenRow, *, limit: int | None = None) -> TokenRow:
        """Store a new API token."""

        def job(connection: apsw.Connection) -> TokenRow:
            if limit is not None:
                _make_room(connection, row, limit)
            _check_generations(connection, row)
            try:
                connection.execute(_SQL["add_token"], _TOKEN.encode(row))
            except apsw.ConstraintError as error:
                if not breaks_reference(error):
                    raise
                raise NotFound("There is no such account, workspace or maker.") from error
            return row

        return await self._write(job)

    async def add_bootstrap_token(self, row: TokenRow, fingerprint: str) -> bool:
        """Store the first bootstrap token; whether this is the one that was stored."""

        def job(connection: apsw.Connection) -> bool:
            for (earlier,) in fetch(connection, _META["meta"], {"key": BOOTSTRAP_KEY}):
                return bool(earlier == fingerprint)
            connection.execute(_SQL["add_token"], _TOKEN.encode(row))
            connection.execute(_META["set_meta"], {"key": BOOTSTRAP_KEY, "value": fingerprint})
            return True

        return await self._write(job)

    async def browser_mark_key(self, fresh: bytes) -> bytes:
        """Return the key of browsers' marks: the one that is stored, or else `fresh`, from now."""

        def job(connection: apsw.Connection) -> bytes:
            for (stored,) in fetch(connection, _META["meta"], {"key": BROWSER_MARK_KEY}):
                return bytes.fromhex(stored)
            bindings = {"key": BROWSER_MARK_KEY, "value": fresh.hex()}
            connection.execute(_META["set_meta"], bindings)
            return fresh

        return await self._write(job)

    async def delete_token(self, token_id: str, user_id: str) -> None:
        """Revoke a token of this user, with what was made with it."""

        def job(connection: apsw.Connection) -> None:
            connection.execute(_SQL["delete_token"], {"id": token_id, "user_id": user_id})
            if connection.changes() == 0:
                raise NotFound(f"There is no token {token_id}.", ref=token_id)

        await self._write(job)

    def note_token_used(self, token_id: str, at: int) -> None:
        """Remember when a token was last used."""
        bindings = {"id": token_id, "at": at}
        self._execute_soon(_SQL["note_token_used"], bindings)

    def session_by_hash(self, secret_hash: bytes) -> SessionRow | None:
        """The session with this secret."""
        return _SESSION.optional(self._one(_SQL["session_by_hash"], {"secret_hash": secret_hash}))

    def sessions(self, user_id: str, now: int) -> list[SessionRow]:
        """Somebody's browsers, newest first."""
        bindings = {"user_id": user_id, "now": now}
        return [_SESSION.decode(row) for row in self._all(_SQL["sessions"], bindings)]

    async def add_session(
        self, row: SessionRow, password_hash: str | None = None, *, limit: int | None = None
    ) -> None:
        """Somebody signed in; those whose time is over are forgotten on the way."""
        bindings = {**_SESSION.encode(row), "password_hash": password_hash}

        def job(connection: apsw.Connection) -> None:
            connection.execute(_SQL["forget_sessions"], {"now": row.created_at})
            _prove(connection, "add_session", bindings)
            if limit is not None:
                others = {"user_id": row.user_id, "id": row.id, "kept": limit - 1}
                connection.execute(_SQL["keep_sessions"], others)

        await self._write(job)

    async def confirm_session(
        self, confirmation: Confirmation, password_hash: str | None = None
    ) -> None:
        """Record that its user proved who they are."""
        bindings = {**structs.asdict(confirmation), "password_hash": password_hash}
        await self._write(lambda connection: _prove(connection, "confirm_session", bindings))

    def note_session_used(self, session_id: str, at: int, expires_at: int) -> None:
        """A session that is used lives on."""
        bindings = {"id": session_id, "at": at, "expires_at": expires_at}
        self._execute_soon(_SQL["note_session_used"], bindings)

    async def delete_session(self, session_id: str) -> None:
        """Somebody signed out."""
        await self._execute(_SQL["delete_session"], {"id": session_id})

    async def delete_sessions(self, user_id: str) -> None:
        """Somebody signed out everywhere."""
        await self._write(lambda connection: end_sessions(connection, user_id, keep=None))

    async def add_sign_in_link(
        self, row: SignInLinkRow, now: int, *, limit: int | None = None
    ) -> None:
        """A link that signs its bearer in, once."""

        def job(connection: apsw.Connection) -> None:
            connection.execute(_SQL["forget_sign_in_links"], {"now": now})
            if limit is not None:
                others = {"user_id": row.user_id, "kept": limit - 1}
                connection.execute(_SQL["keep_sign_in_links"], others)
            try:
                connection.execute(_SQL["add_sign_in_link"], structs.asdict(row))
            except apsw.ConstraintError as error:
                if not breaks_reference(error):
                    raise
                raise NotFound("There is no such account or maker for the link.") from error

        await self._write(job)

    async def take_sign_in_link(self, code_hash: bytes, now: int) -> UsedLink | None:
        """The account of an unexpired link, which is used up by this."""

        def job(connection: apsw.Connection) -> UsedLink | None:
            taken = fetch(connection, _SQL["take_sign_in_link"], {"code_hash": code_hash})
            for user_id, expires_at, made_by, maker_expires_at in taken:
                if expires_at > now:
                    (user,) = fetch(connection, _SQL["user"], {"id": user_id})
                    return UsedLink(
                        user=_USER.decode(user),
                        made_by=made_by,
                        maker_expires_at=maker_expires_at,
                    )
            return None

        return await self._write(job)


def _make_room(connection: apsw.Connection, row: TokenRow, limit: int) -> None:
    account = {"user_id": row.user_id}
    if fetch(connection, _SQL["count_tokens"], account)[0][0] < limit:
        return
    connection.execute(_SQL["forget_tokens"], {**account, "now": row.created_at})
    ((count,),) = fetch(connection, _SQL["count_tokens"], account)
    if count >= limit:
        raise Conflict(
            f"This account has {count} API tokens, and at most {limit} are allowed. Revoke those "
            "that are not used any more.",
            code="too_many_tokens",
        )


def _check_generations(connection: apsw.Connection, row: TokenRow) -> None:
    if row.made_by is None:
        return
    ((count,),) = fetch(connection, _SQL["count_makers"], {"made_by": row.made_by})
    if count >= MAX_GENERATIONS:
        raise Conflict(
            f"This token would be number {count + 1} of tokens that were each made with the one "
            f"before, and at most {MAX_GENERATIONS} are allowed. Make it with an earlier one, or "
            "in a browser.",
            code="too_many_generations",
        )


def _prove(connection: apsw.Connection, statement: str, bindings: Mapping[str, Any]) -> None:
    """Run a statement that changes a row as long as the account is as it was when it was proven.

    Raises:
        NotAuthenticated: it is another one, or gone.
    """
    try:
        connection.execute(_SQL[statement], bindings)
    except apsw.ConstraintError as error:
        if not breaks_reference(error):
            raise
        raise _changed() from error
    if connection.changes() == 0:
        raise _changed()


def _changed() -> NotAuthenticated:
    return NotAuthenticated("The account was changed just now. Sign in again.")
