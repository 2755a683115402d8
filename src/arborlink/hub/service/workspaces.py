"""What people and programs do with workspaces."""

from __future__ import annotations

from typing import Final

from arborlink.hub.access import Access, Identity
from arborlink.hub.service.ports import Announcer, Presence
from arborlink.hub.store.base import Store, TaskCounts, WorkspaceRow
from arborlink.hub.views import workspace_resource
from arborlink.protocol.errors import Conflict
from arborlink.protocol.names import checked_path_part
from arborlink.protocol.resources import Workspace

NO_TASKS: Final = TaskCounts(dispatched=0, queued=0)


class Workspaces:
    """Every method takes who asks, and shows somebody else's workspace as not found."""

    def __init__(
        self, store: Store, access: Access, presence: Presence, announcer: Announcer
    ) -> None:
        self._store = store
        self._access = access
        self._visibility = access.visibility
        self._environment = access.environment
        self._presence = presence
        self._announcer = announcer
        self._limit = access.settings.workspaces_per_user

    def get(self, identity: Identity, workspace_id: str) -> Workspace:
        """Raises NotFound, NotAllowed."""
        row = self._visibility.workspace(identity, workspace_id)
        identity.require("tasks:read", row.id)
        return self._resource(row)

    async def list(self, identity: Identity) -> list[Workspace]:
        """Return all that this principal may see, by name.

        Raises:
            NotAllowed: the credential does not permit it.
            InvalidInput, TooManyRequests: as `WorkspaceStore.workspaces`.
        """
        identity.require("tasks:read")
        rows = await self._visibility.workspaces(identity)
        counts = await self._store.task_counts_by_workspace()
        return [
            workspace_resource(row, self._presence.state(row.id), counts.get(row.id, NO_TASKS))
            for row in rows
        ]

    async def create(self, identity: Identity, name: str) -> Workspace:
        """Make a workspace without a daemon.

        Raises:
            InvalidInput: the name cannot be used.
            NotAllowed: the credential does not permit it.
            Conflict: the name is taken, or there are as many as there may be.
        """
        identity.require_everywhere("workspaces:write")
        row = WorkspaceRow(
            id=self._environment.new_id("ws"),
            name=checked_path_part(name),
            owner_id=identity.user_id,
            owner_name=identity.username,
            created_at=self._environment.unix_us(),
        )
        await self._store.add_workspace(row, limit=self._limit)
        self._announcer.workspace_changed(row.id)
        return self._resource(row)

    async def rename(self, identity: Identity, workspace_id: str, name: str) -> Workspace:
        """Give the workspace another name.

        With `workspaces:write` alone only before it had a daemon or a task: another workspace could
        take its name, and be sent what was meant for this one. Raises NotFound, InvalidInput,
        NotAllowed, Conflict (code `name_taken`).
        """
        row = self._writable(identity, workspace_id)
        # A name from before today's rules stays as it is.
        if name != row.name:
            row = await self._store.rename_workspace(workspace_id, checked_path_part(name))
            self._announcer.workspace_changed(workspace_id)
        return self._resource(row)

    async def delete(self, identity: Identity, workspace_id: str) -> None:
        """Forget the workspace with its tasks, daemon and tokens; the folder itself stays.

        It needs what `rename` needs, for the same reason.

        Raises:
            NotFound, NotAllowed: as always.
            Conflict: tasks run there and somebody is there to end them (code `workspace_busy`).
        """
        row = self._writable(identity, workspace_id)
        running = self._store.task_counts(workspace_id).dispatched
        if running and self._presence.state(workspace_id).connected:
            raise Conflict(
                f"Workspace {row.name} still runs tasks ({running}). Cancel them first, or remove "
                "its daemon.",
                code="workspace_busy",
            )
        await self._store.delete_workspace(workspace_id)

    def _writable(self, identity: Identity, workspace_id: str) -> WorkspaceRow:
        row = self._visibility.workspace(identity, workspace_id)
        identity.require("workspaces:write", row.id)
        if not self._store.is_untouched(row.id):
            identity.require("daemons:write", row.id)
        return row

    def _resource(self, row: WorkspaceRow) -> Workspace:
        counts = self._store.task_counts(row.id)
        return workspace_resource(row, self._presence.state(row.id), counts)
