"""Acts on what is deleted: whatever the hub holds open of it or for it ends at once."""

from __future__ import annotations

from dataclasses import dataclass

from arborlink.hub.live.acceptance import Acceptance
from arborlink.hub.live.daemons import Daemons
from arborlink.hub.store.base import Removed


@dataclass(frozen=True, slots=True)
class Endings:
    """Hears of everything that the store deletes, whatever deletes it.

    Viewers' connections, requests in progress, and what waits in memory for a credential are told
    by `Access`, which hears of it from the same place.
    """

    daemons: Daemons
    acceptance: Acceptance

    def removed(self, removed: Removed) -> None:
        """End what there is of it. Called before the write that deleted it returns."""
        match removed.kind:
            case "daemon":
                self.daemons.presence.daemon_removed(removed.id, removed.of)
            case "task":
                self.daemons.inputs.forget(removed.id)
                self.daemons.facts.task_removed(removed.of, removed.id)
                self.daemons.outputs.forget(removed.id)
                self.daemons.terminals.task_removed(removed.id)
            case "workspace":
                self.daemons.facts.workspace_removed(removed.id, removed.of)
                self.daemons.presence.workspace_removed(removed.id)
                self.acceptance.workspace_removed(removed.id)
                self.daemons.terminals.workspace_removed(removed.id)
            case "user" | "token" | "session":
                pass  # `Access` ends what they hold open
