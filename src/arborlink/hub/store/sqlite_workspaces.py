"""Workspaces in SQLite."""

from __future__ import annotations

from typing import Final

import apsw

from arborlink.hub.store.base import Acceptance, WorkspaceRow
from arborlink.hub.store.base_access import DaemonChange
from arborlink.hub.store.database import Database, fetch
from arborlink.hub.store.faults import breaks_reference
from arborlink.hub.store.queries import load
from arborlink.hub.store.rows import RowMapper, to_json
from arborlink.protocol.errors import (
    QUARANTINED,
    Conflict,
    NotAuthenticated,
    NotFound,
    WorkspaceQuarantined,
    WorkspaceTaken,
)
from arborlink.protocol.messages import HostInfo

# Deleted in one transaction: other writes have their turn in between.
BATCH_TASKS: Final = 512

_SQL: Final = load("workspaces")
_RETENTION: Final = load("retention")
_WORKSPACE: Final = RowMapper(WorkspaceRow, json=frozenset({"host", "daemon_change"}))


class SqliteWorkspaces(Database):
    """Implements `WorkspaceStore`."""

    def workspace(self, workspace_id: str) -> WorkspaceRow | None:
        """One workspace."""
        return _WORKSPACE.optional(self._one(_SQL["workspace"], {"id": workspace_id}))

    async def workspaces(self, owner_id: str | None = None) -> list[WorkspaceRow]:
        """Read all, or those of one account, by name."""
        sql = _SQL["workspaces" if owner_id is None else "workspaces_of_owner"]
        bindings = None if owner_id is None else {"owner": owner_id}

        def job(connection: apsw.Connection) -> list[WorkspaceRow]:
            return [_WORKSPACE.decode(row) for row in connection.execute(sql, bindings)]

        return await self.lists.read(job)

    def workspace_names(self, owner_id: str | None = None) -> dict[str, str]:
        """Return the names of all, or of one account's, by their ids."""
        if owner_id is None:
            return dict(self._all(_SQL["workspace_names"]))
        return dict(self._all(_SQL["workspace_names_of_owner"], {"owner": owner_id}))

    def is_untouched(self, workspace_id: str) -> bool:
        """Return whether the workspace never had a daemon and has no task."""
        row = self.workspace(workspace_id)
        bindings = {"id": workspace_id}
        return row is not None and not (row.had_daemon or self._all(_SQL["any_task"], bindings))

    def count_workspaces(self) -> int:
        """Return how many there are."""
        ((count,),) = self._all(_SQL["count_workspaces"])
        return int(count)

    async def add_workspace(self, row: WorkspaceRow, *, limit: int | None = None) -> WorkspaceRow:
        """Store a new workspace."""

        def job(connection: apsw.Connection) -> WorkspaceRow:
            owner = {"owner": row.owner_id}
            ((count,),) = fetch(connection, _SQL["count_workspaces_of_owner"], owner)
            if limit is not None and count >= limit:
                raise Conflict(
                    f"This account has {count} workspaces, and at most {limit} are allowed. Remove "
                    "those that are not used any more.",
                    code="too_many_workspaces",
                )
            try:
                connection.execute(_SQL["add_workspace"], _WORKSPACE.encode(row))
            except apsw.ConstraintError as error:
                raise _refused(row.name, error) from error
            return row

        return await self._write(job)

    async def rename_workspace(self, workspace_id: str, name: str) -> WorkspaceRow:
        """Give the workspace another name."""

        def job(connection: apsw.Connection) -> WorkspaceRow:
            try:
                connection.execute(_SQL["rename_workspace"], {"id": workspace_id, "name": name})
            except apsw.ConstraintError as error:
                raise _refused(name, error) from error
            return existing_workspace(connection, workspace_id)

        return await self._write(job)

    async def delete_workspace(self, workspace_id: str) -> None:
        """Delete it, and all that hangs on it; tasks that are over some at a time, before."""
        some = {"workspace": workspace_id, "limit": BATCH_TASKS}

        def delete_some(connection: apsw.Connection) -> int:
            existing_workspace(connection, workspace_id)
            return len(fetch(connection, _RETENTION["delete_some_of_workspace"], some))

        while await self._write(delete_some) == BATCH_TASKS:
            pass

        def job(connection: apsw.Connection) -> None:
            existing_workspace(connection, workspace_id)
            connection.execute(_SQL["delete_workspace"], {"id": workspace_id})

        await self._write(job)

    async def accept_daemon(
        self,
        workspace_id: str,
        daemon_id: str,
        instance_id: str,
        host: HostInfo,
        version: str,
        now: int,
    ) -> Acceptance:
        """Give a daemon's new connection its epoch."""
        bindings = {
            "id": workspace_id,
            "instance_id": instance_id,
            "host": to_json(host),
            "version": version,
            "now": now,
        }

        def job(connection: apsw.Connection) -> Acceptance:
            row = existing_workspace(connection, workspace_id)
            _check_served_by(row, daemon_id)
            ((epoch,),) = fetch(connection, _SQL["accept_daemon"], bindings)
            return Acceptance(epoch=epoch, previous_instance_id=row.instance_id)

        return await self._write(job)

    async def quarantine_daemon(self, workspace_id: str, daemon_id: str, now: int) -> None:
        """Let no copy of this daemon in."""
        bindings = {"id": workspace_id, "daemon_id": daemon_id, "now": now}
        await self._execute(_SQL["quarantine_daemon"], bindings)

    async def release_daemon(self, workspace_id: str, change: DaemonChange) -> None:
        """Let the workspace's daemon in again."""
        bindings = {"id": workspace_id, "change": to_json(change)}
        await self._execute(_SQL["release_daemon"], bindings)

    async def daemon_disconnected(self, workspace_id: str, epoch: int, now: int) -> None:
        """Remember when the connection of this epoch was last seen."""
        bindings = {"id": workspace_id, "epoch": epoch, "now": now}
        await self._execute(_SQL["daemon_disconnected"], bindings)


