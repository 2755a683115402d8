"""Tasks that a hub from a backup hears of for the first time from the daemon that runs them.

They were made after the backup. Left alone they would run on unseen, and nobody could end them; so
they become tasks again, of which only the command is not known any more. Their output comes from
the daemon's spool like any other; what that does not have any more is a gap (G37).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from arborlink.hub.live.clock import now_us
from arborlink.hub.live.facts import Facts
from arborlink.hub.store.base import TaskRow, TaskStore, WorkspaceRow, WorkspaceStore
from arborlink.protocol.ids import is_id, unix_ms_of
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import DaemonAuth

# Of one handshake, which has to end in time: more than run in a workspace. The next one goes on.
MAX_ADOPTED: Final = 32
UNKNOWN_COMMAND: Final = "(unknown)"
TITLE: Final = "found on the daemon after the hub was restored from a backup"

logger = logging.getLogger(__name__)


class Adoption:
    """`restored_after`: the newest task of the backup; None: this hub is not from one."""

    def __init__(
        self,
        tasks: TaskStore,
        workspaces: WorkspaceStore,
        facts: Facts,
        restored_after: str | None,
    ) -> None:
        self._tasks = tasks
        self._workspaces = workspaces
        self._facts = facts
        self._restored_after = restored_after

    async def adopt(self, auth: DaemonAuth) -> None:
        """Store what the daemon's journal has and the backup had not; under the workspace's lock.

        A hub that was never restored knows all its tasks, and those that it removed stay removed.
        """
        workspace = self._workspaces.workspace(auth.workspace_id)
        after = self._restored_after
        if after is None or workspace is None:
            return
        listed = {task.task_id for task in auth.tasks}
        newer = {each for each in listed if is_id("tsk", each) and each > after}
        unknown = sorted(newer - self._tasks.known_tasks(newer))[:MAX_ADOPTED]
        rows = [_row(task_id, workspace, auth.instance_id) for task_id in unknown]
        await asyncio.gather(*map(self._tasks.add_task, rows))
        for row in rows:
            logger.warning(
                "task made after the backup was found on its daemon; its command is not known",
                extra={"task": row.id, "workspace": row.workspace_id},
            )
            self._facts.task_changed(row)


def _row(task_id: str, workspace: WorkspaceRow, instance_id: str) -> TaskRow:
    """As if it had just been handed over: the daemon says next what became of it."""
    return TaskRow(
        id=task_id,
        workspace_id=workspace.id,
        command=UNKNOWN_COMMAND,
        args=[],
        cwd=".",
        env={},
        shell=False,
        tty=None,
        title=TITLE,
        timeout=None,
        on_spool_full="block",
        stdin="open",
        status=TaskStatus.PENDING,
        created_by=workspace.owner_id,
        created_at=min(unix_ms_of(task_id) * 1_000, now_us()),
        instance_id=instance_id,
    )
