"""A consistent copy of the database of a hub that may be running, and what becomes of the copy.

Reads the original from a connection of its own, in one read transaction: the hub goes on writing.
The copy is made of rows, not of pages, so that nothing is in it of what was deleted.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from arborlink.hub.store.database import BUSY_TIMEOUT_MS, fetch
from arborlink.hub.store.faults import explain
from arborlink.hub.store.queries import load
from arborlink.protocol.errors import InvalidInput

_SQL: Final = load("snapshot")
_IN_ONE_FILE: Final = "delete"  # the journal mode that leaves nothing beside the database


class SnapshotTask(Struct, frozen=True, kw_only=True):
    """A task in the copy. `has_output`: it is over, and had some."""

    id: str
    has_output: bool


class Snapshot:
    """The copy at `path`, which is nobody else's."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, original: Path, path: Path) -> Snapshot:
        """Copy a database as it is now, but for values of variables that are not needed to run a
        task which waits: a restored hub starts no other.

        Raises:
            Unavailable: one of the two cannot be used.
        """
        try:
            with closing(_open(original, apsw.SQLITE_OPEN_READONLY)) as source:
                source.execute(_SQL["copy"], {"path": str(path)})
            with closing(_open(path, apsw.SQLITE_OPEN_READWRITE)) as target:
                target.pragma("journal_mode", _IN_ONE_FILE)
                target.execute(_SQL["forget_values"])
        except apsw.Error as error:
            raise explain(error) from error
        return cls(path)

    def facts(self) -> dict[str, str]:
        """What the database says about itself."""
        with closing(_open(self.path, apsw.SQLITE_OPEN_READONLY)) as connection:
            return dict(fetch(connection, _SQL["facts"]))

    def tasks(self) -> list[SnapshotTask]:
        """All tasks."""
        with closing(_open(self.path, apsw.SQLITE_OPEN_READONLY)) as connection:
            rows = fetch(connection, _SQL["snapshot_tasks"])
        return [SnapshotTask(id=task_id, has_output=bool(has)) for task_id, has in rows]

    def remove_tasks(self, task_ids: list[str]) -> None:
        """Tasks whose output was removed while it was to be copied."""
        with closing(_open(self.path, apsw.SQLITE_OPEN_READWRITE)) as connection:
            connection.pragma("foreign_keys", True)
            for task_id in task_ids:
                connection.execute(_SQL["remove_task"], {"id": task_id})

    def become_another_hub(self) -> None:
        """The hub that opens this from now on is not the one it was copied from.

        Raises:
            InvalidInput: it is no hub's database.
            Unavailable: the file is no database, or is damaged.
        """
        try:
            with closing(_open(self.path, apsw.SQLITE_OPEN_READWRITE)) as connection:
                fault = fetch(connection, _SQL["quick_check"])
                if fault != [("ok",)]:
                    raise apsw.CorruptError(str(fault[0][0]))
                connection.execute(_SQL["forget_hub_id"])
                connection.execute(_SQL["remember_newest_task"])
        except apsw.SQLError as error:
            raise InvalidInput(f"{self.path.name} is no hub's database: {error}.") from error
        except apsw.Error as error:
            raise explain(error) from error


def _open(path: Path, flags: int) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    if not flags & apsw.SQLITE_OPEN_READONLY:
        connection.pragma("secure_delete", True)
    return connection
