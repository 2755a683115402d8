"""The one place that decides what a principal can see: what belongs to others is not found."""

from __future__ import annotations

import msgspec

from arborlink.hub.access.identity import Identity
from arborlink.hub.store.base import Store, TaskQuery, TaskRow, WorkspaceRow
from arborlink.protocol.errors import NotFound
from arborlink.protocol.limits import MAX_ID_CHARS


class Visibility:
    """Reads what a principal can see."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def may_see(cls, identity: Identity, workspace: WorkspaceRow) -> bool:
        """Return whether a principal sees a workspace: an owner all, others their own.

        A credential that is limited to a workspace sees that one only.
        """
        return cls.may_see_owned(identity, workspace.id, workspace.owner_id)

    @staticmethod
    def may_see_owned(identity: Identity, workspace_id: str, owner_id: str) -> bool:
        """Return the same as `may_see`, of a workspace that may have been deleted."""
        if identity.workspace_id not in (None, workspace_id):
            return False
        return identity.role == "owner" or owner_id == identity.user_id

    def workspace(self, identity: Identity, workspace_id: str) -> WorkspaceRow:
        """Return what has this id, if the principal sees it. Raises NotFound."""
        row = self._store.workspace(workspace_id)
        if row is None or not self.may_see(identity, row):
            raise _not_found("workspace", workspace_id)
        return row

    async def workspaces(self, identity: Identity) -> list[WorkspaceRow]:
        """Read all workspaces that this principal sees, by name. Raises as the store does."""
        found = await self._store.workspaces(_owner(identity))
        return [row for row in found if self.may_see(identity, row)]

    def workspace_ids(self, identity: Identity) -> list[str]:
        """Return the ids of all workspaces that this principal sees, by name."""
        visible = self._store.workspace_names(_owner(identity))
        if identity.workspace_id is None:
            return list(visible)
        return [identity.workspace_id] if identity.workspace_id in visible else []

    def task(self, identity: Identity, task_id: str) -> TaskRow:
        """Return what has this id, if the principal sees it. Raises NotFound."""
        row = self._store.task(task_id)
        workspace = None if row is None else self._store.workspace(row.workspace_id)
        if row is None or workspace is None or not self.may_see(identity, workspace):
            raise _not_found("task", task_id)
        return row

    def narrow(self, identity: Identity, query: TaskQuery) -> TaskQuery:
        """Return the query, kept to what this principal may see."""
        if identity.role == "owner" and identity.workspace_id is None:
            return query
        visible = frozenset(self.workspace_ids(identity))
        wanted = visible if query.workspace_ids is None else visible & query.workspace_ids
        return msgspec.structs.replace(query, workspace_ids=wanted)


def _owner(identity: Identity) -> str | None:
    """Return the account whose workspaces are read; None: all accounts."""
    return None if identity.role == "owner" else identity.user_id


def _not_found(noun: str, thing_id: str) -> NotFound:
    shown = thing_id[:MAX_ID_CHARS]
    return NotFound(f"There is no {noun} {shown!r}, or not for you.", ref=shown)
