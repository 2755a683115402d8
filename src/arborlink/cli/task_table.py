"""Tasks as a table."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from arborlink.cli.console import print_table
from arborlink.cli.display import ago, day_text, duration_text, moment, seconds_since, size_text
from arborlink.cli.listing import shown_ids
from arborlink.cli.table import Column
from arborlink.client.selection import Seen, shown_name
from arborlink.protocol.lifecycle import Reason, TaskStatus
from arborlink.protocol.resources import Task

# Fewer cells of a command say nothing.
COMMAND_CELLS: Final = 20
NAME_CELLS: Final = 8
NOTHING: Final = "-"
# Reasons that the exit code says, or the status itself.
_PLAIN: Final = frozenset({Reason.EXIT_CODE, Reason.SIGNAL, Reason.CANCELLED, None})
COLUMNS: Final = (
    Column("ID"),
    Column("STATUS"),
    Column("EXIT", spare=1),
    Column("WORKSPACE", least=NAME_CELLS, spare=2),
    Column("AGE", right=True),
    Column("RAN", right=True, spare=3),
    Column("OUTPUT", right=True, spare=4),
    Column("BY", least=NAME_CELLS, spare=1),
    Column("COMMAND", least=COMMAND_CELLS),
)
_BY: Final = 7


def print_tasks(
    tasks: Sequence[Task], seen: Seen, *, whole: bool, utc: bool, now: datetime | None = None
) -> None:
    """Print tasks; who started each is shown where not all are one's own."""
    me = seen.me
    names = {each.id: shown_name(each, me) for each in seen.workspaces}
    accounts = {each.owner.id: each.owner.username for each in seen.workspaces if each.owner}
    accounts[me.user_id] = me.username
    own = [each.id for each in tasks if each.created_by == me.user_id]
    others = [each.id for each in tasks if each.created_by != me.user_id]
    ids = shown_ids(whole, own, others)
    rows: list[tuple[str, ...]] = [
        (
            ids.get(task.id, task.id),
            status_text(task),
            exit_text(task),
            names.get(task.workspace_id, task.workspace_id),
            day_text(task.created_at, utc=True) if utc else _age(task.created_at, now),
            ran_text(task, now),
            size_text(task.output_size),
            accounts.get(task.created_by, task.created_by[-8:]),
            task.title or command_text(task),
        )
        for task in tasks
    ]
    columns = list(COLUMNS)
    if not others:
        del columns[_BY]
        rows = [(*row[:_BY], *row[_BY + 1 :]) for row in rows]
    print_table(columns, rows, whole=whole)


def _age(time: str, now: datetime | None) -> str:
    return ago(time, now).removesuffix(" ago").replace("just now", "now")


def status_text(task: Task) -> str:
    """Return the status, and why, where its exit does not say that."""
    if task.cancel_requested and task.status is TaskStatus.RUNNING:
        return "running (ending)"
    if task.reason in _PLAIN or task.reason == task.status:
        return str(task.status)
    return f"{task.status} ({str(task.reason).replace('_', ' ')})"


def exit_text(task: Task) -> str:
    """Return the exit code, or the signal that ended the task, or a dash."""
    if task.exit_code is not None:
        return str(task.exit_code)
    return NOTHING if task.signal is None else signal_name(task.signal)


def signal_name(number: int) -> str:
    """Return `KILL` for 9; the number where this system has no name for it."""
    with suppress(ValueError):
        return signal.Signals(number).name.removeprefix("SIG")
    return str(number)


def ran_text(task: Task, now: datetime | None = None) -> str:
    """Return for how long a task has run, or did; a dash for one that did not start."""
    if task.started_at is None:
        return NOTHING
    end = now or datetime.now(UTC) if task.finished_at is None else moment(task.finished_at)
    return duration_text(seconds_since(task.started_at, end))


def command_text(task: Task) -> str:
    """Return the command as a shell takes it, with an ellipsis where it is cut."""
    command = task.command if task.shell else shlex.join([task.command, *task.args])
    return f"{command} …" if task.is_cut else command
