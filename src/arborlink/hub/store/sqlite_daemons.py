"""Daemons and the codes that make them, in SQLite."""

from __future__ import annotations

from typing import Final, NamedTuple

import apsw
from msgspec import structs

from arborlink.hub.store.base_access import DaemonChange, DaemonRow, EnrolmentRow, OfferedTokenRow
from arborlink.hub.store.database import Database, fetch
from arborlink.hub.store.faults import breaks_reference
from arborlink.hub.store.queries import load
from arborlink.hub.store.rows import RowMapper
from arborlink.hub.store.sqlite_workspaces import existing_workspace, is_untouched, set_daemon
from arborlink.protocol.errors import NotFound, TooManyRequests, WorkspaceTaken

MICROSECONDS: Final = 1_000_000
UNKNOWN_CODE: Final = "unknown_code"
NOT_FIRST: Final = (
    "This code was for the first daemon of its workspace, and the workspace has had a daemon or "
    "tasks since. Make another code with the scope daemons:write."
)

_SQL: Final = load("access")
_DAEMON: Final = RowMapper(DaemonRow)
_OFFER: Final = RowMapper(OfferedTokenRow)


class SqliteDaemons(Database):
    """Implements `DaemonStore`."""

    def daemon(self, daemon_id: str) -> DaemonRow | None:
        """One daemon."""
        return _DAEMON.optional(self._one(_SQL["daemon"], {"id": daemon_id}))

    def daemon_by_hash(self, token_hash: bytes) -> DaemonRow | None:
        """The daemon with this token."""
        return _DAEMON.optional(self._one(_SQL["daemon_by_hash"], {"token_hash": token_hash}))

    async def add_enrolment(self, row: EnrolmentRow, now: int, *, limit: int | None = None) -> None:
        """A code that lets one daemon serve one workspace."""

        def job(connection: apsw.Connection) -> None:
            existing_workspace(connection, row.workspace_id)
            connection.execute(_SQL["forget_enrolments"], {"now": now})
            if limit is not None:
                _check_room(connection, row, now, limit)
            try:
                connection.execute(_SQL["add_enrolment"], structs.asdict(row))
            except apsw.ConstraintError as error:
                if not breaks_reference(error):
                    raise
                raise NotFound("There is no such maker for the code.") from error

        await self._write(job)

    async def redeem_enrolment(
        self,
        code_hash: bytes,
        daemon_id: str,
        token_hash: bytes,
        now: int,
        address: str | None = None,
    ) -> DaemonRow:
        """Use an unexpired code up and give its workspace this daemon, or change nothing."""

        def job(connection: apsw.Connection) -> DaemonRow:
            code = _take(connection, code_hash, now)
            workspace = existing_workspace(connection, code.workspace_id)
            if workspace.daemon_id is not None:
                raise WorkspaceTaken(
                    f"Workspace {workspace.name} is served by daemon {workspace.daemon_id} "
                    "already. Remove that one first, then use the code again.",
                    ref=workspace.id,
                )
            if code.first_only and not is_untouched(connection, workspace):
                raise NotFound(NOT_FIRST, code=UNKNOWN_CODE)
            row = DaemonRow(
                id=daemon_id,
                workspace_id=workspace.id,
                token_hash=token_hash,
                created_by=code.created_by,
                created_at=now,
            )
            connection.execute(_SQL["add_daemon"], _DAEMON.encode(row))
            change = DaemonChange(
                what="replaced" if workspace.had_daemon else "enrolled",
                at=now,
                user=code.username or code.created_by,
                token=code.token_name,
                address=address,
            )
            set_daemon(connection, workspace.id, daemon_id, change)
            return row

        return await self._write(job)

    async def delete_daemon(self, daemon_id: str, change: DaemonChange) -> DaemonRow:
        """Its token is worth nothing from now on, its workspace is free."""

        def job(connection: apsw.Connection) -> DaemonRow:
            row = _existing(connection, daemon_id)
            connection.execute(_SQL["delete_daemon"], {"id": daemon_id})
            set_daemon(connection, row.workspace_id, None, change)
            return row

        return await self._write(job)

    async def request_rotation(self, daemon_id: str, now: int) -> DaemonRow:
        """The daemon is to have another token."""

        def job(connection: apsw.Connection) -> DaemonRow:
            connection.execute(_SQL["request_rotation"], {"id": daemon_id, "now": now})
            return _existing(connection, daemon_id)

        return await self._write(job)

    def offered_token(self, token_hash: bytes) -> OfferedTokenRow | None:
        """The offer of this token."""
        return _OFFER.optional(self._one(_SQL["offered_token"], {"token_hash": token_hash}))

    async def offer_token(self, row: OfferedTokenRow, *, since: int, kept: int) -> None:
        """A token that a daemon may use from now on."""
        forgotten = {"daemon_id": row.daemon_id, "since": since, "kept": kept}

        def job(connection: apsw.Connection) -> None:
            _existing(connection, row.daemon_id)
            connection.execute(_SQL["forget_offers"], forgotten)
            connection.execute(_SQL["offer_token"], _OFFER.encode(row))

        await self._write(job)

    async def settle_rotation(
        self, daemon_id: str, rotation_id: str, now: int, *, since: int
    ) -> bool:
        """What was offered is the daemon's only token."""
        bindings = {"daemon_id": daemon_id, "rotation_id": rotation_id, "now": now, "since": since}

        def job(connection: apsw.Connection) -> bool:
            connection.execute(_SQL["settle_rotation"], bindings)
            if connection.changes() == 0:
                return False
            connection.execute(
                _SQL["withdraw_offers"], {"daemon_id": daemon_id, "rotation_id": rotation_id}
            )
            return True

        return await self._write(job)


def _existing(connection: apsw.Connection, daemon_id: str) -> DaemonRow:
    for found in fetch(connection, _SQL["daemon"], {"id": daemon_id}):
        return _DAEMON.decode(found)
    raise NotFound(f"There is no daemon {daemon_id}.", ref=daemon_id)


def _check_room(connection: apsw.Connection, row: EnrolmentRow, now: int, limit: int) -> None:
    account = {"created_by": row.created_by}
    ((count, first_end),) = fetch(connection, _SQL["count_enrolments"], account)
    if count >= limit:
        raise TooManyRequests(
            f"This account has {count} enrollment codes that were not used, and at most {limit} "
            "are allowed. Use one, or wait until the oldest ends.",
            code="too_many_enrollment_codes",
            retry_after=max(1.0, (first_end - now) / MICROSECONDS),
        )


class _Code(NamedTuple):
    """The columns that `take_enrolment` returns, in their order."""

    workspace_id: str
    created_by: str
    expires_at: int
    first_only: int
    username: str | None
    token_name: str | None


def _take(connection: apsw.Connection, code_hash: bytes, now: int) -> _Code:
    for columns in fetch(connection, _SQL["take_enrolment"], {"code_hash": code_hash}):
        code = _Code(*columns)
        if code.expires_at > now:
            return code
    raise NotFound(
        "This code is unknown, used up, or older than ten minutes. Ask for a new one.",
        code=UNKNOWN_CODE,
    )
