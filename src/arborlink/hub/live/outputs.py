"""All outputs the hub has open, by task. Those nobody writes or watches are closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from arborlink.hub.live.output import TaskOutput
from arborlink.hub.live.reserve import Reserve
from arborlink.outputlog import OutputLog
from arborlink.outputlog.files import index_path, sync_directory
from arborlink.outputlog.index import HEADER_BYTES
from arborlink.protocol import limits


class Outputs:
    """One folder of logs: `<folder>/<last two characters of the id>/<task id>.log` and `.idx`."""

    def __init__(
        self,
        folder: Path,
        *,
        window: int = limits.TASK_UNACKNOWLEDGED_BYTES,
        stored_limit: int = limits.STORED_OUTPUT_BYTES_PER_TASK,
        reserve: Reserve | None = None,
    ) -> None:
        self.folder = folder
        self._window = window
        self.stored_limit = stored_limit
        self._reserve = reserve
        self._open: dict[str, TaskOutput] = {}

    def stem(self, task_id: str) -> Path:
        """Where a task's log is. `task_id` comes from the store, never from a peer."""
        return self.folder / task_id[-2:] / task_id

    def get(self, task_id: str) -> TaskOutput:
        """The task's output, opened for reading if it was not open."""
        output = self._open.get(task_id)
        if output is None:
            output = TaskOutput(
                task_id,
                self.stem(task_id),
                window=self._window,
                stored_limit=self.stored_limit,
                reserve=self._reserve,
            )
            output.on_closed = self.release
            self._open[task_id] = output
        return output

    def find(self, task_id: str) -> TaskOutput | None:
        """The task's output if it is open."""
        return self._open.get(task_id)

    def open_writer(self, task_id: str, log_id: str) -> TaskOutput:
        """The task's output, ready to be written.

        Raises:
            OSError: the disk is full or broken.
            LogError: what is stored cannot be used.
        """
        open_before = self._open.get(task_id)
        if open_before is not None and open_before.writer is not None:
            return open_before
        stem = self.stem(task_id)
        self._make_folder(stem.parent)
        if open_before is None:
            _forget_torn(stem)
        output = self.get(task_id)
        output.open_writer(log_id)
        return output

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A log syncs its own name; without these its folder could be gone after a power loss.
        sync_directory(self.folder)
        sync_directory(self.folder.parent)

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
        """Close the task's output if nobody writes or watches it and no end waits for its bytes."""
        output = self._open.get(task_id)
        if output is None or output.writer is not None or output.listeners:
            return
        if output.ending is None:
            del self._open[task_id]
            output.close()

    def forget(self, task_id: str) -> None:
        """Close the task's output, whoever reads it: the task is gone, and its files will be."""
        output = self._open.pop(task_id, None)
        if output is not None:
            output.close()

    def written(self) -> Iterable[TaskOutput]:
        """Those that are open for writing."""
        return [output for output in self._open.values() if output.writer is not None]

    def unflushed_bytes(self) -> int:
        """What was received and is not durable yet."""
        return sum(output.stream.unacknowledged for output in self.written())

    def close(self) -> None:
        """Close them all."""
        outputs, self._open = self._open, {}
        for output in outputs.values():
            output.close()


def _forget_torn(stem: Path) -> None:
    """A log whose header was never written whole: a crash cut its creation short. Nothing of it
    was acknowledged, so it begins anew."""
    try:
        size = index_path(stem).stat().st_size
    except FileNotFoundError:
        return
    if size < HEADER_BYTES:
        OutputLog.delete(stem)
