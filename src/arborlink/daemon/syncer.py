"""One thread that runs fsyncs, so that a slow disk does not keep the supervisor from reading."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from arborlink.daemon.loop import READ, Loop
from arborlink.outputlog import SyncPoint

_WAKEUP_BYTES: Final = 4096


class Syncer:
    """Takes sync points, runs them in order, and calls back in the loop's thread."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._jobs: queue.SimpleQueue[tuple[SyncPoint, Callable[[], None]] | None] = (
            queue.SimpleQueue()
        )
        self._done: deque[Callable[[], None]] = deque()
        self._read_fd, self._write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        loop.watch(self._read_fd, READ, self._on_done)
        self._thread = threading.Thread(target=self._run, name="syncer", daemon=True)
        self._thread.start()

    def submit(self, point: SyncPoint, done: Callable[[], None]) -> None:
        """Run `point`, then call `done`; whether it worked is in the point."""
        self._jobs.put((point, done))

    def close(self) -> None:
        """Run what was submitted, and end the thread. Blocks."""
        self._jobs.put(None)
        self._thread.join()
        self._loop.unwatch(self._read_fd)
        os.close(self._read_fd)
        os.close(self._write_fd)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            point, done = job
            with suppress(OSError):  # kept in the point
                point.run()
            self._done.append(done)
            with suppress(BlockingIOError):  # a full pipe wakes the loop just as well
                os.write(self._write_fd, b"\0")

    def _on_done(self) -> None:
        os.read(self._read_fd, _WAKEUP_BYTES)
        while self._done:
            self._done.popleft()()
