"""Standard input on its way through the hub: exactly once, in order (guarantee G7).

Bytes are kept until the daemon says they were written to the command's standard input. What the
hub loses in a crash, the viewer still has: it keeps its own bytes until that same acknowledgement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arborlink.protocol import limits
from arborlink.protocol.errors import Conflict, OffsetOutOfOrder, TooManyRequests
from arborlink.protocol.messages import Input

# How long a sender waits that has filled the window: the command reads at its own pace.
FULL_SECONDS: Final = 1.0


class InputWindowFull(TooManyRequests):
    """More input than the command has room for; nothing of it was taken beyond `want`."""

    code = "input_window_full"

    def __init__(self, message: str, *, want: int) -> None:
        super().__init__(message, retry_after=FULL_SECONDS)
        self.want = want


class InputRelay:
    """One task's input between `acked` and `end`; `closed` once somebody sent its end."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id
        self._bytes = bytearray()
        self.acked = 0
        self.closed = False

    @property
    def end(self) -> int:
        """Where the next byte of input goes."""
        return self.acked + len(self._bytes)

    def accept(self, offset: int | None, data: bytes, eof: bool) -> Input | None:
        """New input from a viewer: what to send to the daemon, None if all of it is known.

        Raises:
            OffsetOutOfOrder: it begins beyond what has arrived; `want` is where to go on.
            Conflict: the input was closed before.
            InputWindowFull: more than the window is waiting for the command to read it.
        """
        start = self.end if offset is None else offset
        if start > self.end:
            raise OffsetOutOfOrder(
                f"input at {start} arrived, but the hub has it up to {self.end}",
                want=self.end,
                ref=self._task_id,
            )
        new = data[self.end - start :]
        if self.closed:
            if new or (data and offset is None):
                raise Conflict("the standard input of this task is closed", code="input_closed")
            return None
        if len(self._bytes) + len(new) > limits.INPUT_WINDOW_BYTES:
            raise InputWindowFull(
                f"{len(self._bytes)} bytes of input wait for the command to read them",
                want=self.end,
            )
        if not new and not eof:
            return None
        message = Input(task_id=self._task_id, offset=self.end, input=bytes(new), eof=eof)
        self._bytes += new
        self.closed = eof
        return message

    def acknowledge(self, offset: int) -> bool:
        """The command has read everything below `offset`; False if that was known."""
        if offset <= self.acked:
            return False
        del self._bytes[: offset - self.acked]
        self.acked = offset
        return True

    def resume(self, offset: int) -> Iterator[Input]:
        """A new connection of the daemon has input up to `offset`: what to send it again."""
        self.acknowledge(offset)
        pending = bytes(self._bytes)
        frame = limits.INPUT_FRAME_BYTES
        for start in range(0, len(pending), frame):
            part = pending[start : start + frame]
            last = start + frame >= len(pending)
            yield Input(
                task_id=self._task_id,
                offset=self.acked + start,
                input=part,
                eof=self.closed and last,
            )
        if self.closed and not pending:
            yield Input(task_id=self._task_id, offset=self.acked, eof=True)