def existing_workspace(connection: apsw.Connection, workspace_id: str) -> WorkspaceRow:
    """The workspace as the transaction of `connection` sees it. Raises NotFound."""
    for row in fetch(connection, _SQL["workspace"], {"id": workspace_id}):
        return _WORKSPACE.decode(row)
    raise NotFound(f"There is no workspace {workspace_id}.", ref=workspace_id)


def set_daemon(
    connection: apsw.Connection, workspace_id: str, daemon_id: str | None, change: DaemonChange
) -> None:
    """Say which daemon serves the workspace, in the transaction of `connection`."""
    bindings = {"id": workspace_id, "daemon_id": daemon_id, "change": to_json(change)}
    connection.execute(_SQL["set_daemon"], bindings)
    if change.what == "replaced":
        connection.execute(_SQL["forget_handed_over"], {"id": workspace_id})
        connection.execute(_SQL["note_handed_over"], {"id": workspace_id})


def is_untouched(connection: apsw.Connection, row: WorkspaceRow) -> bool:
    """Return whether the workspace never had a daemon and has no task."""
    return not row.had_daemon and not fetch(connection, _SQL["any_task"], {"id": row.id})


def _check_served_by(row: WorkspaceRow, daemon_id: str) -> None:
    if row.daemon_id is None:
        raise NotAuthenticated(
            f"Daemon {daemon_id} was removed from workspace {row.name}. Enrol it again."
        )
    if row.daemon_id != daemon_id:
        raise WorkspaceTaken(
            f"Workspace {row.name} is served by another daemon, {row.daemon_id}. Remove that one "
            "first, or enrol this folder as a workspace of its own.",
            ref=row.id,
        )
    if row.quarantined_at is not None:
        raise WorkspaceQuarantined(QUARANTINED, ref=row.id)


def _refused(name: str, error: apsw.ConstraintError) -> Exception:
    if breaks_reference(error):
        return NotFound("There is no such account to own the workspace.")
    return Conflict(
        f"There is a workspace named {name!r} already. Choose another name.", code="name_taken"
    )
