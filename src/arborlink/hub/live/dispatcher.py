"""Hands waiting tasks to connected daemons, oldest first, as the workspace's limit allows."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from arborlink.hub.live import log_lines
from arborlink.hub.live.clock import now_us
from arborlink.hub.live.daemon_session import DaemonSession
from arborlink.hub.live.facts import Facts
from arborlink.hub.live.inputs import Inputs
from arborlink.hub.live.presence import Presence
from arborlink.hub.live.reserve import Reserve
from arborlink.hub.store.base import TaskChanges, TaskRequest, TaskRow, TaskStore
from arborlink.protocol.errors import ArborError
from arborlink.protocol.lifecycle import Reason, TaskEvent, TaskStatus
from arborlink.protocol.messages import Cancel, Command

EXPIRY_CHECK_SECONDS = 1.0
# Of one round; the others are given up in the next ones.
EXPIRED_AT_ONCE = 256

HANDED_OVER = (
    "Another daemon took this workspace over before the task was started. It was meant for the "
    "machine before, so it was not sent. Run it again if it is for this one as well."
)

logger = logging.getLogger(__name__)


class Dispatcher:
    """A task is recorded as handed over (durably) before its command is sent: design rule 4."""

    def __init__(
        self,
        tasks: TaskStore,
        presence: Presence,
        inputs: Inputs,
        facts: Facts,
        *,
        running_limit: int,
        reserve: Reserve | None = None,
    ) -> None:
        self._tasks = tasks
        self._presence = presence
        self._inputs = inputs
        self._facts = facts
        self._running_limit = running_limit
        self._reserve = reserve
        # Only those that somebody holds or waits for.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # By workspaces, and by the users whose tasks they are.
        self._adding: Counter[str] = Counter()

    def lock(self, workspace_id: str) -> asyncio.Lock:
        """Held while waiting tasks of the workspace are handed over or taken back."""
        return self._locks.setdefault(workspace_id, asyncio.Lock())

    @contextmanager
    def adding(self, workspace_id: str, user_id: str) -> Iterator[None]:
        """Count a task that is about to be stored, so that many at once keep to the limits."""
        keys = (workspace_id, user_id)
        self._adding.update(keys)
        try:
            yield
        finally:
            for key in keys:
                self._adding[key] -= 1
                if not self._adding[key]:
                    del self._adding[key]

    def queued(self, workspace_id: str) -> int:
        """Tasks that wait, or may have to."""
        return self._tasks.task_counts(workspace_id).queued + self._adding[workspace_id]

    def queued_by(self, user_id: str) -> int:
        """Tasks of a user that wait in any workspace, or may have to."""
        return self._tasks.queued_by(user_id) + self._adding[user_id]

    def instance_with_room(self, workspace_id: str) -> str | None:
        """The supervisor instance that can take a task of this workspace now; None if none can."""
        session = self._presence.session(workspace_id)
        if session is None or not self._may_start():
            return None
        counts = self._tasks.task_counts(workspace_id)
        adding = self._adding[workspace_id]
        if counts.queued or counts.dispatched + adding >= self._running_limit:
            return None
        return session.instance_id

    async def hand_over(self, row: TaskRow) -> None:
        """Send a task that was just recorded as handed to `row.instance_id`.

        The daemon may have gone or been restarted while that was recorded. The command was never
        sent, so it is safe to let it wait for whoever comes.
        """
        if self._is_for_present_daemon(row):
            self.send(row)
            return
        async with self.lock(row.workspace_id):
            await self._take_back(row)
        await self.kick(row.workspace_id)

    def _may_start(self) -> bool:
        low = self._reserve is not None and self._reserve.is_low
        return not low and not self._presence.draining()

    def _is_for_present_daemon(self, row: TaskRow) -> bool:
        session = self._presence.session(row.workspace_id)
        return session is not None and session.instance_id == row.instance_id

    async def _take_back(self, row: TaskRow) -> None:
        """Let a task wait again whose command was never sent; under the workspace's lock."""
        now = self._tasks.task(row.id)
        if now is not None and (now.status, now.instance_id) == (row.status, row.instance_id):
            await self._tasks.dispatch_task(row.id, None)

    async def wait_again(self, row: TaskRow) -> None:
        """Let a task wait again that its daemon says was never started; under the workspace's lock.

        One that is to be cancelled is cancelled instead.
        """
        if not row.cancel_requested:
            self._facts.task_changed(await self._tasks.dispatch_task(row.id, None))
            return
        changes = TaskChanges(finished_at=now_us(), reason=Reason.CANCELLED)
        changed = await self._tasks.transition_task(row.id, TaskEvent.CANCEL, changes)
        log_lines.task_ended(changed)
        self._inputs.forget(row.id)
        self._facts.task_changed(changed)

    def send(self, row: TaskRow) -> None:
        """Send the command, what was asked of the task meanwhile, and its input so far."""
        session = self._presence.session(row.workspace_id)
        if session is None:
            return
        session.send(_command(row, self._tasks.task_request(row.id)))
        for message in self._inputs.relay(row.id).resume(0):
            session.send(message)
        if row.cancel_requested:
            session.send(Cancel(task_id=row.id))

    async def kick(self, workspace_id: str) -> None:
        """Hand over as many waiting tasks as the daemon may take."""
        async with self.lock(workspace_id):
            await self.expire_handed_over(workspace_id)
            # Whether one may start is known without reading the queue, which may be long.
            while (session := self._session_with_room(workspace_id)) is not None:
                row = self._tasks.next_waiting_task(workspace_id)
                if row is None:
                    return
                handed = await self._tasks.dispatch_task(row.id, session.instance_id)
                if not self._is_for_present_daemon(handed):
                    await self._take_back(handed)
                    return  # whoever came meanwhile is given its tasks by its own handshake
                self.send(handed)

    def _session_with_room(self, workspace_id: str) -> DaemonSession | None:
        session = self._presence.session(workspace_id)
        if session is None or not self._may_start():
            return None
        counts = self._tasks.task_counts(workspace_id)
        return session if counts.dispatched < self._running_limit else None

    async def expire_for_ever(self) -> None:
        """Give up tasks that waited longer than they wanted to, until cancelled."""
        while True:
            await asyncio.sleep(EXPIRY_CHECK_SECONDS)
            try:
                await self.expire()
            except ArborError as error:
                # A full disk, say. The hub goes on, and so does the next round.
                logger.error("waiting tasks could not be given up: %s", error)

    async def expire(self) -> None:
        """Give up tasks that waited longer than they wanted to."""
        for row in self._tasks.expired_tasks(now_us(), EXPIRED_AT_ONCE):
            async with self.lock(row.workspace_id):
                row = self._tasks.task(row.id) or row
                if row.status is TaskStatus.PENDING and row.instance_id is None:
                    error = "The workspace's daemon did not come back in time."
                    await self._expire(row, Reason.EXPIRED, error)

    async def expire_handed_over(self, workspace_id: str) -> None:
        """Give up what waits and was meant for an earlier daemon; under the workspace's lock.

        Its variables may hold secrets of that machine, and the command may fit no other one.
        """
        for row in self._tasks.handed_over_tasks(workspace_id):
            if row.status is TaskStatus.PENDING and row.instance_id is None:
                await self._expire(row, Reason.DAEMON_REPLACED, HANDED_OVER)

    async def _expire(self, row: TaskRow, reason: Reason, error: str) -> None:
        changes = TaskChanges(finished_at=now_us(), reason=reason, error=error)
        changed = await self._tasks.transition_task(row.id, TaskEvent.EXPIRE, changes)
        log_lines.task_ended(changed)
        self._inputs.forget(row.id)
        self._facts.task_changed(changed)


def _command(row: TaskRow, request: TaskRequest) -> Command:
    return Command(
        task_id=row.id,
        command=request.command,
        args=request.args,
        cwd=row.cwd,
        env=request.env,
        shell=row.shell,
        tty=row.tty,
        timeout=row.timeout,
        on_spool_full=row.on_spool_full,
        stdin=row.stdin,
        merge_stderr=row.merge_stderr,
    )
