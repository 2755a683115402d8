"""Commands that wait while as many tasks run as the policy allows, in the order they came. Pure."""

from __future__ import annotations

from typing import Final

from arborlink.protocol import limits
from arborlink.protocol.messages import Command, Input
from arborlink.protocol.stream import ReceiveStream

# A hub hands over a workspace's limit of running tasks, 16 by default; the rest wait there.
MAX_WAITING_TASKS: Final = 64


class WaitingTask:
    """A command that was not started, and its input so far, within the window of the hub."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self._stream = ReceiveStream(window=limits.INPUT_WINDOW_BYTES)
        self._data = bytearray()
        self._eof = False

    @property
    def input(self) -> Input:
        """All of its input."""
        return Input(task_id=self.command.task_id, offset=0, input=bytes(self._data), eof=self._eof)

    def receive(self, message: Input) -> None:
        """Keep input, in whatever pieces, repeated or not.

        Raises:
            RemoteProtocolError: it begins beyond what has arrived, or exceeds the window.
        """
        skip = self._stream.receive(message.offset, len(message.input))
        if skip is not None:
            self._data += message.input[skip:]
        if message.eof and message.offset + len(message.input) == self._stream.end:
            self._eof = True


class WaitingTasks:
    """First in, first out."""

    def __init__(self) -> None:
        self._tasks: dict[str, WaitingTask] = {}

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._tasks

    def __bool__(self) -> bool:
        return bool(self._tasks)

    @property
    def is_full(self) -> bool:
        """Whether no more may wait."""
        return len(self._tasks) >= MAX_WAITING_TASKS

    @property
    def first(self) -> WaitingTask | None:
        """The one whose turn is next."""
        return next(iter(self._tasks.values()), None)

    def find(self, task_id: str) -> WaitingTask | None:
        """One of them."""
        return self._tasks.get(task_id)

    def add(self, command: Command) -> None:
        """Let a command wait, behind all others."""
        self._tasks[command.task_id] = WaitingTask(command)

    def remove(self, task_id: str) -> None:
        """Let a command wait no more, if it does."""
        self._tasks.pop(task_id, None)
