"""A command's standard input on its way to the hub. Pure.

`ExactInput` knows the offset of every byte: whatever was not acknowledged is sent again after a
reconnect, and the hub drops what it already has. `TypedInput` is for a terminal that several
people may type into: its bytes go after whatever came before. Where its hub's input ends, the hub
says when it begins to follow the task (`inputEnd`): what of the frame on its way has arrived is
counted from that, and only where somebody else typed meanwhile can it not be known.
"""

from __future__ import annotations

from arborlink.protocol import limits
from arborlink.protocol.errors import ArborError, Conflict, LocalProtocolError, Unavailable
from arborlink.protocol.limits import WireLimits
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
        self._wire = WireLimits()

    @property
    def room(self) -> int:
        """How many more bytes may be written now."""
        return max(0, _window(self._wire) - len(self._kept))

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

    def connected(self, wire: WireLimits = WireLimits(), *, tells_end: bool = False) -> None:  # noqa: B008 - frozen
        """A new connection follows the task. `tells_end`: never needed of a known offset."""
        self._wire = wire
        self.resume()

    def resume(self) -> None:
        """The hub may be able to take input again."""
        self._stream.resume(self._stream.acked, _window(self._wire))
        self._eof_sent = False

    def ends(self, end: int) -> None:
        """What the hub says of its end is not needed where every offset is known."""

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
        self._stream.acknowledge(offset, _window(self._wire))
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
        self._stream.resume(acked, _window(self._wire))
        self._stream.mark_sent(want)
        self._eof_sent = False

    def pause(self) -> None:
        """The hub cannot take input now: stop, until `resume` is called."""
        self._stream.detach()

    def to_send(self) -> list[ViewerInput]:
        """Return the frames that may be sent now."""
        messages = []
        while (span := self._stream.next_range(_frame(self._wire))) is not None:
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
        # The frame that the hub has not answered yet, and whether it ends the input.
        self._in_flight = b""
        self._ends_in_flight = False
        # Where the hub's input ended before that frame, as far as others let us know.
        self._base = 0
        self._wire = WireLimits()
        self._attached = False
        self._tells_end = False
        # On this connection the hub has said where its input ends, or it never says that.
        self._told = False

    @property
    def room(self) -> int:
        """How many more bytes may be written now."""
        return max(0, _window(self._wire) - len(self._waiting))

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

    def connected(self, wire: WireLimits = WireLimits(), *, tells_end: bool = False) -> None:  # noqa: B008 - frozen
        """A new connection follows the task. `tells_end`: its hub calls for `ends`."""
        self._wire, self._tells_end = wire, tells_end
        self._told = not tells_end
        self._attached = True
        if self._in_flight and not tells_end:
            self._give_up()

    def resume(self) -> None:
        """The hub may be able to take input again."""
        self._attached = True

    def ends(self, end: int) -> None:
        """The hub's input goes up to `end`: how much of the frame on its way does it have?"""
        if self._told or not self._attached:
            return
        self._told = True
        arrived = end - self._base
        if not self._in_flight or not 0 <= arrived <= len(self._in_flight):
            if self._in_flight:
                self._give_up()
            self._base = end
            return
        # What has arrived is kept until the command has it: a hub that crashes loses it.
        rest, self._in_flight = self._in_flight[arrived:], self._in_flight[:arrived]
        self._waiting[:0] = rest
        self._eof = self._eof or (self._ends_in_flight and bool(rest))

    def disconnected(self) -> None:
        """The connection is gone: the hub says later what arrived, unless it never says that."""
        self._attached = False
        self._replies.clear()
        if self._in_flight and not self._tells_end:
            self._give_up()

    def _give_up(self) -> None:
        self._in_flight = b""
        self.failure = Unavailable(
            "the connection broke while input was on its way, so it may not have arrived. "
            "Look at the task's output before you send it again",
            code="input_uncertain",
        )

    def acknowledge(self, offset: int) -> None:
        """The command has taken everything below `offset`, ours or not."""
        if offset <= self._base or not self._told:
            return
        self._in_flight = self._in_flight[offset - self._base :]
        self._base = offset

    def rewind(self, want: int) -> None:
        """Do nothing: the hub asks this of input with offsets only."""

    def pause(self) -> None:
        """The hub did not take the last frame: stop, until `resume` is called."""
        self._attached = False
        self._waiting[:0] = self._in_flight
        self._in_flight = b""

    def to_send(self) -> list[ViewerInput]:
        """Return the frames that may be sent now."""
        messages: list[ViewerInput] = []
        if not self._attached or not self._told:
            return messages
        for reply in self._replies:
            for start in range(0, len(reply), _frame(self._wire)):
                part = reply[start : start + _frame(self._wire)]
                messages.append(ViewerInput(task_id=self.task_id, input=part, is_reply=True))
        self._replies.clear()
        if self._in_flight or not (self._waiting or self._eof):
            return messages
        data = bytes(self._waiting[: _frame(self._wire)])
        del self._waiting[: len(data)]
        eof = self._eof and not self._waiting
        self._eof = self._eof and not eof
        # An end without bytes moves no offset, so nothing would ever acknowledge it.
        self._in_flight, self._ends_in_flight = data, eof
        messages.append(ViewerInput(task_id=self.task_id, input=data, eof=eof))
        return messages


def _window(wire: WireLimits) -> int:
    return min(limits.INPUT_WINDOW_BYTES, max(1, wire.input_window_bytes))


def _frame(wire: WireLimits) -> int:
    return min(limits.INPUT_FRAME_BYTES, max(1, wire.input_frame_bytes))


def _somebody_else(offset: int, end: int) -> Conflict:
    return Conflict(
        f"the task's input is at {offset}, but {end} bytes were written here: somebody else "
        "writes to it as well. Write from one place, or attach a terminal",
        code="input_conflict",
    )
