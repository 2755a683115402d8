"""Deletes a task that a person or program does not want to keep, with its output."""

from __future__ import annotations

import asyncio

from arborlink.hub.live import log_lines
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.live.uninterrupted import uninterrupted
from arborlink.hub.store.base import TaskRow
from arborlink.hub.store.base_retention import RetentionStore
from arborlink.outputlog import OutputLog


class TaskRemoval:
    """As retention does it: the row goes before the files, so that a crash in between leaves files
    without a task, which retention removes later, and never a task without its output."""

    def __init__(self, store: RetentionStore, outputs: Outputs) -> None:
        self._store = store
        self._outputs = outputs

    async def remove(self, row: TaskRow, user_id: str) -> bool:
        """Delete the task, for an account; False: it is not over, and stays.

        What follows it or reads its output hears of it from the store.

        Raises:
            Unavailable: the database cannot be written.
        """
        # A request that is given up in between would leave the files for an hour.
        return await uninterrupted(self._remove(row, user_id))

    async def _remove(self, row: TaskRow, user_id: str) -> bool:
        if row.id not in await self._store.delete_tasks([row.id]):
            return False
        await asyncio.to_thread(OutputLog.delete, self._outputs.stem(row.id))
        log_lines.task_removed(row.id, row.workspace_id, user_id, row.output_size, "request")
        return True
