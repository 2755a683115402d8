"""What people and programs do with tasks: create, look, cancel, run again, write to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from msgspec import structs

from arborlink.hub.access import Identity, Visibility
from arborlink.hub.access.open_requests import OpenRequests
from arborlink.hub.live import log_lines
from arborlink.hub.live.adoption import UNKNOWN_COMMAND
from arborlink.hub.live.clock import new_id, now_us
from arborlink.hub.live.dispatcher import Dispatcher
from arborlink.hub.live.facts import Facts
from arborlink.hub.live.inputs import Inputs
from arborlink.hub.live.presence import Presence, going_down
from arborlink.hub.live.reserve import Reserve
from arborlink.hub.live.uninterrupted import uninterrupted
from arborlink.hub.service.checks import check_task
from arborlink.hub.service.ports import TaskListing
from arborlink.hub.service.removing import TaskRemoval
from arborlink.hub.service.shares import Shares
from arborlink.hub.store.base import (
    IdempotencyKey,
    TaskChanges,
    TaskQuery,
    TaskRequest,
    TaskRow,
    TaskStore,
)
from arborlink.protocol import limits
from arborlink.protocol.errors import (
    Conflict,
    NotFound,
    TooManyRequests,
    WorkspaceUnreachable,
)
from arborlink.protocol.lifecycle import Reason, TaskEvent, TaskStatus, is_final
from arborlink.protocol.messages import Cancel
from arborlink.protocol.resources import NewTask, NewTerminal, StandardInput, Task, Terminal

DEFAULT_EXPIRY_SECONDS = 86_400.0
QUEUE_RETRY_SECONDS = 10.0
# Of tasks, at a time. A quarter of what may wait, so that no user keeps all others from searching.
SEARCHES_PER_USER = 8
# Of variables, in an error.
SHOWN_NAMES = 8


class Tasks:
    """Every method takes who asks, and shows somebody else's task as not found."""

    def __init__(
        self,
        tasks: TaskStore,
        visibility: Visibility,
        presence: Presence,
        dispatcher: Dispatcher,
        inputs: Inputs,
        facts: Facts,
        requests: OpenRequests,
        *,
        queue_limit: int = limits.QUEUED_TASKS_PER_WORKSPACE,
        user_queue_limit: int,
        keys_limit: int,
        command_limit: int = limits.TASK_COMMAND_BYTES,
        unfinished_limit: int | None = None,
        reserve: Reserve | None = None,
        removal: TaskRemoval,
    ) -> None:
        self._tasks = tasks
        self._visibility = visibility
        self._presence = presence
        self._dispatcher = dispatcher
        self._inputs = inputs
        self._facts = facts
        self._requests = requests
        self._queue_limit = queue_limit
        self._user_queue_limit = user_queue_limit
        self._keys_limit = keys_limit
        self._searches = Shares(SEARCHES_PER_USER)
        self._command_limit = command_limit
        self._unfinished_limit = unfinished_limit
        self._reserve = reserve
        self._removal = removal

    # ── looking ──────────────────────────────────────────────────────────────────────────────

    def may_see(self, identity: Identity, workspace_id: str) -> bool:
        """Whether the workspace exists for this principal."""
        try:
            self._visibility.workspace(identity, workspace_id)
        except NotFound:
            return False
        return True

    def might_see(self, identity: Identity, workspace_id: str, owner_id: str) -> bool:
        """Return whether a workspace that was deleted existed for this principal."""
        return self._visibility.may_see_owned(identity, workspace_id, owner_id)

    def visible(self, identity: Identity, task_id: str) -> TaskRow:
        """The task's row. Raises NotFound, NotAllowed."""
        row = self._visibility.task(identity, task_id)
        identity.require("tasks:read", row.workspace_id)
        return row

    def operable(self, identity: Identity, task_id: str) -> TaskRow:
        """The row of a task that the principal may type into. Raises NotFound, NotAllowed."""
        row = self.visible(identity, task_id)
        identity.require("tasks:write", row.workspace_id)
        return row

    def visible_workspaces(
        self, identity: Identity, workspace_id: str, wildcard: str
    ) -> Sequence[str]:
        """Return the id of one workspace, or with `wildcard` of all there are for the principal.

        Raises:
            NotFound: no such workspace.
        """
        identity.require("tasks:read")
        if workspace_id == wildcard:
            return self._visibility.workspace_ids(identity)
        return [self._visibility.workspace(identity, workspace_id).id]

    def unfinished(self, workspace_id: str) -> list[TaskRow]:
        """The workspace's tasks that are not over."""
        return self._tasks.unfinished_tasks(workspace_id)

    def get(self, identity: Identity, task_id: str) -> Task:
        """Return the task with all of what was asked for. Raises NotFound, NotAllowed."""
        row = self.visible(identity, task_id)
        return self._facts.whole_task(row, self._tasks.task_request(row.id))

    def shown(self, identity: Identity, task_id: str) -> Task:
        """Return the task as lists have it. Raises NotFound, NotAllowed."""
        return self._facts.task(self.visible(identity, task_id))

    async def list(self, identity: Identity, query: TaskQuery) -> TaskListing:
        """Return tasks that the principal may see, newest first. Raises as `TaskStore.tasks`."""
        identity.require("tasks:read")
        narrowed = self._visibility.narrow(identity, query)
        with self._searches.place(identity.user_id) if query.search else nullcontext():
            found = await self._tasks.tasks(narrowed)
        return TaskListing([self._facts.task(row) for row in found.rows], found.has_more)

    # ── doing ────────────────────────────────────────────────────────────────────────────────

    async def create(
        self,
        identity: Identity,
        workspace_id: str,
        new: NewTask,
        *,
        idempotency: IdempotencyKey | None = None,
    ) -> Task:
        """Run a command, now or when its turn comes; with `ifOffline: fail`, if its daemon is here
        or comes back within the grace that one has which was here a moment ago.

        Raises:
            InvalidInput: the request cannot be run as it is.
            NotFound: no such workspace.
            WorkspaceUnreachable: its daemon is away and the request does not want to wait.
            NotAuthenticated: the credential was revoked while it was waited for the daemon.
            TooManyRequests: as many tasks wait as may in this workspace, or of this user; or there
                are too many idempotency keys, or too many of the owner's tasks are not over (code
                `too_many_tasks`).
            Unavailable: the hub is going down, or its disk is low (`StorageLow`).
        """
        self._visibility.workspace(identity, workspace_id)
        identity.require("tasks:write", workspace_id)
        check_task(new, self._command_limit)
        # Before admission: a repeat gets its task although there may be no room for another.
        earlier = idempotency and self._tasks.repeated_task(idempotency, now_us())
        if earlier:
            return self._facts.task(earlier)
        if new.if_offline == "fail":
            with self._requests.open(identity, workspace_id) as opened:
                await self._presence.until_back(workspace_id)
                opened.check()
            # It may have another owner by now.
            self._visibility.workspace(identity, workspace_id)
        instance_id = self._admit(workspace_id, new, identity)
        row = _row(new, identity, workspace_id, instance_id)
        with self._dispatcher.adding(workspace_id, identity.user_id):
            stored = await self._tasks.add_task(
                row, idempotency, limit=self._unfinished_limit, keys_limit=self._keys_limit
            )
        if stored.id == row.id:
            log_lines.task_created(stored)
            self._inputs.relay(row.id)
            if instance_id is not None:
                await self._dispatcher.hand_over(stored)
                # Lets the command leave before the answer is made, which nobody runs sooner for.
                await asyncio.sleep(0)
            self._facts.task_changed(stored)
            if instance_id is None:
                await self._dispatcher.kick(workspace_id)
        return self._facts.task(self._tasks.task(stored.id) or stored)

    def _admit(self, workspace_id: str, new: NewTask, identity: Identity) -> str | None:
        if self._presence.draining():
            raise going_down()
        if self._reserve is not None:
            self._reserve.check()
        instance_id = self._dispatcher.instance_with_room(workspace_id)
        if instance_id is not None:
            return instance_id
        if new.if_offline == "fail" and self._presence.session(workspace_id) is None:
            raise WorkspaceUnreachable(
                "the workspace's daemon is not connected; start it there with 'arbor daemon', "
                'or send "ifOffline": "queue" to run the task when it is back'
            )
        if self._dispatcher.queued(workspace_id) >= self._queue_limit:
            raise TooManyRequests(
                f"{self._queue_limit} tasks wait in this workspace already; cancel some or wait",
                code="queue_full",
                retry_after=QUEUE_RETRY_SECONDS,
            )
        if self._dispatcher.queued_by(identity.user_id) >= self._user_queue_limit:
            raise TooManyRequests(
                f"{self._user_queue_limit} of your tasks wait already, in all workspaces; cancel "
                "some or wait",
                code="user_queue_full",
                retry_after=QUEUE_RETRY_SECONDS,
            )
        return None

    async def cancel(
        self, identity: Identity, task_id: str, grace_seconds: float | None = None
    ) -> Task:
        """End the task's whole process tree; a task that is over stays as it is."""
        row = self.operable(identity, task_id)
        if is_final(row.status):
            return self._facts.task(row)
        # Who asks may leave at once (Ctrl-C): the daemon is told nevertheless.
        return await uninterrupted(self._cancel(row, grace_seconds))

    async def _cancel(self, row: TaskRow, grace_seconds: float | None) -> Task:
        async with self._dispatcher.lock(row.workspace_id):
            row = self._tasks.task(row.id) or row
            if row.instance_id is None and not is_final(row.status):
                changes = TaskChanges(finished_at=now_us(), reason=Reason.CANCELLED)
                row = await self._tasks.transition_task(row.id, TaskEvent.CANCEL, changes)
                log_lines.task_ended(row)
                self._inputs.forget(row.id)
        if not is_final(row.status):
            row = await self._tasks.request_cancel(row.id)
            session = self._presence.session(row.workspace_id)
            if session is not None:
                grace = limits.DEFAULT_GRACE_SECONDS if grace_seconds is None else grace_seconds
                session.send(Cancel(task_id=row.id, grace_seconds=grace))
        self._facts.task_changed(row)
        return self._facts.task(row)

    async def rerun(
        self,
        identity: Identity,
        task_id: str,
        env: Mapping[str, str],
        *,
        stdin: StandardInput = "empty",
    ) -> Task:
        """Run a new task with the same request; `env` are values over those of its variables.

        Input is not stored, so the new task has none, unless `stdin` is open: then it waits for
        what is sent. A terminal is typed at again.

        Raises:
            Conflict: what it ran is not known (code `command_unknown`), or values of variables are
                forgotten and not in `env` (code `variables_forgotten`).
        And as `create` does.
        """
        row = self.visible(identity, task_id)
        if row.command == UNKNOWN_COMMAND:
            raise Conflict(
                "what this task ran is not known: the hub was restored from an older backup",
                code="command_unknown",
            )
        request = self._tasks.task_request(row.id)
        new = NewTask(
            command=request.command,
            args=request.args,
            cwd=row.cwd,
            env=_variables(request, env),
            shell=row.shell,
            tty=None if row.tty is None else NewTerminal(**structs.asdict(row.tty)),
            timeout=row.timeout,
            on_spool_full=row.on_spool_full,
            title=row.title,
            stdin=row.stdin if row.tty is not None else stdin,
            merge_stderr=row.merge_stderr,
        )
        return await self.create(identity, row.workspace_id, new)

    async def delete(self, identity: Identity, task_id: str) -> None:
        """Delete a task that is over, with its output.

        Raises:
            Conflict: it is not over (code `task_not_over`).
        """
        row = self.visible(identity, task_id)
        identity.require("tasks:write", row.workspace_id)
        if not await self._removal.remove(row, identity.user_id):
            raise Conflict(
                f"task {task_id} is not over: cancel it first, and delete it when it has ended",
                code="task_not_over",
            )

    async def write_input(
        self,
        identity: Identity,
        task_id: str,
        data: bytes,
        *,
        offset: int | None = None,
        eof: bool = False,
    ) -> int:
        """Write to the command's standard input; the offset it is accepted up to.

        Raises:
            Conflict: the task is over, or its input was closed or is empty by request.
            OffsetOutOfOrder, TooManyRequests, Unavailable: as `InputRelay.accept`, `Inputs.known`.
        """
        row = self.operable(identity, task_id)
        if is_final(row.status):
            raise Conflict(f"task {task_id} is over and takes no input", code="task_over")
        if row.stdin == "empty" and row.tty is None:
            raise Conflict("this task was started with an empty input", code="input_closed")
        if row.instance_id is None:
            self._inputs.relay(row.id)
        relay = self._inputs.known(row.id)
        message = relay.accept(offset, data, eof)
        if offset is not None and offset < relay.acked:
            # It was acknowledged while whoever repeats it was away, and would not be again: a
            # sender whose window is full of it would wait for ever.
            self._facts.input_acknowledged(row.workspace_id, row.id, relay.acked)
        session = self._presence.session(row.workspace_id)
        if message is not None and session is not None and row.instance_id is not None:
            session.send(message)
        return relay.end


