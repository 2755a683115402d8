"""The SQLite file: one connection that writes, on its own thread, and some that only read.

Reads of a few small rows run where they are called; each is a transaction of its own, so it sees
every write that was awaited. Reads whose cost a client chooses run on threads (`readers`). This
module knows nothing of tables; which rows are told of when they go is in `removals`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from arborlink.hub.store.base import Removed
from arborlink.hub.store.faults import explain
from arborlink.hub.store.readers import Readers
from arborlink.hub.store.removals import Removals
from arborlink.hub.store.rewriting import rewrite_once
from arborlink.hub.store.schema import migrate
from arborlink.hub.store.writer import Job, T, Writer

BUSY_TIMEOUT_MS: Final = 5_000
STATEMENT_CACHE: Final = 128

Bindings = dict[str, Any]

log = logging.getLogger(__name__)


class Database:
    """Base of the stores' parts. To be made on the event loop that will use it."""

    def __init__(self, path: Path) -> None:
        """Open, and if need be create or migrate, the database at `path`.

        Raises:
            Unavailable: it was written by a newer Arbor.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        writing = _open(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        path.chmod(0o600)
        try:
            migrate(writing)
            rewrite_once(writing)
        except BaseException:
            writing.close()
            raise
        self._reading = _open(path, apsw.SQLITE_OPEN_READONLY)
        self._removal_listeners: list[Callable[[Removed], object]] = []
        self._writer = Writer(
            writing,
            asyncio.get_running_loop(),
            busy_timeout_ms=BUSY_TIMEOUT_MS,
            drain_effects=Removals(writing).drain,
            on_effects=self._tell_removed,
        )
        # Two, so that lists never wait for searches.
        self.lists, self.searches = (
            Readers(lambda: _open(path, apsw.SQLITE_OPEN_READONLY), name=name)
            for name in ("lists", "searches")
        )

    def on_removed(self, listener: Callable[[Removed], object]) -> None:
        """Call this with everything that is deleted from now on."""
        self._removal_listeners.append(listener)

    def _tell_removed(self, removed: Sequence[Removed]) -> None:
        for each in removed:
            for listener in self._removal_listeners:
                try:
                    listener(each)
                except Exception:
                    # The others are told nevertheless, and the write has succeeded.
                    log.exception("a removal (%s %s) was not acted upon", each.kind, each.id)

    def _all(self, sql: str, bindings: Bindings | None = None) -> list[tuple[Any, ...]]:
        try:
            return fetch(self._reading, sql, bindings)
        except apsw.Error as error:
            explained = explain(error)
            if explained is error:
                raise
            raise explained from error

    def _one(self, sql: str, bindings: Bindings | None = None) -> tuple[Any, ...] | None:
        return next(iter(self._all(sql, bindings)), None)

    async def _write(self, job: Job[T]) -> T:
        return await self._writer.write(job)

    async def _execute(self, sql: str, bindings: Bindings) -> None:
        await self._writer.write(_statement(sql, bindings))

    def _execute_soon(self, sql: str, bindings: Bindings) -> None:
        self._writer.post(_statement(sql, bindings))

    def writes_waiting(self) -> int:
        """Writes that are not durable yet."""
        return self._writer.waiting

    def take_most_writes_waiting(self) -> int:
        """The most that waited at a time since the last call, which one reader makes."""
        return self._writer.take_most_waiting()

    async def close(self) -> None:
        """Everything that was handed in is written first; reads and writes end here."""
        await asyncio.gather(*map(asyncio.to_thread, (self.lists.close, self.searches.close)))
        await self._writer.close()
        self._reading.close()


def fetch(
    connection: apsw.Connection, sql: str, bindings: Bindings | None = None
) -> list[tuple[Any, ...]]:
    """All rows at once: a statement that is not finished would hold its snapshot."""
    return connection.execute(sql, bindings).fetchall()


def _statement(sql: str, bindings: Bindings) -> Job[None]:
    def job(connection: apsw.Connection) -> None:
        connection.execute(sql, bindings)

    return job


def _open(path: Path, flags: int) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=STATEMENT_CACHE)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    if not flags & apsw.SQLITE_OPEN_READONLY:
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("foreign_keys", True)
        # What is deleted is overwritten, so that neither the file nor a copy of it has it any more.
        connection.pragma("secure_delete", True)
    return connection
