"""One followed task: which of its bytes have arrived and been consumed. Pure.

Offsets are bytes. Three of them move, always in this order:

    consumed <= end          what the reader has taken, what has arrived
    acknowledged <= consumed what the hub was told; it sends at most `window` bytes beyond that

After a reconnect the subscription goes on from `consumed`, not from `end`: the hub counts the
window from there, so that what is buffered here stays bounded however often the line breaks. What
comes a second time is dropped.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import TypeAlias

from arborlink.client.chunks import Chunk, Gap, Snapshot, TerminalChange
from arborlink.protocol import limits
from arborlink.protocol.errors import ArborError, InvalidInput, RemoteProtocolError
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.messages import Gap as GapMessage
from arborlink.protocol.messages import (
    Output,
    Screen,
    Subscribe,
    TaskStatusChanged,
    TerminalState,
    ViewerAck,
)
from arborlink.protocol.resources import Workspace
from arborlink.protocol.stream import ReceiveStream

# An acknowledgement is sent for every quarter of the window, so that the hub never has to wait.
ACKS_PER_WINDOW = 4
# A subscription needs an offset even without output: one byte before the end is the least.
TAIL_OFFSET = -1
# Changes of a terminal that arrived before the output in front of them; beyond this number the
# oldest are dropped.
MAX_CHANGES_AHEAD = 64
# Of one output: what spools and hubs leave out is one gap each time.
MAX_WAITING_GAPS = 10_000

Item: TypeAlias = Chunk | Gap | Snapshot | TerminalChange


class Subscription:
    """Follows one task; `output=False` follows its status and input only.

    `window`: how many bytes are read ahead; None: as many as the hub's `welcome` says.
    `terminal`: as a terminal does, which is sent what the task's terminal shows in place of the
    output so far: from a negative offset, and where it has fallen far behind.
    """

    def __init__(
        self,
        task_id: str,
        offset: int = 0,
        *,
        window: int | None = None,
        output: bool = True,
        terminal: bool = False,
    ) -> None:
        self.task_id = task_id
        self._wish = window if output else limits.SUBSCRIPTION_WINDOW_MIN_BYTES
        self._wire = WireLimits()
        self.status: TaskStatusChanged | None = None
        # As the hub has reported since; it reports nothing about a connected workspace.
        self.workspace: Workspace | None = None
        self.failure: ArborError | None = None
        self.confirmed = False
        self.has_output = output
        self._is_terminal = terminal
        self._changes_ahead: deque[TerminalChange] = deque(maxlen=MAX_CHANGES_AHEAD)
        self._asked = offset if output else TAIL_OFFSET
        # The hub resolves a negative offset: the first message that arrives says to what.
        self._stream = _stream_at(offset) if output and offset >= 0 else None
        self._items: deque[Item] = deque()
        # Of the terminal, since the last piece of output that waits.
        self._changes_waiting = 0
        self._gaps_waiting = 0
        self._taken_end: int | None = None
        self._buffered = 0
        self._wire_end = 0
        self._acknowledged = 0

    @property
    def window(self) -> int:
        """How many bytes the hub sends beyond what was acknowledged."""
        return max(1, self._wire.subscription_window_bytes) if self._wish is None else self._wish

    @property
    def started(self) -> bool:
        """Whether any output has ever arrived."""
        return self._stream is not None and self._stream.end != self._asked

    @property
    def consumed(self) -> int | None:
        """The reader has taken everything below this; None until the start is known."""
        return None if self._stream is None else self._stream.durable

    @property
    def final_offset(self) -> int | None:
        """Where the output ends for good; None while the task is not over."""
        status = self.status
        if status is None or not is_final(status.status):
            return None
        if status.final_offset is not None:
            return status.final_offset
        if status.task:
            return status.task.output_size
        return 0 if self._stream is None else self._stream.end

    @property
    def workspace_id(self) -> str | None:
        """The task's workspace, once it is known."""
        task = None if self.status is None else self.status.task
        return task.workspace_id if task else None

    @property
    def ended(self) -> bool:
        """Whether the task is over and every byte of it has arrived here (design rule 3)."""
        final = self.final_offset
        if final is None:
            return False
        return not self.has_output or (final == 0 if self._stream is None else self._end >= final)

    @property
    def _end(self) -> int:
        return 0 if self._stream is None else self._stream.end

    def connected(self, wire: WireLimits) -> Subscribe:
        """What to send on a new connection with these limits."""
        self._wire = wire
        return self.subscribe()

    def subscribe(self, want: int | None = None) -> Subscribe:
        """What to send on the present connection, after the hub named `want` as its end."""
        offset = self._asked if self._stream is None else self._stream.durable
        if want is not None:
            offset = min(want, offset)
        self.confirmed = False
        self._wire_end = self._acknowledged = max(0, offset)
        self._changes_ahead.clear()
        return Subscribe(
            task_id=self.task_id,
            offset=offset,
            window=self._wish,
            terminal=self._is_terminal,
            resumes=self._is_terminal and self._stream is not None,
        )

    def receive_output(self, message: Output) -> None:
        """Receive bytes.

        Raises:
            RemoteProtocolError: they skip some, or are more than the window allows.
        """
        self.confirmed = True
        if not self.has_output:
            return
        size = len(message.output)
        skip = self._stream_from(message.offset).receive(message.offset, size)
        self._wire_end = max(self._wire_end, message.offset + size)
        if skip is None:
            return
        data = message.output[skip:] if skip else message.output
        self._buffered += len(data)
        if self._buffered > self.window + max(
            limits.OUTPUT_FRAME_BYTES, self._wire.output_frame_bytes
        ):
            raise RemoteProtocolError(
                f"the hub sent {self._buffered} bytes into a window of {self.window}",
                code="credit_exceeded",
            )
        self._append(Chunk(message.offset + skip, message.is_error, message.time, data))

    def receive_gap(self, message: GapMessage) -> None:
        """Receive a gap.

        Raises:
            RemoteProtocolError: it skips bytes, or is empty.
        """
        self.confirmed = True
        if not self.has_output:
            return
        new = self._stream_from(message.start).receive_gap(message.start, message.end)
        self._wire_end = max(self._wire_end, message.end)
        if new is not None:
            self._append_gap(Gap(*new, message.reason))
            self._append_changes()

    def receive_screen(self, message: Screen) -> None:
        """Receive a snapshot of the screen, which replaces everything that is not read yet."""
        self.confirmed = True
        if not self.has_output:
            return
        self._items.clear()
        self._buffered = self._gaps_waiting = 0
        self._taken_end = None
        self._stream = _stream_at(message.offset)
        self._wire_end = self._acknowledged = message.offset
        self._items.append(Snapshot(message.offset, message.cols, message.rows, message.output))

    def receive_terminal(self, message: TerminalState) -> None:
        """Receive a change of size or control; it applies after the output before it."""
        self.confirmed = True
        if self.has_output:
            self._changes_ahead.append(
                TerminalChange(message.offset, message.cols, message.rows, message.controls)
            )
            self._append_changes()

    def receive_status(self, message: TaskStatusChanged) -> None:
        """Receive the task's present state."""
        self.confirmed = True
        self.prime(message)

    def prime(self, message: TaskStatusChanged) -> None:
        """Set the task's state as known from elsewhere."""
        self.status = message
        final = self.final_offset
        if final is not None and self.has_output and self._asked > final:
            self.failure = InvalidInput(
                f"the output ends at {final}, so there is nothing at {self._asked}. "
                f"Ask for an offset of at most {final}",
                code="offset_beyond_end",
            )

    def take(self) -> Item | None:
        """Return the next piece; the call marks the former one as consumed."""
        if self._taken_end is not None and self._stream is not None:
            self._stream.advance_durable(self._taken_end)
            self._taken_end = None
        if not self._items:
            return None
        item = self._items.popleft()
        if isinstance(item, Chunk | Gap):
            self._taken_end = item.end
        if isinstance(item, Chunk):
            self._buffered -= len(item.data)
        elif isinstance(item, Gap):
            self._gaps_waiting -= 1
        return item

    @property
    def unacknowledged(self) -> int:
        """Bytes consumed that the hub has not been told of."""
        # After a hub lost its unsynced tail, more has arrived here than it sent on this connection.
        return min(self.consumed or 0, self._wire_end) - self._acknowledged

    @property
    def ack_is_due(self) -> bool:
        """Whether to acknowledge now rather than in a moment."""
        return self.unacknowledged * ACKS_PER_WINDOW >= self.window

    def acknowledge(self) -> ViewerAck:
        """Return the acknowledgement for the hub."""
        self._acknowledged += self.unacknowledged
        return ViewerAck(task_id=self.task_id, offset=self._acknowledged)

    def _append(self, chunk: Chunk) -> None:
        """Append `chunk`, cut where the terminal changes."""
        while self._changes_ahead and self._changes_ahead[0].offset < chunk.end:
            change = self._changes_ahead.popleft()
            cut = max(0, change.offset - chunk.offset)
            if cut:
                self._items.append(dataclasses.replace(chunk, data=chunk.data[:cut]))
                rest = chunk.data[cut:]
                chunk = dataclasses.replace(chunk, offset=chunk.offset + cut, data=rest)
            self._append_change(change)
        self._changes_waiting = 0
        self._items.append(chunk)
        self._append_changes()

    def _append_gap(self, gap: Gap) -> None:
        # A gap takes no room in the window.
        self._gaps_waiting += 1
        if self._gaps_waiting > MAX_WAITING_GAPS:
            raise RemoteProtocolError(
                f"the hub told of more than {MAX_WAITING_GAPS} gaps before they were read",
                code="credit_exceeded",
            )
        self._items.append(gap)

    def _append_changes(self) -> None:
        while self._changes_ahead and self._changes_ahead[0].offset <= self._end:
            self._append_change(self._changes_ahead.popleft())

    def _append_change(self, change: TerminalChange) -> None:
        # No window bounds these: of very many between two pieces of output the last counts.
        self._changes_waiting = self._changes_waiting + 1 if self._items else 1
        if self._changes_waiting > MAX_CHANGES_AHEAD and isinstance(
            self._items[-1], TerminalChange
        ):
            self._items.pop()
        self._items.append(change)

    def _stream_from(self, offset: int) -> ReceiveStream:
        if self._stream is None:
            self._stream = _stream_at(offset)
            self._wire_end = self._acknowledged = offset
        return self._stream


def _stream_at(offset: int) -> ReceiveStream:
    # A gap takes no room in the window, so credit is counted in buffered bytes, not in offsets.
    return ReceiveStream(offset, window=limits.MAX_OFFSET)
