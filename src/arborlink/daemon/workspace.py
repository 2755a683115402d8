"""One workspace in the supervisor: journal, policy, and tasks from command to settled."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from arborlink.daemon import environment, processes, spawn
from arborlink.daemon.budget import Budget, SpoolLimits
from arborlink.daemon.console import say
from arborlink.daemon.executable import StartFailed
from arborlink.daemon.identity import Identity
from arborlink.daemon.journal import (
    Accepted,
    Ended,
    Journal,
    Resized,
    Settled,
    Started,
    Waiting,
)
from arborlink.daemon.loop import Loop
from arborlink.daemon.policy import POLICY_FILE, Policy, PolicyError, PolicyFile
from arborlink.daemon.recovery import recover
from arborlink.daemon.spool import Spool
from arborlink.daemon.syncer import Syncer
from arborlink.daemon.task import RunningTask, now_us
from arborlink.daemon.waiting import MAX_WAITING_TASKS, WaitingTasks
from arborlink.outputlog import LogError, OutputLog
from arborlink.protocol import limits
from arborlink.protocol.checksum import format_checksum
from arborlink.protocol.errors import RemoteProtocolError
from arborlink.protocol.lifecycle import Reason, TaskStatus, is_final
from arborlink.protocol.messages import Cancel, Command, Input, Resize, Status
from arborlink.protocol.resources import TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory

# Task ids become file names.
_USABLE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOG_ID_BYTES: Final = 16
# The connector has enough to do with so many bytes; then it is told of so many more at a time.
AHEAD_BYTES: Final = 2 * limits.MIB
NOTICE_BYTES: Final = 1 * limits.MIB


@dataclass(slots=True)
class TaskRecord:
    """What is known of a task. `spool` and `running` are there as long as they are of use.

    `output_end` counts for a task without a spool: it had none, or the hub has it all.
    """

    task_id: str
    status: Status
    spool: Spool | None = None
    running: RunningTask | None = None
    output_end: int = 0
    settled: bool = False
    sizes: SizeHistory = field(default_factory=SizeHistory)

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to it any more."""
        return is_final(self.status.status)


class Observer(Protocol):
    """Whoever tells the connector."""

    def task_known(self, workspace: Workspace, record: TaskRecord) -> None: ...

    def status_changed(self, workspace: Workspace, record: TaskRecord) -> None: ...

    def status_answered(self, workspace: Workspace, status: Status) -> None: ...

    def grown(self, workspace: Workspace, record: TaskRecord) -> None: ...

    def input_written(self, workspace: Workspace, record: TaskRecord) -> None: ...

    def resized(
        self, workspace: Workspace, record: TaskRecord, size: TerminalSizeChange
    ) -> None: ...

    def discard(self, fds: list[int]) -> None: ...

    def spared(self) -> Collection[int]: ...


