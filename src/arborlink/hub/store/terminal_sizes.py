"""Sizes of tasks' terminals in SQLite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import apsw

from arborlink.hub.store.queries import load
from arborlink.protocol.resources import TerminalSize, TerminalSizeChange
from arborlink.protocol.size_history import Position, placing, position

_SQL: Final = load("tasks")

# What a size takes in the database, about.
SIZE_BYTES: Final = 64


def decode_sizes(rows: Iterable[tuple[Any, ...]]) -> list[TerminalSizeChange]:
    """Return the sizes of rows of `terminal_sizes`, in their order."""
    return [
        TerminalSizeChange(offset=offset, time=time, cols=cols, rows=height)
        for offset, time, cols, height in rows
    ]


def store_size(
    connection: apsw.Connection, task_id: str, created: TerminalSize, change: TerminalSizeChange
) -> bool:
    """Store a size unless it is known; `created` is the size before the first one of all.

    Returns whether the terminal has this size now. Runs in the caller's transaction.
    """
    count, last, is_known = _place(connection, task_id, change)
    if not count:
        first = TerminalSizeChange(offset=0, time=0, cols=created.cols, rows=created.rows)
        _add(connection, task_id, first)
        count, last, is_known = _place(connection, task_id, change)
    what = "no" if is_known else placing(change, count, last)
    if what == "no":
        return False
    if what == "replace_last":
        connection.execute(_SQL["remove_last_terminal_size"], {"task_id": task_id})
        connection.execute(_SQL["grow_task_row"], {"id": task_id, "bytes": -SIZE_BYTES})
    _add(connection, task_id, change)
    return last is not None and position(change) > last


def _place(
    connection: apsw.Connection, task_id: str, change: TerminalSizeChange
) -> tuple[int, Position | None, bool]:
    """Return how many sizes are stored, where the last is, and whether this one is known.

    A daemon can say a thousand of them in a moment: they are not all read for each.
    """
    bindings = {"task_id": task_id, "from_offset": change.offset, "from_time": change.time}
    found = connection.execute(_SQL["place_of_terminal_size"], bindings).fetchone()
    assert found is not None
    count, offset, time, is_known = found
    return count, None if offset is None else (offset, time), bool(is_known)


def _add(connection: apsw.Connection, task_id: str, size: TerminalSizeChange) -> None:
    connection.execute(_SQL["add_terminal_size"], _bindings(task_id, size))
    connection.execute(_SQL["grow_task_row"], {"id": task_id, "bytes": SIZE_BYTES})


def _bindings(task_id: str, size: TerminalSizeChange) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "from_offset": size.offset,
        "from_time": size.time,
        "cols": size.cols,
        "rows": size.rows,
    }
