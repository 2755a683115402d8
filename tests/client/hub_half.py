"""The hub's half of a viewer's connection to one task, as a machine: real cursor, real order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from arborlink.client.chunks import Chunk, Gap
from arborlink.protocol.cursor import Cursor
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import (
    AnyMessage,
    ErrorMessage,
    InputAck,
    Output,
    Subscribe,
    TaskStatusChanged,
    Unsubscribe,
    ViewerAck,
    ViewerInput,
)
from arborlink.protocol.messages import Gap as GapMessage

TASK = "tsk_1"
FRAME_BYTES = 8 * 1024


@dataclass
class Log:
    """A task's output and input. `records` are what was written, in order."""

    task_id: str = TASK
    records: list[Chunk | Gap] = field(default_factory=list)
    lost: int = 0
    final: bool = False
    written: bytearray = field(default_factory=bytearray)
    input: bytearray = field(default_factory=bytearray)
    input_acked: int = 0
    input_ended: bool = False

    @property
    def whole(self) -> int:
        """Where the log ends, for the daemon."""
        return self.records[-1].end if self.records else 0

    @property
    def end(self) -> int:
        """Where it ends, for the hub: a crash took the last `lost` bytes."""
        return self.whole - self.lost

    def write(self, data: bytes, *, is_error: bool = False) -> None:
        """More output."""
        self.lost = 0
        self.records.append(Chunk(self.whole, is_error, 1_000 * len(self.records), data))
        self.written += data

    def drop(self, length: int) -> None:
        """Bytes that never arrive."""
        self.lost = 0
        self.records.append(Gap(self.whole, self.whole + length, "spool_full"))

    def read(self, offset: int, limit: int) -> Output | GapMessage | None:
        """The next message of a cursor at `offset`."""
        for record in self.records:
            if record.end <= offset or offset >= self.end:
                continue
            if isinstance(record, Gap):
                end = min(record.end, self.end)
                return GapMessage(task_id=self.task_id, start=offset, end=end, reason=record.reason)
            skip = offset - record.offset
            end = min(record.end, self.end, offset + min(limit, FRAME_BYTES))
            if end <= offset:
                return None
            return Output(
                task_id=self.task_id,
                offset=offset,
                is_error=record.is_error,
                time=record.time,
                output=record.data[skip : end - record.offset],
            )
        return None


class HubHalf:
    """One connection's cursor into `log`."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.cursor: Cursor | None = None
        self._to_send: deque[AnyMessage] = deque()
        self._said_final = False

    def receive(self, message: AnyMessage) -> None:
        """From the viewer."""
        match message:
            case Subscribe():
                self._subscribe(message)
            case Unsubscribe():
                self.cursor = None
            case ViewerAck():
                if self.cursor is not None:
                    self.cursor.acknowledge(message.offset)
            case ViewerInput():
                self._input(message)
            case _:
                raise AssertionError(message)

    def to_send(self) -> list[AnyMessage]:
        """To the viewer."""
        while self.cursor is not None and self.cursor.room > 0:
            message = self.log.read(self.cursor.sent, self.cursor.room)
            if message is None:
                break
            if isinstance(message, Output):
                self.cursor.mark_sent(message.offset + len(message.output))
            else:
                self.cursor.skip_to(message.end)
            self._to_send.append(message)
        if self.cursor is not None and self.log.final and not self._said_final:
            self._say_status()
        messages = list(self._to_send)
        self._to_send.clear()
        return messages

    def acknowledge_input(self) -> None:
        """The command has read all there is."""
        self.log.input_acked = len(self.log.input)
        self._to_send.append(InputAck(task_id=self.log.task_id, offset=self.log.input_acked))

    def _subscribe(self, message: Subscribe) -> None:
        if message.offset > self.log.end:
            self._to_send.append(
                ErrorMessage(
                    code="offset_beyond_end",
                    message="beyond the end",
                    ref=self.log.task_id,
                    want=self.log.end,
                )
            )
            return
        window = message.window or 256 * 1024
        self.cursor = Cursor(Cursor.resolve(message.offset, self.log.end), window)
        self._say_status()

    def _say_status(self) -> None:
        self._said_final = self.log.final
        self._to_send.append(
            TaskStatusChanged(
                task_id=self.log.task_id,
                status=TaskStatus.COMPLETED if self.log.final else TaskStatus.RUNNING,
                exit_code=0 if self.log.final else None,
                final_offset=self.log.whole if self.log.final else None,
            )
        )

    def _input(self, message: ViewerInput) -> None:
        have = len(self.log.input)
        offset = have if message.offset is None else message.offset
        if offset > have:
            self._to_send.append(
                ErrorMessage(
                    code="offset_out_of_order", message="later", ref=self.log.task_id, want=have
                )
            )
            return
        self.log.input += message.input[have - offset :]
        self.log.input_ended = self.log.input_ended or message.eof
