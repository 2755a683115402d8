"""The relational store in one SQLite file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from arborlink.hub.store.database import fetch
from arborlink.hub.store.faults import explain
from arborlink.hub.store.queries import load
from arborlink.hub.store.sqlite_accounts import SqliteAccounts
from arborlink.hub.store.sqlite_daemons import SqliteDaemons
from arborlink.hub.store.sqlite_retention import SqliteRetention
from arborlink.hub.store.sqlite_tasks import SqliteTasks
from arborlink.hub.store.sqlite_users import SqliteUsers
from arborlink.hub.store.sqlite_workspaces import SqliteWorkspaces

DATABASE_FILE: Final = "hub.sqlite3"
TIME_KEY: Final = "latest_time"

_META: Final = load("meta")


class SqliteStore(
    SqliteTasks, SqliteRetention, SqliteWorkspaces, SqliteUsers, SqliteAccounts, SqliteDaemons
):
    """Implements `Store`; to be made with `open`, on the event loop that will use it."""

    hub_id: str
    generation: int
    restored_after: str | None

    @classmethod
    async def open(cls, path: Path, make_hub_id: Callable[[], str]) -> SqliteStore:
        """Open, create or migrate the database at `path`. `make_hub_id` is asked once, ever.

        Raises:
            Unavailable: a newer Arbor wrote it, or it cannot be written.
        """
        try:
            store = cls(path)
        except apsw.Error as error:
            raise explain(error) from error

        def job(connection: apsw.Connection) -> tuple[str, int, str | None]:
            facts = dict(fetch(connection, _META["facts"]))
            hub_id = str(facts.get("hub_id") or make_hub_id())
            generation = int(facts.get("generation", "0")) + 1
            for key, value in (("hub_id", hub_id), ("generation", str(generation))):
                connection.execute(_META["set_meta"], {"key": key, "value": value})
            return hub_id, generation, facts.get("restored_after")

        try:
            store.hub_id, store.generation, store.restored_after = await store._write(job)
        except BaseException:
            await store.close()
            raise
        return store

    async def check_writable(self) -> None:
        """Write something durably."""
        bindings = {"key": "last_check", "value": str(self.generation)}
        await self._execute(_META["set_meta"], bindings)

    def latest_time(self) -> int:
        """The last that was noted, in µs since 1970."""
        row = self._one(_META["meta"], {"key": TIME_KEY})
        return 0 if row is None else int(row[0])

    async def note_time(self, now: int) -> None:
        """Remember that it is `now`."""
        await self._execute(_META["set_meta"], {"key": TIME_KEY, "value": str(now)})
