"""Bytes to a file descriptor, whole and in order, without holding up the event loop."""

from __future__ import annotations

import asyncio
import os
import queue
import select
import threading
from typing import Final, TypeAlias

# What a pipe that is writable at all takes without blocking (POSIX, PIPE_BUF).
SMALL_BYTES: Final = 4_096

_Job: TypeAlias = tuple[int, bytes, asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class Writer:
    """Writes to blocking descriptors: a little at once if there is room, the rest in a thread.

    The thread is a daemon, so that a reader that has stopped for good cannot keep `arbor` from
    ending when it is told to.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def write(self, descriptor: int, data: bytes) -> None:
        """All of `data`; returns when it is written.

        Raises:
            OSError: nobody reads any more (`BrokenPipeError`), or the disk is full.
        """
        if len(data) <= SMALL_BYTES and _is_ready(descriptor):
            os.write(descriptor, data)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._jobs.put((descriptor, data, loop, done))
        await done

    def _work(self) -> None:
        while True:
            descriptor, data, loop, done = self._jobs.get()
            failure: OSError | None = None
            try:
                _write_all(descriptor, data)
            except OSError as error:
                failure = error
            try:
                loop.call_soon_threadsafe(_settle, done, failure)
            except RuntimeError:
                # The loop was closed meanwhile: nobody waits.
                return


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[_write_some(descriptor, rest) :]


def _write_some(descriptor: int, data: memoryview) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        # Somebody who shares the descriptor made it non-blocking.
        select.select([], [descriptor], [])
        return 0


def _is_ready(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & select.POLLOUT for _, event in poll.poll(0))


def _settle(done: asyncio.Future[None], failure: OSError | None) -> None:
    if done.done():
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
