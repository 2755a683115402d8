"""What takes room and what is to be forgotten, in SQLite."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import apsw

from arborlink.hub.store.base_retention import FinishedTask, WorkspaceUsage
from arborlink.hub.store.database import Bindings, Database, fetch
from arborlink.hub.store.queries import load
from arborlink.hub.store.rows import to_json

_SQL: Final = load("retention")


class SqliteRetention(Database):
    """Implements `RetentionStore`."""

    def finished_tasks(
        self, before: int, limit: int, workspace_id: str | None = None
    ) -> list[FinishedTask]:
        """Return those that were over by then, or of one workspace, the first of them first."""
        bindings: Bindings = {"limit": limit}
        if workspace_id is None:
            rows = self._all(_SQL["finished_tasks"], {"before": before, **bindings})
        else:
            bindings["workspace"] = workspace_id
            rows = self._all(_SQL["finished_tasks_of_workspace"], bindings)
        return [
            FinishedTask(id=task_id, workspace_id=workspace, row_bytes=size)
            for task_id, workspace, size in rows
        ]

    def workspaces_of_tasks(self, task_ids: Collection[str]) -> dict[str, str]:
        """Return the workspaces of those of the ids that are tasks'."""
        return dict(self._all(_SQL["workspaces_of_tasks"], {"ids": to_json(sorted(task_ids))}))

    async def usage(self) -> list[WorkspaceUsage]:
        """Read what the tasks of every workspace take."""
        # Readers can be busy with what others ask for, for as long as these go on asking.
        rows = await self._write(lambda connection: fetch(connection, _SQL["usage"]))
        return [
            WorkspaceUsage(
                workspace_id=workspace_id,
                owner_id=owner_id,
                tasks=tasks,
                unfinished=unfinished,
                bytes=size,
            )
            for workspace_id, owner_id, tasks, unfinished, size in rows
        ]

    async def delete_tasks(self, task_ids: Collection[str]) -> set[str]:
        """Delete those of the tasks that are over."""
        bindings = {"ids": to_json(sorted(task_ids))}

        def job(connection: apsw.Connection) -> set[str]:
            return {task_id for (task_id,) in fetch(connection, _SQL["delete_tasks"], bindings)}

        return await self._write(job)

    async def forget_variables(self, before: int, limit: int) -> int:
        """Delete the values of variables of tasks that were over by then."""
        bindings = {"before": before, "limit": limit}

        def job(connection: apsw.Connection) -> int:
            return len(fetch(connection, _SQL["forget_variables"], bindings))

        return await self._write(job)

    async def forget_keys(self, now: int) -> None:
        """Delete the idempotency keys whose time is over."""
        await self._execute(_SQL["forget_keys"], {"now": now})

    async def empty_log(self, wait_seconds: float) -> bool:
        """Move the write-ahead log into the database and make it empty."""
        return await self._writer.empty_log(wait_seconds)
