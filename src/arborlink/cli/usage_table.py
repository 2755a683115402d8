"""What running tasks use, as a table. Pure but for what prints it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from arborlink.cli.console import print_table, terminal_room
from arborlink.cli.display import duration_text, size_text
from arborlink.cli.listing import shown_ids
from arborlink.cli.table import Column, layout
from arborlink.cli.task_table import COMMAND_CELLS, NAME_CELLS, NOTHING, command_text, ran_text
from arborlink.client.selection import Seen, shown_name
from arborlink.protocol.resources import Task

Order = Literal["cpu", "memory", "time"]
COLUMNS: Final = (
    Column("ID"),
    Column("WORKSPACE", least=NAME_CELLS, spare=2),
    Column("CPU", right=True),
    Column("MEMORY", right=True),
    Column("CPU TIME", right=True, spare=3),
    Column("PROCESSES", right=True, spare=4),
    Column("RAN", right=True, spare=1),
    Column("COMMAND", least=COMMAND_CELLS),
)


def print_usage(tasks: Sequence[Task], seen: Seen, order: Order) -> None:
    """Print one line a task, those that use most first."""
    print_table(COLUMNS, rows_of(tasks, seen, order))


def lines_of(tasks: Sequence[Task], seen: Seen, order: Order, now: datetime) -> list[str]:
    """Return what fills a terminal: a line about all of them, then the table."""
    used = [task.usage for task in tasks if task.usage is not None]
    share = sum(usage.cpu_share for usage in used)
    memory = sum(usage.memory_bytes for usage in used)
    title = f"{len(tasks)} running · {share:.0%} CPU · {size_text(memory)} · q ends"
    if not tasks:
        return [title, "", "Nothing is running. `arbor run -- COMMAND` starts a task."]
    return [title, "", *layout(COLUMNS, rows_of(tasks, seen, order, now), terminal_room())]


def rows_of(
    tasks: Sequence[Task], seen: Seen, order: Order, now: datetime | None = None
) -> list[tuple[str, ...]]:
    """Return the cells of each task, in order."""
    me = seen.me
    names = {each.id: shown_name(each, me) for each in seen.workspaces}
    own = [each.id for each in tasks if each.created_by == me.user_id]
    others = [each.id for each in tasks if each.created_by != me.user_id]
    ids = shown_ids(False, own, others)
    return [
        (
            ids.get(task.id, task.id),
            names.get(task.workspace_id, task.workspace_id),
            *_usage_cells(task),
            ran_text(task, now),
            task.title or command_text(task),
        )
        for task in sorted(tasks, key=lambda task: _amount(task, order), reverse=True)
    ]


def _usage_cells(task: Task) -> tuple[str, str, str, str]:
    usage = task.usage
    if usage is None:
        return NOTHING, NOTHING, NOTHING, NOTHING
    return (
        f"{usage.cpu_share:.0%}",
        size_text(usage.memory_bytes),
        duration_text(usage.cpu_seconds),
        str(usage.processes),
    )


def _amount(task: Task, order: Order) -> float:
    usage = task.usage
    if usage is None:
        return -1.0
    amounts = {"cpu": usage.cpu_share, "memory": usage.memory_bytes, "time": usage.cpu_seconds}
    return float(amounts[order])
