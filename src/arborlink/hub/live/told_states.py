"""Whether a viewer that follows a task has been told the state of the task's workspace. Pure."""

from __future__ import annotations

from collections.abc import Collection

from arborlink.protocol.messages import WorkspaceChanged

CONNECTED = "connected"


class ToldStates:
    """By workspace. What else changes of a workspace is for those who watch it."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def keep(self, workspace_ids: Collection[str]) -> None:
        """Forget all others: no task of theirs is followed any more."""
        self._told = {key: self._told[key] for key in workspace_ids if key in self._told}

    def is_news(self, fact: WorkspaceChanged) -> bool:
        """Whether to tell `fact`, which then counts as told. At first, connected is no news."""
        before = self._told.get(fact.workspace_id, CONNECTED)
        self._told[fact.workspace_id] = fact.state
        return fact.state != before