class Workspace:
    """Tasks by id. What the hub asks for comes in by the methods named after it."""

    def __init__(
        self,
        identity: Identity,
        loop: Loop,
        syncer: Syncer,
        observer: Observer,
    ) -> None:
        """Recover what an earlier supervisor left.

        Raises:
            PolicyError: `arbor.toml` cannot be used.
            OSError: the disk refuses.
        """
        self.identity = identity
        self.loop = loop
        self.refusing: str | None = None
        # For tasks that never had a log: their zero bytes are never joined with others either.
        self.no_log_id = os.urandom(_LOG_ID_BYTES).hex()
        self.tasks: dict[str, TaskRecord] = {}
        self._waiting = WaitingTasks()
        self._syncer = syncer
        self._observer = observer
        self._folder = identity.folder
        self._spool_folder = self._folder / "spool"
        self._spool_folder.mkdir(mode=0o700, exist_ok=True)
        self._policy = PolicyFile(self._folder / POLICY_FILE)
        self._policy.current()
        self._budget = Budget(loop, self._spool_folder, self._spool_limits)
        self._boot_id = processes.boot_id()
        self._journal = Journal(self._folder / "journal")
        # Of those that waited when an earlier supervisor ended, what was not handed over again yet.
        self.never_started = {
            task_id for task_id, entry in self._journal.entries.items() if entry.never_started
        }
        self._recover()

    @property
    def id(self) -> str:
        """The workspace's."""
        return self.identity.workspace_id

    @property
    def running(self) -> list[RunningTask]:
        """Tasks that are not over."""
        return [task.running for task in self.tasks.values() if task.running is not None]

    @property
    def unsettled(self) -> list[TaskRecord]:
        """Tasks that the hub does not have the end of."""
        return [task for task in self.tasks.values() if not task.settled]

    # ── what the hub asks for ────────────────────────────────────────────────────────────────

    def start(self, command: Command) -> None:
        """Run a command; one that is known is answered with its status, and never run again."""
        known = self.tasks.get(command.task_id)
        if known is not None:
            self._answer_again(known)
            return
        if command.task_id in self._waiting:
            return
        if not _USABLE_ID.fullmatch(command.task_id):
            say("the hub sent a task with an unusable id", level="warning")
            text = "the task's id cannot be used as a file name"
            self._observer.status_answered(self, _not_started(command, Reason.START_FAILED, text))
            return
        if self.refusing is not None:
            self._refuse(_not_started(command, Reason.START_FAILED, self.refusing))
            return
        policy = self._allowed(command)
        if policy is None:
            return
        if self._waiting or len(self.running) >= policy.max_running_tasks:
            self._wait(command)
            self._start_waiting()
        else:
            self._start(command, policy)

    def feed(self, message: Input) -> None:
        """Input for a command; for one that is over it counts as read."""
        record, waiting = self.tasks.get(message.task_id), self._waiting.find(message.task_id)
        try:
            if record is not None and record.running is not None:
                record.running.feed(message)
            elif waiting is not None:
                waiting.receive(message)
        except RemoteProtocolError as error:
            say(
                f"{message.task_id}: input refused: {error}",
                level="warning",
                workspace=self.id,
                task=message.task_id,
            )
        if record is not None:
            self._observer.input_written(self, record)

    def resize(self, message: Resize) -> None:
        """A terminal has another size."""
        record = self.tasks.get(message.task_id)
        if record is None or record.running is None:
            return
        change = record.running.resize(message.cols, message.rows)
        if change is not None:
            self._note_size(record, change)

    def cancel(self, message: Cancel) -> None:
        """End a task; one that is over is answered with its status, one never seen never starts."""
        record = self.tasks.get(message.task_id)
        if record is None:
            self._waiting.remove(message.task_id)
            if _USABLE_ID.fullmatch(message.task_id):
                self._refuse(_never_started(message.task_id))
        elif record.running is not None:
            record.running.cancel(message.grace_seconds)
        else:
            self._answer_again(record)

    def acknowledged(self, task_id: str, offset: int, *, settled: bool) -> None:
        """The hub has the output below `offset`, and perhaps the end of the task, for good."""
        record = self.tasks.get(task_id)
        if record is None:
            return
        if record.running is not None:
            record.running.acknowledged(offset)
        elif record.spool is not None:
            record.spool.acknowledge(offset)
        if record.spool is not None and record.spool.announced < record.spool.end:
            self._observer.grown(self, record)
        if settled and record.is_final and not record.settled:
            self._settle(record)

    def incomplete(self, task_id: str) -> None:
        """The hub has a gap where we have none: our checksum would not be its."""
        record = self.tasks.get(task_id)
        if record is None:
            return
        if record.spool is not None:
            record.spool.complete = False
        if record.is_final and record.status.checksum is not None:
            self._set_status(record, _without_checksum(record.status))

    # ── what happens to the tasks ────────────────────────────────────────────────────────────

    def cancel_all(self, grace_seconds: float) -> None:
        """End every task."""
        for task in self.running:
            task.cancel(grace_seconds)

    def reaped(self, pid: int, exit_code: int) -> bool:
        """A child has died; whether it was a task's first process."""
        for task in self.running:
            if task.tree.pid == pid:
                task.reaped(exit_code)
                return True
        return False

    def spared(self) -> Collection[int]:
        """Process ids that belong to no task."""
        return self._observer.spared()

    def on_grown(self, task: RunningTask) -> None:
        """There is more output. While much of it is on its way, news of a little can wait.

        It waits for the next acknowledgement, or for the end.
        """
        spool = task.spool
        if (
            spool.announced - spool.acked < AHEAD_BYTES
            or spool.end - spool.announced >= NOTICE_BYTES
        ):
            self._observer.grown(self, self.tasks[task.task_id])

    def on_input_written(self, task: RunningTask) -> None:
        """Input has reached the command."""
        record = self.tasks.get(task.task_id)
        if record is not None:
            self._observer.input_written(self, record)

    def on_ended(self, task: RunningTask, status: Status) -> None:
        """A task is over, and its output durable, here or at the hub."""
        record = self.tasks[task.task_id]
        record.running = None
        record.output_end = task.spool.end
        task.spool.policy = "block"  # nothing more is written, hence nothing dropped
        task.spool.seal()
        self._observer.grown(self, record)
        self._set_status(record, status)
        self._start_waiting()

    def discard(self, fds: list[int]) -> None:
        """Read these and throw it away."""
        self._observer.discard(fds)

    def close(self) -> None:
        """Close everything; tasks that still run become `lost` at the next start."""
        for record in self.tasks.values():
            if record.spool is not None and not record.spool.is_syncing:
                record.spool.close()
        self._journal.sync()
        self._journal.close()

    # ── in here ──────────────────────────────────────────────────────────────────────────────

    def _recover(self) -> None:
        for found in recover(self._journal, self._spool_folder, self._boot_id):
            spool = None
            if found.log is not None:
                spool = Spool(found.stem, found.log, self.loop, self._syncer, budget=self._budget)
                spool.seal()
            self.tasks[found.task_id] = TaskRecord(
                found.task_id,
                found.status,
                spool=spool,
                output_end=found.status.final_offset or 0,
                settled=found.settled,
                sizes=found.sizes,
            )

    def _allowed(self, command: Command) -> Policy | None:
        """The policy under which a command may run; None: it was refused.

        One reading of the file counts from this check to the start.
        """
        try:
            policy = self._policy.current()
            refusal = policy.refusal(command)
        except PolicyError as error:
            say(str(error), level="error")
            policy, refusal = Policy(), "its policy file cannot be read, so nothing is allowed"
        if refusal is None:
            return policy
        text = f"the daemon refused: {refusal}"
        self._refuse(_not_started(command, Reason.POLICY, text))
        return None

    def _wait(self, command: Command) -> None:
        if self._waiting.is_full:
            text = f"{MAX_WAITING_TASKS} tasks wait for their turn on this machine already"
            self._refuse(_not_started(command, Reason.POLICY, f"the daemon refused: {text}"))
            return
        self._journal.append(Waiting(command.task_id))
        self._waiting.add(command)

    def _start_waiting(self) -> None:
        """Start as many as may run now, in the order in which they came."""
        while self.refusing is None and (first := self._waiting.first) is not None:
            policy = self._allowed(first.command)
            if policy is not None and len(self.running) >= policy.max_running_tasks:
                return
            self._waiting.remove(first.command.task_id)
            if policy is not None:
                self._start(first.command, policy)
            self.feed(first.input)

    def _start(self, command: Command, policy: Policy) -> None:
        """In this order: log, journal (durable), processes, journal, the news."""
        log_id = os.urandom(_LOG_ID_BYTES).hex()
        stem = self._spool_folder / command.task_id
        try:
            log = OutputLog.create(stem, log_id)
            self._journal.append_durably(Accepted(command, log_id))
            self.never_started.discard(command.task_id)
        except (OSError, LogError) as error:
            OutputLog.delete(stem)
            text = f"the daemon's disk refused it: {error}"
            self._refuse(_not_started(command, Reason.START_FAILED, text))
            return
        try:
            child = self._spawn(command, policy)
        except StartFailed as error:
            log.close()
            OutputLog.delete(stem)
            self._refuse(_not_started(command, error.reason, str(error), error.exit_code))
            return
        spool = Spool(
            stem,
            log,
            self.loop,
            self._syncer,
            policy=command.on_spool_full,
            cap_bytes=policy.spool_bytes_per_task,
            budget=self._budget,
        )
        status = Status(
            task_id=command.task_id, status=TaskStatus.RUNNING, at=now_us(), log_id=log_id
        )
        record = TaskRecord(command.task_id, status, spool=spool)
        self.tasks[command.task_id] = record
        self._journal.append(Started(command.task_id, child.tree, self._boot_id, status.at or 0))
        run_seconds = min(command.timeout or float("inf"), policy.max_run_seconds or float("inf"))
        record.running = RunningTask(self, command, child, spool, run_seconds)
        record.sizes = record.running.sizes
        for size in record.sizes.items:
            self._journal.append(Resized(command.task_id, size))
        self._observer.task_known(self, record)

    def _note_size(self, record: TaskRecord, size: TerminalSizeChange) -> None:
        # A supervisor that restarts knows the sizes from the journal; of a list that is full each
        # further size replaces the last, and a journal is only appended to.
        if len(record.sizes) < limits.MAX_TERMINAL_SIZES:
            self._journal.append(Resized(record.task_id, size))
        self._observer.resized(self, record, size)

    def _spawn(self, command: Command, policy: Policy) -> spawn.Child:
        argv = spawn.argv_of(command)
        restriction = policy.restriction()
        variables = environment.build(
            os.environ,
            command.env,
            terminal=command.tty is not None,
            workspace=self.identity.path if restriction is not None else None,
        )
        return spawn.start(command, argv, self.identity.path, variables, restriction)

    def _spool_limits(self) -> SpoolLimits:
        try:
            policy = self._policy.current()
        except PolicyError:
            policy = Policy()
        return SpoolLimits(total=policy.spool_bytes, min_free=policy.spool_min_free_bytes)

    def _refuse(self, status: Status) -> None:
        """A task that ends before it began."""
        self._journal.append(Ended(status))
        self.never_started.discard(status.task_id)
        record = TaskRecord(status.task_id, status)
        self.tasks[status.task_id] = record
        self._observer.task_known(self, record)

    def _set_status(self, record: TaskRecord, status: Status) -> None:
        record.status = status
        self._journal.append(Ended(status))
        self._journal.sync()
        self._observer.status_changed(self, record)

    def _settle(self, record: TaskRecord) -> None:
        record.settled = True
        record.sizes = SizeHistory()
        self._journal.append(Settled(record.task_id))
        if record.spool is not None:
            record.spool.discard()
            record.spool = None

    def _answer_again(self, record: TaskRecord) -> None:
        if record.settled:
            # The hub had forgotten it. What it had of the output is not here any more: a gap.
            record.settled = False
            record.status = _without_checksum(record.status)
            self._observer.task_known(self, record)
        else:
            self._observer.status_changed(self, record)


def _not_started(
    command: Command, reason: Reason, error: str, exit_code: int | None = None
) -> Status:
    return Status(
        task_id=command.task_id,
        status=TaskStatus.FAILED,
        reason=reason,
        error=error[: limits.MAX_PATH_CHARS],
        exit_code=exit_code,
        final_offset=0,
        checksum=format_checksum(0),
        at=now_us(),
        input_read=0,
    )


def _never_started(task_id: str) -> Status:
    return Status(
        task_id=task_id,
        status=TaskStatus.CANCELLED,
        reason=Reason.CANCELLED,
        final_offset=0,
        checksum=format_checksum(0),
        at=now_us(),
        input_read=0,
    )


def _without_checksum(status: Status) -> Status:
    return msgspec.structs.replace(status, checksum=None)
