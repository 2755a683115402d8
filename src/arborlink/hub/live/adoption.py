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
from arborlink.protocol.errors import TooManyRequests
from arborlink.protocol.ids import is_id, unix_ms_of
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import DaemonAuth

# Of one handshake, which has to end in time: more than run in a workspace. The next one goes on.
MAX_ADOPTED: Final = 32
UNKNOWN_COMMAND: Final = "(unknown)"
# How far ahead of this hub's clock an id may be, in µs: the hub before may have had another. Lists
# are in the order of the ids, so that a daemon could put what it likes at their top.
CLOCK_TOLERANCE_US: Final = 300 * 1_000_000
TITLE: Final = "found on the daemon after the hub was restored from a backup"

logger = logging.getLogger(__name__)


class Adoption:
    """`restored_after`: the newest task of the backup; None: this hub is not from one.

    `unfinished_limit`: of an account's tasks, with those that are found, as many may be unfinished.
    """

    def __init__(
        self,
        tasks: TaskStore,
        workspaces: WorkspaceStore,
        facts: Facts,
        restored_after: str | None,
        *,
        unfinished_limit: int,
    ) -> None:
        self._tasks = tasks
        self._workspaces = workspaces
        self._facts = facts
        self._restored_after = restored_after
        self._unfinished_limit = unfinished_limit

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
        made = {each for each in newer if _made_at(each) <= now_us() + CLOCK_TOLERANCE_US}
        unknown = sorted(made - self._tasks.known_tasks(made))[:MAX_ADOPTED]
        rows = [_row(task_id, workspace, auth.instance_id) for task_id in unknown]
        await asyncio.gather(*map(self._add, rows))

    async def _add(self, row: TaskRow) -> None:
        about = {"task": row.id, "workspace": row.workspace_id}
        try:
            await self._tasks.add_task(row, limit=self._unfinished_limit)
        except TooManyRequests as error:
            logger.warning("a task found on its daemon cannot be stored: %s", error, extra=about)
            return
        logger.warning(
            "task made after the backup was found on its daemon; its command is not known",
            extra=about,
        )
        self._facts.task_changed(row)


def _made_at(task_id: str) -> int:
    return unix_ms_of(task_id) * 1_000


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
        created_at=min(_made_at(task_id), now_us()),
        instance_id=instance_id,
    )
