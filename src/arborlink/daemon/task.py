"""One running task: its processes, its output, its input, and how it came to its end."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from typing import Final, Protocol

from arborlink.daemon.ending import TreeEnding
from arborlink.daemon.feeder import InputFeeder
from arborlink.daemon.loop import Loop, Timer
from arborlink.daemon.pump import OutputPump
from arborlink.daemon.spawn import Child
from arborlink.daemon.spool import Spool
from arborlink.protocol import limits
from arborlink.protocol.lifecycle import Reason, TaskStatus
from arborlink.protocol.messages import Command, Input, Status
from arborlink.protocol.resources import TerminalSize, TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory, same_size

HELD_NOTE: Final = (
    "a background process still holds the output; what it writes from now on is not kept"
)
SURVIVORS_NOTE: Final = "processes that could not be ended: {}"


class TaskOwner(Protocol):
    """What a task needs of whoever runs it."""

    loop: Loop

    def spared(self) -> Collection[int]:
        """Process ids that belong to no task."""

    def on_grown(self, task: RunningTask) -> None:
        """There is more output, or it may be sent further."""

    def on_input_written(self, task: RunningTask) -> None:
        """`task.input_offset` has advanced."""

    def on_ended(self, task: RunningTask, status: Status) -> None:
        """It is over; all of its output is durable, in the spool or at the hub."""

    def discard(self, fds: list[int]) -> None:
        """Read these and throw it away, lest a background process dies of SIGPIPE."""


class RunningTask:
    """From the start of the processes to the final status, which is reported once.

    The end is reported when the first process was waited for, the output is over, and no ending of
    the tree is under way.
    """

    def __init__(
        self, owner: TaskOwner, command: Command, child: Child, spool: Spool, run_seconds: float
    ) -> None:
        self.task_id = command.task_id
        self.spool = spool
        self.tree = child.tree
        self._owner = owner
        self._exit: int | None = None
        self._why: TaskStatus | Reason | None = None
        self._note: str | None = None
        self._ending: TreeEnding | None = None
        self._finishing = False
        self._pump = OutputPump(
            owner.loop,
            spool,
            child.outputs,
            on_grown=lambda: owner.on_grown(self),
            on_full=self._on_spool_full,
            on_over=self._maybe_finish,
        )
        self._feeder = InputFeeder(
            owner.loop,
            child.stdin,
            path=child.terminal,
            on_written=lambda: owner.on_input_written(self),
        )
        self.sizes = SizeHistory()
        if command.tty is not None:
            self.sizes.add(size_change(command.tty, 0, 0))
        self._run_seconds = run_seconds
        self._timeout: Timer | None = None
        if run_seconds < float("inf"):
            self._timeout = owner.loop.call_later(run_seconds, self._on_timeout)

    @property
    def input_offset(self) -> int:
        """Input below this was written."""
        return self._feeder.written

    def feed(self, message: Input) -> None:
        """Input from the hub.

        Raises:
            RemoteProtocolError: as for `InputFeeder.receive`.
        """
        self._feeder.receive(message.offset, message.input, eof=message.eof)

    def resize(self, cols: int, rows: int) -> TerminalSizeChange | None:
        """Give the terminal another size; None if it has that, or there is no terminal.

        What the command has written before is read first, so that the offset is where the size
        begins to count: nothing before it was written at this size. Of a command that floods, some
        KiB that the kernel holds may follow that were written at the one before.
        """
        size = TerminalSize(cols=cols, rows=rows)
        if self.sizes.last is None or same_size(self.sizes.last, size):
            return None
        self._pump.read_waiting()
        if not self._feeder.resize(size.cols, size.rows):
            return None
        change = size_change(size, self.spool.end, self._pump.time_us())
        return change if self.sizes.add(change) else None

    def acknowledged(self, offset: int) -> None:
        """The hub has the output below `offset` for good."""
        self.spool.acknowledge(offset)
        self._pump.resume()

    def cancel(self, grace_seconds: float) -> None:
        """End the tree; the status will be `cancelled`."""
        self._end_tree(TaskStatus.CANCELLED, grace_seconds)

    def reaped(self, exit_code: int) -> None:
        """The first process is dead; negative: the signal that killed it."""
        self._exit = exit_code
        if self._timeout is not None:
            self._timeout.cancel()
        self._feeder.close()
        self._pump.exited()
        self.somebody_died()
        self._maybe_finish()

    def somebody_died(self) -> None:
        """Perhaps the last process that an ending waits for."""
        if self._ending is not None:
            self._ending.look()

    def _on_timeout(self) -> None:
        self._note = f"It was allowed to run for {self._run_seconds:g} s."
        self._end_tree(Reason.TIMEOUT, limits.DEFAULT_GRACE_SECONDS)

    def _on_spool_full(self) -> None:
        self._end_tree(Reason.SPOOL_FULL, 0.0)

    def _end_tree(self, why: TaskStatus | Reason, grace_seconds: float) -> None:
        if self._finishing:
            return
        if self._ending is not None:
            self._ending.hurry(grace_seconds)
            return
        self._why = why
        self._ending = TreeEnding(
            self._owner.loop,
            self.tree,
            grace_seconds=grace_seconds,
            spare=self._owner.spared,
            on_gone=self._on_gone,
        )

    def _on_gone(self, survivors: int) -> None:
        if survivors:
            self._note = SURVIVORS_NOTE.format(survivors)
        # Nobody is left who could write more: what is in the pipes may exceed the cap.
        self.spool.allow_leftovers()
        self._pump.resume()
        self._maybe_finish()

    def _maybe_finish(self) -> None:
        ending = self._ending
        if self._finishing or self._exit is None or not self._pump.is_over:
            return
        if ending is not None and not ending.is_gone:
            return
        self._finishing = True
        if self._pump.held:
            self._note = self._note or HELD_NOTE
            self._owner.discard(self._pump.take_held())
        self.spool.when_synced(self._report)

    def _report(self) -> None:
        assert self._exit is not None
        self._owner.on_ended(self, self._status(self._exit))

    def _status(self, exit_code: int) -> Status:
        status, reason = _judge(self._why, exit_code)
        return Status(
            task_id=self.task_id,
            status=status,
            reason=reason,
            exit_code=exit_code if exit_code >= 0 else None,
            signal=-exit_code if exit_code < 0 else None,
            error=self._note,
            final_offset=self.spool.end,
            checksum=self.spool.checksum,
            at=now_us(),
            log_id=self.spool.log_id,
            input_read=self._feeder.read,
        )


def _judge(why: TaskStatus | Reason | None, exit_code: int) -> tuple[TaskStatus, Reason | None]:
    if why is TaskStatus.CANCELLED:
        return TaskStatus.CANCELLED, Reason.CANCELLED
    if isinstance(why, Reason):
        return TaskStatus.FAILED, why
    if exit_code == 0:
        return TaskStatus.COMPLETED, None
    return TaskStatus.FAILED, Reason.EXIT_CODE if exit_code > 0 else Reason.SIGNAL


def size_change(size: TerminalSize, offset: int, time_us: int) -> TerminalSizeChange:
    """Return a size as of an offset and a time in µs since the task's start."""
    return TerminalSizeChange(cols=size.cols, rows=size.rows, offset=offset, time=time_us)


def now_us() -> int:
    """µs since 1970, for people; nothing is decided by it."""
    return time.time_ns() // 1000


def reap() -> list[tuple[int, int]]:
    """All children that have died: process id, and exit code or negative signal."""
    dead: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return dead
        if pid == 0:
            return dead
        dead.append((pid, os.waitstatus_to_exitcode(status)))
