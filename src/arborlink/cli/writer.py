"""Bytes to file descriptors, whole and in order, without holding up the event loop."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import threading
from collections import deque
from contextlib import suppress
from typing import Final

from arborlink.client.signal import Signal
from arborlink.protocol.limits import KIB, MIB

# What a pipe that is writable at all takes without blocking (POSIX, PIPE_BUF).
SMALL_BYTES: Final = 4_096
# What may wait for the thread; whoever writes more waits, too.
QUEUED_BYTES: Final = 1 * MIB
# What the thread writes before it says so.
BATCH_BYTES: Final = 256 * KIB
BATCH_PARTS: Final = 512
# For a write that has begun to end when the rest is dropped.
ABANDON_SECONDS: Final = 0.5
# Linux: "as much as you take without blocking", whatever others have set the descriptor to.
NOWAIT: Final[int | None] = getattr(os, "RWF_NOWAIT", None)
UNSUPPORTED: Final = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ESPIPE})


class Writer:
    """Writes to blocking descriptors: what they take at once from here, the rest in a thread.

    The thread is a daemon, so that a reader that has stopped for good cannot keep `arbor` from
    ending when it is told to. While it writes, up to QUEUED_BYTES more are taken.
    """

    def __init__(self) -> None:
        self._queue: deque[tuple[int, memoryview]] = deque()
        self._filled = threading.Condition()
        self._thread: threading.Thread | None = None
        # The loop's own: bytes not written yet, and what went wrong.
        self._waiting = 0
        self._failure: OSError | None = None
        self._progress = Signal()
        self._without_nowait: set[int] = set()

    async def write(self, descriptor: int, data: bytes) -> None:
        """Write `data` behind all before it; returns when it is written or may wait.

        Raises:
            OSError: nobody reads any more (`BrokenPipeError`), or the disk is full. It may be
                about bytes of an earlier call.
        """
        self._check()
        rest = memoryview(data)
        if not self._waiting:
            rest = rest[self._write_now(descriptor, rest) :]
        if rest:
            self._hand_over(descriptor, rest)
            await self._until_waiting(QUEUED_BYTES)

    async def flush(self) -> None:
        """Until everything is written.

        Raises:
            OSError: as for `write`.
        """
        await self._until_waiting(0)

    async def abandon(self) -> None:
        """Drop what the thread has not begun to write, and wait a moment for what it has.

        Afterwards others may write to the descriptors, unless one of them takes nothing.
        """
        with self._filled:
            self._waiting -= sum(len(data) for _, data in self._queue)
            self._queue.clear()
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(ABANDON_SECONDS):
                await self.flush()

    async def _until_waiting(self, limit: int) -> None:
        while self._waiting > limit and self._failure is None:
            await self._progress.wait()
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _write_now(self, descriptor: int, data: memoryview) -> int:
        """How much of `data` the descriptor took without blocking."""
        if NOWAIT is not None and descriptor not in self._without_nowait:
            try:
                return os.pwritev(descriptor, [data], -1, NOWAIT)
            except BlockingIOError:
                return 0
            except OSError as error:
                if error.errno not in UNSUPPORTED:
                    raise
                self._without_nowait.add(descriptor)
        if len(data) <= SMALL_BYTES and _is_ready(descriptor):
            return _write_some(descriptor, [data])
        return 0

    def _hand_over(self, descriptor: int, data: memoryview) -> None:
        self._waiting += len(data)
        with self._filled:
            self._queue.append((descriptor, data))
            self._filled.notify()
        if self._thread is None:
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(
                target=self._work, args=(loop,), name="writer", daemon=True
            )
            self._thread.start()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        failure: OSError | None = None
        while failure is None:
            descriptor, parts = self._take()
            count = sum(map(len, parts))
            try:
                _write_all(descriptor, parts)
            except OSError as error:
                failure = error
            try:
                loop.call_soon_threadsafe(self._written, count, failure)
            except RuntimeError:
                # The loop was closed meanwhile: nobody waits.
                return

    def _take(self) -> tuple[int, list[memoryview]]:
        """What comes next for one descriptor, once there is anything."""
        with self._filled:
            while not self._queue:
                self._filled.wait()
            descriptor = self._queue[0][0]
            parts: list[memoryview] = []
            size = 0
            while (
                self._queue
                and self._queue[0][0] == descriptor
                and size < BATCH_BYTES
                and len(parts) < BATCH_PARTS
            ):
                parts.append(self._queue.popleft()[1])
                size += len(parts[-1])
            return descriptor, parts

    def _written(self, count: int, failure: OSError | None) -> None:
        self._waiting -= count
        self._failure = failure
        self._progress.fire()


def _write_all(descriptor: int, parts: list[memoryview]) -> None:
    rest = deque(parts)
    while rest:
        count = _write_some(descriptor, rest)
        while rest and count >= len(rest[0]):
            count -= len(rest.popleft())
        if count:
            rest[0] = rest[0][count:]


def _write_some(descriptor: int, parts: list[memoryview] | deque[memoryview]) -> int:
    try:
        return os.writev(descriptor, parts)
    except BlockingIOError:
        # Somebody who shares the descriptor made it non-blocking.
        select.select([], [descriptor], [])
        return 0


def _is_ready(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & select.POLLOUT for _, event in poll.poll(0))
