"""The one thread that writes: it commits whatever has come in since its last commit, together.

A write that comes alone is on disk after one fsync; while that fsync runs, the next ones gather.
No timers, no polling. This module knows nothing of tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import apsw

from arborlink.hub.store.faults import explain
from arborlink.protocol.errors import Unavailable

MAX_WAITING_JOBS: Final = 10_000
# For a queue that is full, or that is being closed.
RETRY_SECONDS: Final = 2.0
MAX_GROUP_JOBS: Final = 512
# 4 KiB pages: the log is copied into the database whenever it has grown to 8 MiB.
CHECKPOINT_PAGES: Final = 2_048

T = TypeVar("T")
Job = Callable[[apsw.Connection], T]

log = logging.getLogger(__name__)


class _Item(NamedTuple):
    """`empties_ms`: after this one the log is emptied, waiting so long for readers."""

    job: Job[Any]
    future: asyncio.Future[Any] | None
    empties_ms: int | None = None


class _Outcome(NamedTuple):
    item: _Item
    value: Any = None
    error: BaseException | None = None
    effects: Sequence[Any] = ()


class Writer:
    """Runs jobs on `connection`, which is its own from now on. Used from one event loop.

    At most MAX_WAITING_JOBS wait; a job beyond that is refused at once. `drain_effects` is called
    on the writer's thread after each job and returns what else it did; `on_effects` gets that on
    the loop, once the job is durable and before its result is there.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        loop: asyncio.AbstractEventLoop,
        *,
        busy_timeout_ms: int,
        drain_effects: Callable[[], Sequence[Any]],
        on_effects: Callable[[Sequence[Any]], None],
    ) -> None:
        self._connection = connection
        self._busy_timeout_ms = busy_timeout_ms
        self._loop = loop
        self._drain_effects = drain_effects
        self._on_effects = on_effects
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._waiting = 0
        self._most_waiting = 0
        self._closing = False
        self._stopped = loop.create_future()
        self._wal_pages = 0
        connection.set_wal_hook(self._note_wal)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, job: Job[T]) -> T:
        """The job's result, once it is durable. A job that raises leaves no trace.

        Raises:
            Unavailable: overloaded, closing, or the disk does not take it.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._put(_Item(job, future))
        return await future

    def post(self, job: Job[object]) -> None:
        """Run the job soon; nobody waits, and a failure is only logged."""
        with contextlib.suppress(Unavailable):
            self._put(_Item(job, None))

    async def empty_log(self, wait_seconds: float) -> bool:
        """Move the log into the database and make its file empty, after what was handed in before.

        Waits as long for connections that read an older state; False if they did not end.

        Raises:
            Unavailable: overloaded, closing, or the disk does not take it.
        """
        future: asyncio.Future[bool] = self._loop.create_future()
        self._put(_Item(_write_nothing, future, round(1_000 * wait_seconds)))
        return await future

    @property
    def waiting(self) -> int:
        """Jobs that are not durable yet."""
        return self._waiting

    def take_most_waiting(self) -> int:
        """The most that waited at a time since the last call."""
        most, self._most_waiting = self._most_waiting, self._waiting
        return most

    async def close(self) -> None:
        """Write what is waiting, empty the log into the database and close it."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.shield(self._stopped)

    def _put(self, item: _Item) -> None:
        if self._closing:
            raise Unavailable("The hub is stopping.", code="draining", retry_after=RETRY_SECONDS)
        if self._waiting >= MAX_WAITING_JOBS:
            raise Unavailable(
                "The hub's disk cannot keep up.", code="overloaded", retry_after=RETRY_SECONDS
            )
        self._waiting += 1
        self._most_waiting = max(self._most_waiting, self._waiting)
        self._queue.put(item)

    # ── on the writer's thread ───────────────────────────────────────────────────────────────

    def _run(self) -> None:
        more = True
        while more:
            group, more = self._next_group()
            if group:
                outcomes = self._commit(group)
                wait_ms = group[-1].empties_ms
                if wait_ms is not None and outcomes[-1].error is None:
                    outcomes[-1] = _Outcome(group[-1], self._empty(wait_ms))
                self._tell(self._resolve, outcomes)
            if self._wal_pages >= CHECKPOINT_PAGES:
                self._checkpoint("PASSIVE")
        self._checkpoint("TRUNCATE")
        self._connection.close()
        self._tell(self._stopped.set_result, None)

    def _next_group(self) -> tuple[list[_Item], bool]:
        group: list[_Item] = []
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) == MAX_GROUP_JOBS or item.empties_ms is not None:
                return group, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Item]) -> list[_Outcome]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(item) for item in group]
            self._connection.execute("COMMIT")
        except Exception as error:
            log.warning("the store could not commit %d writes: %s", len(group), error)
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._drain_effects()
            return [_Outcome(item, error=explain(error)) for item in group]
        return outcomes

    def _attempt(self, item: _Item) -> _Outcome:
        execute = self._connection.execute
        execute("SAVEPOINT job")
        try:
            value = item.job(self._connection)
        except Exception as error:
            # A full disk may have rolled back the whole group; then none of it may be reported.
            if not self._connection.in_transaction:
                raise
            execute("ROLLBACK TO job")
            execute("RELEASE job")
            self._drain_effects()
            return _Outcome(item, error=explain(error))
        execute("RELEASE job")
        return _Outcome(item, value, effects=self._drain_effects())

    def _note_wal(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self, mode: str) -> None:
        self._wal_pages = 0
        try:
            self._connection.wal_checkpoint(mode=getattr(apsw, f"SQLITE_CHECKPOINT_{mode}"))
        except apsw.Error as error:
            log.warning("the store could not move its log into the database: %s", error)

    def _empty(self, wait_ms: int) -> bool:
        self._wal_pages = 0
        self._connection.set_busy_timeout(wait_ms)
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return False
        except apsw.Error as error:
            log.warning("the store could not empty its log: %s", error)
            return False
        finally:
            self._connection.set_busy_timeout(self._busy_timeout_ms)
        return True

    def _tell(self, callback: Callable[[Any], None], value: Any) -> None:
        # The loop is gone when a process ends without closing: then nobody is waiting either.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, value)

    # ── on the loop again ────────────────────────────────────────────────────────────────────

    def _resolve(self, outcomes: list[_Outcome]) -> None:
        self._waiting -= len(outcomes)
        for (_job, future, _empties), value, error, effects in outcomes:
            if effects:
                self._on_effects(effects)
            if future is None:
                if error is not None:
                    log.warning("a write that nobody waited for failed: %s", error)
            elif not future.done():
                if error is None:
                    future.set_result(value)
                else:
                    future.set_exception(error)


def _write_nothing(_connection: apsw.Connection) -> None:
    """Change nothing."""
