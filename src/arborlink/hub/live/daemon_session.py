"""One daemon's connection: output in, acknowledgements and commands out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from starlette.websockets import WebSocket

from arborlink.hub.live.clock import now_us
from arborlink.hub.live.output import TaskOutput
from arborlink.hub.live.session import Session, error_message
from arborlink.hub.live.traffic import Backlog
from arborlink.hub.views import rfc3339
from arborlink.outputlog import LogError
from arborlink.protocol.codec import Codec
from arborlink.protocol.errors import (
    ArborError,
    NotFound,
    RemoteProtocolError,
    Unavailable,
)
from arborlink.protocol.fields import TaskUsage
from arborlink.protocol.lifecycle import TaskStatus, is_final
from arborlink.protocol.link import HubLink
from arborlink.protocol.messages import (
    RESIZED_CAPABILITY,
    Ack,
    AnyMessage,
    DaemonAuth,
    Gap,
    InputAck,
    Output,
    Resized,
    Rotated,
    Status,
    Usage,
)
from arborlink.protocol.resources import ProcessUsage, TerminalSizeChange

if TYPE_CHECKING:
    from arborlink.hub.live.daemons import Daemons
    from arborlink.hub.store.base import TaskRow

Report: TypeAlias = Status | TaskOutput | Resized

# Ends waiting to be stored; beyond this the connection is read no further until they are.
MAX_PENDING_REPORTS = 1_024


class DaemonSession(Session):
    """The shell of a daemon's link. Its messages change something only while it is the newest."""

    kind = "daemon"

    def __init__(self, websocket: WebSocket, codec: Codec, link: HubLink, daemons: Daemons) -> None:
        super().__init__(websocket, codec, link)
        self.workspace_id = ""
        self.daemon_id = ""
        self.instance_id = ""
        self.version = ""
        self.epoch = 0
        self.journalled: frozenset[str] = frozenset()
        # Whether it says when a size was applied.
        self.reports_sizes = False
        self._daemons = daemons
        self._spooled: dict[str, int] = {}
        self._outputs: dict[str, TaskOutput] = {}
        self._log_ids: dict[str, str] = {}
        self._unacknowledged = 0
        self._to_acknowledge: dict[str, TaskOutput] = {}
        self._usage: dict[str, ProcessUsage] = {}
        self._reports: asyncio.Queue[Report] = asyncio.Queue(MAX_PENDING_REPORTS)

    def adopt(self, auth: DaemonAuth, epoch: int) -> None:
        """The daemon was accepted."""
        self.workspace_id = auth.workspace_id
        self.daemon_id = auth.daemon_id
        self.instance_id = auth.instance_id
        self.version = auth.version
        self.epoch = epoch
        self.journalled = frozenset(task.task_id for task in auth.tasks)
        self._spooled = {task.task_id: task.end for task in auth.tasks}
        self.reports_sizes = RESIZED_CAPABILITY in auth.capabilities

    def backlog(self) -> Backlog:
        """What was received and is not durable, and what the daemon had and has not sent yet."""
        writing = [output for output in self._outputs.values() if output.writer is not None]
        lag = 0
        for task_id, end in self._spooled.items():
            # One that is not open is over: nothing of it will be sent.
            output = self._daemons.outputs.find(task_id)
            lag += 0 if output is None else max(0, end - output.end)
        return Backlog(self._unacknowledged, lag, len(writing))

    def usage(self, task_id: str) -> ProcessUsage | None:
        """What a task of this workspace uses, as the daemon last said on this connection."""
        return self._usage.get(task_id)

    def start_tasks(self, group: asyncio.TaskGroup) -> None:
        """Reports are stored in the order they came, without holding up output."""
        group.create_task(self._store_reports())

    async def handle(self, message: AnyMessage) -> None:
        """A daemon's message. What an older connection still says changes nothing (rule 5)."""
        if not self._daemons.is_current(self):
            return
        try:
            await self._dispatch(message)
        except RemoteProtocolError as error:
            # Tell it where to go on before the close that makes it come back and do so.
            self.link.send(error_message(error, getattr(message, "task_id", None)))
            raise
        except (Unavailable, LogError) as error:
            self.fail(error)

    async def _dispatch(self, message: AnyMessage) -> None:
        match message:
            case Output():
                self._receive(self._output(message.task_id), message)
            case Gap():
                output = self._output(message.task_id)
                _check_before_end(output, message.end)
                if output.receive_gap(message):
                    self._daemons.flusher.mark(output, 0)
                else:
                    self.acknowledge(output)
            case Status():
                _check_handed_over(self._row(message.task_id))
                if message.log_id is not None:
                    self._log_ids[message.task_id] = message.log_id
                await self._reports.put(message)
            case Usage():
                at = rfc3339(now_us())
                self._usage = {each.task_id: _process_usage(each, at) for each in message.tasks}
            case Resized():
                row = self._sized(message)
                await self._reports.put(message)
                # In the same step of the loop: it cannot be settled before.
                self._daemons.terminals.size_arrived(row, _change(message))
            case Rotated():
                await self._daemons.rotation.rotated(self, message.rotation_id)
            case InputAck():
                row = self._row(message.task_id)
                self._daemons.input_acknowledged(row, message.offset)
            case _:
                raise RemoteProtocolError(
                    f"a daemon does not send {type(message).__name__}", code="unexpected_message"
                )

    def _receive(self, output: TaskOutput, message: Output) -> None:
        size = len(message.output)
        allowed = self._daemons.unacknowledged_limit
        if self._unacknowledged + size > allowed:
            raise RemoteProtocolError(
                f"more than {allowed} bytes of this connection are not acknowledged yet",
                code="credit_exceeded",
            )
        _check_before_end(output, message.offset + size)
        if output.receive(message):
            self._unacknowledged += size
            self._daemons.flusher.mark(output, size)
        else:
            self.acknowledge(output)

    def acknowledge(self, output: TaskOutput) -> None:
        """The output's durable offset has moved: tell the daemon with the next flush."""
        self._to_acknowledge[output.task_id] = output
        self.wake()

    def _on_durable(self, output: TaskOutput) -> None:
        self._unacknowledged = sum(
            each.stream.unacknowledged for each in self._outputs.values() if each.writer is not None
        )
        self.acknowledge(output)
        if output.ending is not None and self._daemons.settlement.ready(output):
            self._settle_later(output)

    def collect(self) -> None:
        """One acknowledgement a task and flush, however many syncs there were."""
        pending, self._to_acknowledge = self._to_acknowledge, {}
        if self.link.state.value != "open":
            return
        for output in pending.values():
            offset = output.stream.durable
            self.link.send(Ack(task_id=output.task_id, offset=offset, credit=output.credit))

    def _output(self, task_id: str) -> TaskOutput:
        output = self._outputs.get(task_id)
        if output is None or output.writer is None:
            row = self._row(task_id)
            if is_final(row.status):
                raise RemoteProtocolError(
                    f"task {task_id} is over: it can have no more output", code="output_after_end"
                )
            _check_handed_over(row)
            output = self._daemons.open_output(row, self._log_ids.get(task_id))
            self._adopt_output(output)
            self._outputs[task_id] = output
        return output

    def _adopt_output(self, output: TaskOutput) -> None:
        output.on_durable = self._on_durable
        output.on_failed = self.fail

    def _row(self, task_id: str) -> TaskRow:
        row = self._daemons.tasks.task(task_id)
        if row is None or row.workspace_id != self.workspace_id:
            raise NotFound(f"this workspace has no task {task_id}", ref=task_id)
        return row

    def _settle_later(self, output: TaskOutput) -> None:
        try:
            self._reports.put_nowait(output)
        except asyncio.QueueFull:
            self.fail(Unavailable("too many ends of tasks at once", retry_after=1.0))

    async def _store_reports(self) -> None:
        try:
            while True:
                report = await self._reports.get()
                try:
                    if self._daemons.is_current(self):
                        await self._store(report)
                except ArborError as error:
                    self.fail(error)
                finally:
                    self._done_with(report)
        finally:
            while not self._reports.empty():
                self._done_with(self._reports.get_nowait())

    async def _store(self, report: Report) -> None:
        if isinstance(report, Status):
            await self._on_status(report)
        elif isinstance(report, Resized):
            await self._on_resized(report)
        else:
            await self._settle(report)

    def _done_with(self, report: Report) -> None:
        if isinstance(report, Resized):
            self._daemons.terminals.size_settled(report.task_id, _change(report))

    def _sized(self, message: Resized) -> TaskRow:
        row = self._row(message.task_id)
        _check_handed_over(row)
        output = self._daemons.outputs.find(row.id)
        end = row.output_size if output is None else output.end
        if message.offset > end:
            raise RemoteProtocolError(
                f"a size from {message.offset} on arrived, but the hub has the output of {row.id} "
                f"up to {end}",
                code="size_beyond_end",
            )
        return row

    async def _on_resized(self, message: Resized) -> None:
        row = self._row(message.task_id)
        if is_final(row.status):
            return  # what was stored with its end stays
        await self._daemons.terminals.resized(row, _change(message))

    async def _on_status(self, report: Status) -> None:
        row = self._row(report.task_id)
        settlement = self._daemons.settlement
        starts = report.status is TaskStatus.RUNNING and row.status is TaskStatus.PENDING
        if report.log_id is not None and row.log_id is None and not starts:
            await self._daemons.tasks.set_task_log(row.id, report.log_id)
            if not self._daemons.is_current(self):
                return  # the successor has the output's callbacks
        if report.status is TaskStatus.RUNNING:
            await settlement.started(row, report)
            await self._daemons.terminals.task_runs(self._row(row.id))
        elif report.status in (TaskStatus.PENDING, TaskStatus.EXPIRED):
            raise RemoteProtocolError(
                f"a daemon cannot report {report.status}", code="unexpected_status"
            )
        elif is_final(row.status):
            self._acknowledge_end(report)
        else:
            output = settlement.ended(row, report)
            self._adopt_output(output)
            if settlement.ready(output):
                await self._settle(output)

    async def _settle(self, output: TaskOutput) -> None:
        report = output.ending
        if report is None:
            return
        await self._daemons.settlement.settle(output)
        self._outputs.pop(output.task_id, None)
        self._log_ids.pop(output.task_id, None)
        self._to_acknowledge.pop(output.task_id, None)
        self._acknowledge_end(report)
        await self._daemons.dispatcher.kick(self.workspace_id)

    def _acknowledge_end(self, report: Status) -> None:
        offset = report.final_offset or 0
        self.send(Ack(task_id=report.task_id, offset=offset, credit=0, settled=True))


def _process_usage(usage: TaskUsage, at: str) -> ProcessUsage:
    return ProcessUsage(
        at=at,
        cpu_seconds=usage.cpu_seconds,
        cpu_share=usage.cpu_share,
        memory_bytes=usage.memory_bytes,
        processes=usage.processes,
    )


def _change(message: Resized) -> TerminalSizeChange:
    return TerminalSizeChange(
        cols=message.cols, rows=message.rows, offset=message.offset, time=message.time
    )


def _check_handed_over(row: TaskRow) -> None:
    if row.instance_id is None and not is_final(row.status):
        raise RemoteProtocolError(
            f"task {row.id} was not handed to any daemon yet", code="task_not_handed_over"
        )


def _check_before_end(output: TaskOutput, end: int) -> None:
    report = output.ending
    if report is not None and end > (report.final_offset or 0):
        raise RemoteProtocolError(
            f"task {output.task_id} ended at {report.final_offset or 0}, but has output up to "
            f"{end}",
            code="output_after_end",
        )
