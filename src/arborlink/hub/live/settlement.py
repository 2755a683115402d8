"""What daemons report of tasks: starts, ends, and when an end may be believed (design rule 3).

A task is over only when the hub has every byte of it for good and the checksums agree.
"""

from __future__ import annotations

import logging
from typing import Final

from arborlink.hub.live import log_lines
from arborlink.hub.live.clock import now_us
from arborlink.hub.live.facts import Facts
from arborlink.hub.live.flusher import Flusher
from arborlink.hub.live.inputs import Inputs
from arborlink.hub.live.output import TaskOutput
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.live.uninterrupted import uninterrupted
from arborlink.hub.store.base import TaskChanges, TaskRow, TaskStore
from arborlink.outputlog import LogError
from arborlink.protocol.checksum import format_checksum
from arborlink.protocol.lifecycle import EVENT_FOR, Reason, TaskEvent, TaskStatus, is_final
from arborlink.protocol.messages import Status

logger = logging.getLogger(__name__)

# Clocks that are synchronized differ by less, and so does what is on its way for a moment.
SAME_TIME_US: Final = 1_000_000


class Settlement:
    """Turns a daemon's reports into transitions."""

    def __init__(
        self, tasks: TaskStore, outputs: Outputs, inputs: Inputs, flusher: Flusher, facts: Facts
    ) -> None:
        self._tasks = tasks
        self._outputs = outputs
        self._inputs = inputs
        self._flusher = flusher
        self._facts = facts

    async def started(self, row: TaskRow, report: Status) -> None:
        """The command is running."""
        if row.status is TaskStatus.PENDING:
            await uninterrupted(self._started(row, report))

    async def _started(self, row: TaskRow, report: Status) -> None:
        started_at = happened_at(report, row.created_at, now_us())
        changes = TaskChanges(
            started_at=started_at,
            reported_started_at=_unless_same(report.at, started_at),
            log_id=report.log_id,
        )
        self._facts.task_changed(
            await self._tasks.transition_task(row.id, TaskEvent.START, changes)
        )
        self._facts.workspace_changed(row.workspace_id)

    def ended(self, row: TaskRow, report: Status) -> TaskOutput:
        """The command is over; whether the task is, `ready` says once everything is on disk."""
        output = self._outputs.get(row.id)
        output.ending = report
        output.ending_heard_at = now_us()
        if output.writer is not None:
            self._flusher.hurry(output)
        return output

    def ready(self, output: TaskOutput) -> bool:
        """Whether the reported end can be stored now."""
        report = output.ending
        if report is None or output.is_shortening:
            return False
        final = report.final_offset or 0
        return output.stream.end > final or output.stream.durable >= final

    async def settle(self, output: TaskOutput) -> TaskRow | None:
        """Store the end. A repeat of an end that is stored changes nothing."""
        return await uninterrupted(self._settle(output))

    async def _settle(self, output: TaskOutput) -> TaskRow | None:
        report = output.ending
        row = self._tasks.task(output.task_id)
        if report is None or row is None:
            return row
        if not is_final(row.status):
            event, changes = _verdict(report, row, output)
            row = await self._tasks.transition_task(row.id, event, changes)
            log_lines.task_ended(row)
        output.close_writer()
        self._inputs.forget(row.id)
        self._facts.task_changed(row)
        self._facts.workspace_changed(row.workspace_id)
        self._outputs.release(row.id)
        return row

    async def lose(self, row: TaskRow, reason: Reason, error: str) -> None:
        """The task's fate can never be known."""
        await uninterrupted(self._lose(row, reason, error))

    async def _lose(self, row: TaskRow, reason: Reason, error: str) -> None:
        output = self._readable(row)
        changes = TaskChanges(
            finished_at=now_us(),
            reason=reason,
            error=error,
            output_size=output.end if output is not None else None,
            gaps=output.gaps() if output is not None else None,
        )
        row = await self._tasks.transition_task(row.id, TaskEvent.LOSE, changes)
        log_lines.task_ended(row)
        if output is not None:
            output.close_writer()
        self._inputs.forget(row.id)
        self._facts.task_changed(row)
        self._facts.workspace_changed(row.workspace_id)
        self._outputs.release(row.id)

    def _readable(self, row: TaskRow) -> TaskOutput | None:
        try:
            return self._outputs.get(row.id)
        except (OSError, LogError) as error:
            about = {"task": row.id, "workspace": row.workspace_id}
            logger.error("the output of task %s cannot be read: %s", row.id, error, extra=about)
            return None


def happened_at(report: Status, earliest: int, heard: int) -> int:
    """Return when something happened that was `heard` of then, by the hub's clock.

    Times of a task are compared with each other and with now, and retention goes by them, so they
    are all by one clock. The daemon's says how long ago it was; how much it is ahead or behind does
    not matter. All in µs since 1970; `earliest` is when what happened before it did.
    """
    if report.at is None:
        return heard
    if report.sent_at is not None:
        return min(max(earliest, heard - (report.sent_at - report.at)), heard)
    # An older daemon does not say when it sent this.
    return report.at if earliest <= report.at <= heard else heard


def _unless_same(reported: int | None, stored: int) -> int | None:
    if reported is None or abs(reported - stored) < SAME_TIME_US:
        return None
    return reported


def _verdict(report: Status, row: TaskRow, output: TaskOutput) -> tuple[TaskEvent, TaskChanges]:
    event, reason, error = EVENT_FOR[report.status], report.reason, report.error
    fault = _fault(report, output)
    if fault is not None:
        logger.error("task %s: %s", output.task_id, fault, extra={"task": output.task_id})
        event, reason, error = TaskEvent.FAIL, Reason.CORRUPT_OUTPUT, fault
    earliest = row.started_at or row.created_at
    finished_at = happened_at(report, earliest, output.ending_heard_at)
    return event, TaskChanges(
        finished_at=finished_at,
        reported_finished_at=_unless_same(report.at, finished_at),
        reason=reason,
        exit_code=report.exit_code,
        signal=report.signal,
        error=error,
        output_size=output.end,
        gaps=output.gaps(),
        input_read=report.input_read,
    )


def _fault(report: Status, output: TaskOutput) -> str | None:
    """What is wrong with the output the hub has; None if it is what the daemon wrote."""
    final = report.final_offset or 0
    if output.stream.end != final:
        return (
            f"The hub has {output.stream.end} bytes of output, but the daemon says there are "
            f"{final}. What is stored is what arrived."
        )
    if report.checksum is None or output.writer is None:
        return None
    stored = format_checksum(output.writer.checksum)
    if stored != report.checksum:
        return (
            f"The stored output's checksum is {stored}, but the daemon's is {report.checksum}. "
            "Some bytes were changed on their way or on disk."
        )
    return None