def _variables(request: TaskRequest, given: Mapping[str, str]) -> dict[str, str]:
    missing = sorted(request.env.keys() - given.keys()) if request.is_forgotten else []
    if missing:
        names = ", ".join(missing[:SHOWN_NAMES])
        if len(missing) > SHOWN_NAMES:
            names += f" and {len(missing) - SHOWN_NAMES} more"
        raise Conflict(
            f"the values of this task's variables are forgotten, as it ended a while ago: {names}. "
            'Send them again, as "env", or start the command anew with them',
            code="variables_forgotten",
        )
    return {**request.env, **given}


def _row(new: NewTask, identity: Identity, workspace_id: str, instance_id: str | None) -> TaskRow:
    now = now_us()
    wait = new.expires_in if new.expires_in is not None else DEFAULT_EXPIRY_SECONDS
    return TaskRow(
        id=new_id("tsk"),
        workspace_id=workspace_id,
        command=new.command,
        args=new.args,
        cwd=new.cwd,
        env=new.env,
        shell=new.shell,
        tty=None if new.tty is None else Terminal(**structs.asdict(new.tty)),
        title=new.title,
        timeout=new.timeout,
        on_spool_full=new.on_spool_full,
        stdin=new.stdin,
        merge_stderr=new.merge_stderr,
        status=TaskStatus.PENDING,
        created_by=identity.user_id,
        created_at=now,
        expires_at=now + round(wait * 1_000_000),
        instance_id=instance_id,
    )
