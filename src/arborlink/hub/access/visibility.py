"""The one place that decides what exists for whom: somebody else's thing is not found."""

from __future__ import annotations

import msgspec

from arborlink.hub.access.identity import Identity
from arborlink.hub.store.base import Store, TaskQuery, TaskRow, WorkspaceRow
from arborlink.protocol.errors import NotFound
from arborlink.protocol.limits import MAX_ID_CHARS


class Visibility:
    """Reads through the eyes of a principal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @staticmethod
    def may_see(identity: Identity, workspace: WorkspaceRow) -> bool:
        """Owners see everything, others their own; a limited credential only its workspace."""
        if identity.workspace_id not in (None, workspace.id):
            return False
        return identity.role == "owner" or workspace.owner_id == identity.user_id

    def workspace(self, identity: Identity, workspace_id: str) -> WorkspaceRow:
        """Raises NotFound."""
        row = self._store.workspace(workspace_id)
        if row is None or not self.may_see(identity, row):
            raise _not_found("workspace", workspace_id)
        return row

    def workspaces(self, identity: Identity) -> list[WorkspaceRow]:
        """All that there are for this principal, by name."""
        return [row for row in self._store.workspaces() if self.may_see(identity, row)]

    def task(self, identity: Identity, task_id: str) -> TaskRow:
        """Raises NotFound."""
        row = self._store.task(task_id)
        workspace = None if row is None else self._store.workspace(row.workspace_id)
        if row is None or workspace is None or not self.may_see(identity, workspace):
            raise _not_found("task", task_id)
        return row

    def narrow(self, identity: Identity, query: TaskQuery) -> TaskQuery:
        """The query, kept to what this principal may see."""
        if identity.role == "owner" and identity.workspace_id is None:
            return query
        visible = frozenset(row.id for row in self.workspaces(identity))
        wanted = visible if query.workspace_ids is None else visible & query.workspace_ids
        return msgspec.structs.replace(query, workspace_ids=wanted)


def _not_found(noun: str, thing_id: str) -> NotFound:
    shown = thing_id[:MAX_ID_CHARS]
    return NotFound(f"There is no {noun} {shown!r}, or not for you.", ref=shown)
