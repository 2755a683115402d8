"""All outputs the hub has open, by task. Those nobody writes or watches are closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from arborlink.hub.live.output import TaskOutput
from arborlink.protocol import limits


class Outputs:
    """One folder of logs: `<folder>/<last two characters of the id>/<task id>.log` and `.idx`."""

    def __init__(self, folder: Path, *, window: int = limits.TASK_UNACKNOWLEDGED_BYTES) -> None:
        self._folder = folder
        self._window = window
        self._open: dict[str, TaskOutput] = {}

    def stem(self, task_id: str) -> Path:
        """Where a task's log is. `task_id` comes from the store, never from a peer."""
        return self._folder / task_id[-2:] / task_id

    def get(self, task_id: str) -> TaskOutput:
        """The task's output, opened for reading if it was not open."""
        output = self._open.get(task_id)
        if output is None:
            output = TaskOutput(task_id, self.stem(task_id), window=self._window)
            self._open[task_id] = output
        return output

    def find(self, task_id: str) -> TaskOutput | None:
        """The task's output if it is open."""
        return self._open.get(task_id)

    def open_writer(self, task_id: str, log_id: str) -> TaskOutput:
        """The task's output, ready to be written.

        Raises:
            OSError: the disk is full or broken.
        """
        output = self.get(task_id)
        if output.writer is None:
            self.stem(task_id).parent.mkdir(parents=True, exist_ok=True)
            output.open_writer(log_id)
        return output

    def watch(self, task_id: str, listener: Callable[[], None]) -> TaskOutput:
        """The task's output, with `listener` called whenever there is more of it."""
        output = self.get(task_id)
        output.listeners.add(listener)
        return output

    def unwatch(self, task_id: str, listener: Callable[[], None]) -> None:
        """Undo `watch`."""
        output = self._open.get(task_id)
        if output is not None:
            output.listeners.discard(listener)
            self.release(task_id)

    def release(self, task_id: str) -> None:
        """Close the task's output if nobody writes or watches it."""
        output = self._open.get(task_id)
        if output is not None and output.writer is None and not output.listeners:
            output.close()
            del self._open[task_id]

    def written(self) -> Iterable[TaskOutput]:
        """Those that are open for writing."""
        return [output for output in self._open.values() if output.writer is not None]

    def close(self) -> None:
        """Close them all."""
        for output in self._open.values():
            output.close()
        self._open.clear()
