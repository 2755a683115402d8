"""Reads whose cost a client chooses: on threads of their own, a few at a time, each with a budget.

A read on the event loop stops every connection of the hub for as long as it takes. This module
knows nothing of tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import apsw

from arborlink.hub.store.faults import explain
from arborlink.hub.store.writer import Job, T
from arborlink.protocol.errors import InvalidInput, TooManyRequests, Unavailable

READS_AT_ONCE: Final = 2
READS_WAITING: Final = 32
READ_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0
# Instructions of SQLite between two looks at the clock. A row takes about twenty, and what is read
# for a row is bounded, so a read ends within some 30 ms of its budget. Each look needs Python's
# lock, for which a thread may wait 5 ms while the loop is busy: more looks would make reads slow.
STEPS_PER_CHECK: Final = 5_000

READ_TOO_SLOW: Final = "read_too_slow"
TOO_MANY_READS: Final = "too_many_reads"


class Readers:
    """Runs jobs on read-only connections of their own. Used from one event loop.

    Each job is one transaction at most, and sees every write that was awaited before it was asked
    for. `open_connection` is called on the thread that uses the connection.
    """

    def __init__(
        self,
        open_connection: Callable[[], apsw.Connection],
        *,
        name: str,
        at_once: int = READS_AT_ONCE,
        waiting: int = READS_WAITING,
        seconds: float = READ_SECONDS,
    ) -> None:
        self.seconds = seconds
        self._open = open_connection
        self._closing = False
        self._room = at_once + waiting
        self._executor = ThreadPoolExecutor(at_once, thread_name_prefix=f"store-{name}")
        self._idle: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()

    async def read(self, job: Job[T]) -> T:
        """Return what `job` reads. It is interrupted when its budget is used up, or when the caller
        is cancelled.

        Raises:
            InvalidInput: it took longer than `seconds` (code `read_too_slow`).
            TooManyRequests: too many reads wait already (code `too_many_reads`).
            Unavailable: the disk does not give what is read, or the store was closed.
        """
        if self._room == 0:
            raise TooManyRequests(
                "Too many lists and searches wait for their turn.",
                code=TOO_MANY_READS,
                retry_after=RETRY_SECONDS,
            )
        unwanted = _Flag()
        try:
            running = self._executor.submit(self._run, job, unwanted)
        except RuntimeError as error:
            raise _stopping() from error
        self._room -= 1
        # Not when the caller is done: a thread that is being interrupted still has its place.
        running.add_done_callback(self._on_done)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            # Of a read that had not begun when the store was closed; the caller is not cancelled.
            task = asyncio.current_task()
            if self._closing and task is not None and not task.cancelling():
                raise _stopping() from None
            raise
        finally:
            unwanted.is_set = True

    def close(self) -> None:
        """Interrupt the reads that run, and close the connections."""
        self._closing = True
        self._executor.shutdown(wait=True, cancel_futures=True)
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _on_done(self, _future: Future[T]) -> None:
        # The loop is gone when a process ends without closing: then no caller waits either.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._add_room)

    def _add_room(self) -> None:
        self._room += 1

    # ── on a thread of the executor ──────────────────────────────────────────────────────────

    def _run(self, job: Job[T], unwanted: _Flag) -> T:
        deadline = time.monotonic() + self.seconds

        def should_stop() -> bool:
            return unwanted.is_set or self._closing or time.monotonic() >= deadline

        try:
            connection = self._connection()
            try:
                connection.set_progress_handler(should_stop, STEPS_PER_CHECK)
                return job(connection)
            finally:
                connection.set_progress_handler(None)
                self._idle.put(connection)
        except apsw.InterruptError as error:
            if self._closing:
                raise _stopping() from error
            raise InvalidInput(
                f"The hub would have to read for longer than {self.seconds:g} s to answer this. "
                "Ask for less: for one workspace, or for one status.",
                code=READ_TOO_SLOW,
            ) from error
        except apsw.Error as error:
            explained = explain(error)
            if explained is error:
                raise
            raise explained from error

    def _connection(self) -> apsw.Connection:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        return self._open()


class _Flag:
    """Set on the loop and read by a thread."""

    def __init__(self) -> None:
        self.is_set = False


def _stopping() -> Unavailable:
    return Unavailable("The hub is stopping.", code="draining", retry_after=2.0)
