"""A command's standard input on its way to the hub. Pure.

`ExactInput` knows the offset of every byte: unacknowledged bytes are sent again after a reconnect,
and the hub drops those that it already has. `TypedInput` is for a terminal with several writers:
its bytes are appended to the input so far, each at most once.
"""

from __future__ import annotations

from arborlink.protocol import limits
from arborlink.protocol.errors import ArborError, Conflict, LocalProtocolError, Unavailable
from arborlink.protocol.messages import ViewerInput
from arborlink.protocol.stream import SendStream


class ExactInput:
    """Input from a known offset on; every byte arrives once, in order."""

    def __init__(self, task_id: str, offset: int = 0) -> None:
        self.task_id = task_id
        self.failure: ArborError | None = None
        self._stream = SendStream(offset, offset)
        self._kept = bytearray()  # the bytes [acked, end)
        self._eof = False
        self._eof_sent = False

    @property
    def room(self) -> int:
        """How many more bytes may be written now."""
        return limits.INPUT_WINDOW_BYTES - len(self._kept)

    @property
    def settled(self) -> bool:
        """Whether the command has everything written so far."""
        return not self._kept and (not self._eof or self._eof_sent)

    def write(self, data: bytes, *, eof: bool = False) -> None:
        """Append; `eof` ends the input after `data`.

        Raises:
            LocalProtocolError: it has ended already, or `data` is more than `room`.
        """
        if self._eof:
            raise LocalProtocolError("the task's input has ended already")
        if len(data) > self.room:
            raise LocalProtocolError(f"{len(data)} bytes do not fit: there is room for {self.room}")
        self._kept += data
        self._eof = eof
        self._stream.grow(self._stream.end + len(data))

    def connected(self) -> None:
        """Start on a new connection that follows the task."""
        self._stream.resume(self._stream.acked, limits.INPUT_WINDOW_BYTES)
        self._eof_sent = False

    def disconnected(self) -> None:
        """Stop: the connection has ended, and what was on its way may be lost."""
        self._stream.detach()
        self._eof_sent = False

    def acknowledge(self, offset: int) -> None:
        """Note that the command has everything below `offset`."""
        if offset > self._stream.end:
            self.failure = _somebody_else(offset, self._stream.end)
            return
        before = self._stream.acked
        # An acknowledgement of an earlier connection may name bytes not yet sent again on this one.
        if offset > self._stream.sent and self._stream.attached:
            self._stream.mark_sent(offset)
        self._stream.acknowledge(offset, limits.INPUT_WINDOW_BYTES)
        del self._kept[: self._stream.acked - before]

    def rewind(self, want: int) -> None:
        """Continue from `want`, the offset that the hub asks for."""
        if not self._stream.attached:
            return
        if not self._stream.acked <= want <= self._stream.end:
            self.failure = _somebody_else(want, self._stream.end)
            return
        acked = self._stream.acked
        self._stream.detach()
        self._stream.resume(acked, limits.INPUT_WINDOW_BYTES)
        self._stream.mark_sent(want)
        self._eof_sent = False

    def pause(self) -> None:
        """Stop until `connected` is called again: the hub cannot take input now."""
        self._stream.detach()

    def to_send(self) -> list[ViewerInput]:
        """Return the frames that may be sent now."""
        messages = []
        while (span := self._stream.next_range(limits.INPUT_FRAME_BYTES)) is not None:
            start, to = span
            kept_from = self._stream.acked
            self._stream.mark_sent(to)
            messages.append(
                ViewerInput(
                    task_id=self.task_id,
                    offset=start,
                    input=bytes(self._kept[start - kept_from : to - kept_from]),
                    eof=self._at_end,
                )
            )
            self._eof_sent = self._at_end
        if self._at_end and self._stream.attached and not self._eof_sent:
            self._eof_sent = True
            messages.append(
                ViewerInput(task_id=self.task_id, offset=self._stream.end, input=b"", eof=True)
            )
        return messages

    @property
    def _at_end(self) -> bool:
        return self._eof and self._stream.sent == self._stream.end


class TypedInput:
    """Input that is appended to the input so far; one frame at a time, as the command reads.

    Answers of the terminal itself (`write_reply`) do not wait for that: the hub passes them on only
    from the viewer that controls the terminal, and drops them otherwise.
    """

    def __init__(self, task_id: str) -> None:
        self.task_id = task_id
        self.failure: ArborError | None = None
        self._waiting = bytearray()
        self._replies: list[bytes] = []
        self._eof = False
        # The frame that the hub has not answered yet.
        self._in_flight = b""
        self._attached = False

    @property
    def room(self) -> int:
        """How many more bytes may be written now."""
        return limits.INPUT_WINDOW_BYTES - len(self._waiting)

    @property
    def settled(self) -> bool:
        """Whether the command has everything written so far."""
        return not self._waiting and not self._in_flight

    def write(self, data: bytes, *, eof: bool = False) -> None:
        """Append; `eof` ends the input after `data`."""
        self._waiting += data
        self._eof = self._eof or eof

    def write_reply(self, data: bytes) -> None:
        """Answer a query of the program; without a connection the answer is dropped as too late."""
        if self._attached:
            self._replies.append(data)

    def connected(self) -> None:
        """Start on a new connection that follows the task."""
        self._attached = True

    def disconnected(self) -> None:
        """Stop: the connection has ended, and the frame on its way may or may not have arrived."""
        self._attached = False
        self._replies.clear()
        if self._in_flight:
            self._in_flight = b""
            self.failure = Unavailable(
                "the connection broke while input was on its way, so it may not have arrived. "
                "Look at the task's output before you send it again",
                code="input_uncertain",
            )

    def acknowledge(self, offset: int) -> None:
        """Note that the command has read the frame."""
        self._in_flight = b""

    def rewind(self, want: int) -> None:
        """Do nothing: the hub asks this of input with offsets only."""

    def pause(self) -> None:
        """Stop until `connected` is called again: the hub did not take the last frame."""
        self._attached = False
        self._waiting[:0] = self._in_flight
        self._in_flight = b""

    def to_send(self) -> list[ViewerInput]:
        """Return the frames that may be sent now."""
        messages: list[ViewerInput] = []
        if not self._attached:
            return messages
        for reply in self._replies:
            for start in range(0, len(reply), limits.INPUT_FRAME_BYTES):
                part = reply[start : start + limits.INPUT_FRAME_BYTES]
                messages.append(ViewerInput(task_id=self.task_id, input=part, is_reply=True))
        self._replies.clear()
        if self._in_flight or not (self._waiting or self._eof):
            return messages
        data = bytes(self._waiting[: limits.INPUT_FRAME_BYTES])
        del self._waiting[: len(data)]
        eof = self._eof and not self._waiting
        self._eof = self._eof and not eof
        # An end without bytes moves no offset, so no acknowledgement would follow.
        self._in_flight = data
        messages.append(ViewerInput(task_id=self.task_id, input=data, eof=eof))
        return messages


def _somebody_else(offset: int, end: int) -> Conflict:
    return Conflict(
        f"the task's input is at {offset}, but {end} bytes were written here: somebody else "
        "writes to it as well. Write from one place, or attach a terminal",
        code="input_conflict",
    )
