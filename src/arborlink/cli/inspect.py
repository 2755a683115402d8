"""`arbor inspect`: all that is known of a task or a workspace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from arborlink.cli.completion import complete_tasks_and_workspaces
from arborlink.cli.console import print_json, show
from arborlink.cli.display import ago, duration_text, size_text, time_text
from arborlink.cli.listing import TABLE, print_special
from arborlink.cli.references import TASK_HELP

if TYPE_CHECKING:
    from arborlink.client import Hub
    from arborlink.protocol.resources import Task, Workspace

NAME_CELLS: Final = 12

Lines = list[tuple[str, str]]


@click.command(
    "inspect",
    epilog="\b\nExamples:\n  arbor inspect last\n  arbor inspect laptop --json\n"
    "  arbor inspect --format '{exitCode}' 7h2k",
    short_help="All that is known of a task or a workspace.",
)
@click.argument("name", shell_complete=complete_tasks_and_workspaces)
@click.option(
    "--format",
    "form",
    metavar="FORMAT",
    default=TABLE,
    help="json, or a text with fields of the JSON: '{id} {status}'.",
)
@click.option("--json", "as_json", is_flag=True, help="As the API shows it.")
@click.option("--utc", is_flag=True, help="Times in UTC, not in the local zone.")
def inspect_command(name: str, form: str, as_json: bool, utc: bool) -> None:
    from arborlink.cli.session import with_hub

    async def work(hub: Hub) -> tuple[Task | Workspace, str]:
        return await _find(hub, name)

    found, where = with_hub(work)
    if print_special([found], form, as_json=as_json, quiet=False) if form != TABLE else False:
        return
    if as_json:
        print_json(found)
        return
    for title, text in describe(found, where, utc=utc):
        show(f"{title:{NAME_CELLS}} {text}" if title else f"{'':{NAME_CELLS}} {text}")


inspect_command.help = (
    "Show all that is known of NAME: a task, or a workspace by its name or id. A workspace comes "
    f"first where both fit.\n\n{TASK_HELP}"
)


async def _find(hub: Hub, name: str) -> tuple[Task | Workspace, str]:
    """Return what `name` means, and the name of a task's workspace.

    Raises:
        NotFound, InvalidInput: as of tasks, where no workspace fits.
    """
    from arborlink.cli.session import choose_task
    from arborlink.client import NotFound
    from arborlink.client.seeing import see
    from arborlink.client.selection import LAST, TASK_PREFIX, pick_workspace, shown_name

    seen = await see(hub)
    if name != LAST and not name.startswith(TASK_PREFIX):
        try:
            return pick_workspace(seen, name), ""
        except NotFound as error:
            no_workspace = error
        try:
            task = await choose_task(hub, name, doing="it is in")
        except NotFound as error:
            raise NotFound(f"{error.message}; and {no_workspace.message}") from error
    else:
        task = await choose_task(hub, name, doing="it is in")
    names = {each.id: shown_name(each, seen.me) for each in seen.workspaces}
    return await task.refresh(), names.get(task.info.workspace_id, task.info.workspace_id)


def describe(
    found: Task | Workspace, where: str, *, utc: bool = False, now: datetime | None = None
) -> Lines:
    """Return what is known, as titles and texts."""
    from arborlink.protocol.resources import Task

    moment = now or datetime.now(UTC)
    if isinstance(found, Task):
        return _task(found, where, utc=utc, now=moment)
    return _workspace(found, utc=utc, now=moment)


def _task(task: Task, where: str, *, utc: bool, now: datetime) -> Lines:
    from arborlink.cli.task_table import command_text, exit_text, ran_text, status_text

    lines = [("task", task.id)]
    if task.title is not None:
        lines.append(("title", task.title))
    lines += [
        ("command", command_text(task)),
        ("run by", "/bin/sh -c" if task.shell else "no shell"),
        ("workspace", f"{where} ({task.workspace_id})"),
        ("folder", task.cwd),
        ("variables", ", ".join(task.env) or "none of its own"),
        ("status", status_text(task)),
        ("exit", exit_text(task)),
    ]
    if task.error is not None:
        lines.append(("why", task.error))
    for title, time in (
        ("created", task.created_at),
        ("started", task.started_at),
        ("ended", task.finished_at),
    ):
        lines.append((title, "-" if time is None else _time(time, utc=utc, now=now)))
    lines += [
        ("ran for", ran_text(task, now)),
        ("timeout", "none" if task.timeout is None else duration_text(task.timeout)),
        ("started by", task.created_by),
        (
            "terminal",
            "none" if task.tty is None else f"{task.tty.cols} by {task.tty.rows}",
        ),
        ("output", f"{size_text(task.output_size)} ({task.output_size} bytes)"),
        ("watched by", str(task.watching)),
    ]
    for gap in task.gaps:
        size = size_text(gap.end - gap.start)
        lines.append(("missing", f"{size} from byte {gap.start} to {gap.end} ({gap.reason})"))
    return lines


def _workspace(workspace: Workspace, *, utc: bool, now: datetime) -> Lines:
    from arborlink.cli.workspaces import change_text, state_text

    owner = workspace.owner
    trip = workspace.round_trip_ms
    lines = [
        ("workspace", workspace.name),
        ("id", workspace.id),
        ("owner", "-" if owner is None else f"{owner.username} ({owner.id})"),
        ("state", state_text(workspace, utc=utc, now=now)),
        ("folder", workspace.path or "-"),
        ("machine", workspace.host or "-"),
        ("user there", workspace.user or "-"),
        ("platform", workspace.platform or "-"),
        ("version", workspace.version or "-"),
        ("daemon", workspace.daemon_id or "none"),
        ("round trip", "-" if trip is None else f"{trip:.1f} ms"),
        ("running", str(workspace.running_tasks)),
        ("waiting", str(workspace.queued_tasks)),
        ("created", _time(workspace.created_at, utc=utc, now=now)),
    ]
    if workspace.daemon_change is not None:
        lines.append(("last change", change_text(workspace.daemon_change)))
    if workspace.attention is not None:
        lines.append(("attention", workspace.attention.text))
    return lines


def _time(time: str, *, utc: bool, now: datetime) -> str:
    return f"{time_text(time, utc=utc)} ({ago(time, now)})"
