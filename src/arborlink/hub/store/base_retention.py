"""The relational store as what removes old things speaks of it. Times are µs since 1970."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from msgspec import Struct


class FinishedTask(Struct, frozen=True, kw_only=True):
    """What retention has to know of a task that is over. `row_bytes`: what its rows take, about."""

    id: str
    workspace_id: str
    row_bytes: int


class WorkspaceUsage(Struct, frozen=True, kw_only=True):
    """What a workspace's tasks take in the database, about, and whose they are."""

    workspace_id: str
    owner_id: str
    tasks: int
    unfinished: int
    bytes: int


class RetentionStore(Protocol):
    """Tasks as something that takes room, and secrets as something that is forgotten."""

    def finished_tasks(
        self, before: int, limit: int, workspace_id: str | None = None
    ) -> list[FinishedTask]:
        """Return those that were over by then, of one workspace or of all, the first of them first.

        `before` counts only without a workspace.
        """
        ...

    def workspaces_of_tasks(self, task_ids: Collection[str]) -> dict[str, str]:
        """Return the workspaces of those of the ids that are tasks'."""
        ...

    async def usage(self) -> list[WorkspaceUsage]:
        """Read what the tasks of every workspace take that has had any; on the writer's thread."""
        ...

    async def delete_tasks(self, task_ids: Collection[str]) -> set[str]:
        """Delete those of the tasks that are over, and return them."""
        ...

    async def forget_variables(self, before: int, limit: int) -> int:
        """Delete the values of variables of tasks that were over by then; of how many that was."""
        ...

    async def forget_keys(self, now: int) -> None:
        """Delete the idempotency keys whose time is over."""
        ...

    async def empty_log(self, wait_seconds: float) -> bool:
        """Move the write-ahead log into the database and make it empty: it holds what was deleted.

        Waits as long for those who read an older state; False if they did not end.

        Raises:
            Unavailable: closing, or the disk does not take it.
        """
        ...
