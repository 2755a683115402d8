"""How many daemons of a member's workspaces are connected: each may run tasks, and each of those
takes descriptors. Owners' daemons are not counted.
"""

from __future__ import annotations

from collections import Counter

from arborlink.hub.access.places import RETRY_SECONDS
from arborlink.hub.store.base import Store
from arborlink.protocol.errors import Unavailable


class DaemonPlaces:
    """Counts connections of daemons by the owner of their workspace."""

    def __init__(self, store: Store, *, per_user: int, in_all: int) -> None:
        self._store = store
        # One member leaves room for others.
        self._per_user = min(per_user, max(1, in_all // 4))
        self._in_all = in_all
        self._members: dict[str, str] = {}
        self._held: Counter[str] = Counter()

    def check(self, workspace_id: str) -> None:
        """Raises Unavailable when the workspace's daemon finds no place (code
        `too_many_daemons`)."""
        member = self._member(workspace_id)
        if member is None:
            return
        if self._held[member] >= self._per_user or len(self._members) >= self._in_all:
            raise Unavailable(
                f"too many daemons of this account are connected; at most {self._per_user} may be",
                code="too_many_daemons",
                retry_after=RETRY_SECONDS,
            )

    def enter(self, connection_id: str, workspace_id: str) -> None:
        """Count a connection, whether there is a place or not."""
        member = self._member(workspace_id)
        if member is not None:
            self._members[connection_id] = member
            self._held[member] += 1

    def leave(self, connection_id: str) -> None:
        """The connection is gone."""
        member = self._members.pop(connection_id, None)
        if member is not None:
            self._held[member] -= 1
            if not self._held[member]:
                del self._held[member]

    def _member(self, workspace_id: str) -> str | None:
        """Return the id of the member whose workspace this is; None: it is an owner's."""
        workspace = self._store.workspace(workspace_id)
        owner = None if workspace is None else self._store.user(workspace.owner_id)
        return None if owner is None or owner.role == "owner" else owner.id
