"""Sizes of tasks' terminals in SQLite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import apsw

from arborlink.hub.store.queries import load
from arborlink.protocol.resources import TerminalSize, TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory

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
    stored = decode_sizes(connection.execute(_SQL["terminal_sizes"], {"task_id": task_id}))
    history = SizeHistory(stored)
    if not stored:
        history.add(TerminalSizeChange(offset=0, time=0, cols=created.cols, rows=created.rows))
    is_new = history.add(change)
    wanted, known = set(history.items), set(stored)
    for size in known - wanted:
        connection.execute(_SQL["remove_terminal_size"], _bindings(task_id, size))
    for size in wanted - known:
        connection.execute(_SQL["add_terminal_size"], _bindings(task_id, size))
    grown = SIZE_BYTES * (len(wanted) - len(known))
    if grown:
        connection.execute(_SQL["grow_task_row"], {"id": task_id, "bytes": grown})
    return is_new and history.last == change


def _bindings(task_id: str, size: TerminalSizeChange) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "from_offset": size.offset,
        "from_time": size.time,
        "cols": size.cols,
        "rows": size.rows,
    }
