"""`arbor tasks` and `arbor cancel`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from arborlink.cli import exits
from arborlink.cli.console import ago, complain, print_json, print_table, say, size_text
from arborlink.cli.references import WORKSPACE_HELP

if TYPE_CHECKING:
    from arborlink.protocol.resources import Task


@click.command(
    "tasks",
    epilog="Example: arbor tasks -w laptop --status running --json",
    short_help="List tasks.",
)
@click.option("-w", "--workspace", help=WORKSPACE_HELP)
@click.option("--status", help="pending, running, completed, failed, cancelled, lost or expired.")
@click.option("--search", metavar="TEXT", help="Part of the command or title.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@click.option(
    "--json", "as_json", is_flag=True, help="As the API lists them; isCut: the command is cut."
)
def tasks_command(
    workspace: str | None, status: str | None, search: str | None, limit: int, as_json: bool
) -> None:
    """List the newest tasks. The last four characters of an ID are mostly enough to name it."""
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import Hub

    async def work(hub: Hub) -> list[Task]:
        chosen = None
        if workspace is not None:
            chosen = (await choose_workspace(hub, workspace, doing="tasks of")).id
        return await hub.tasks(workspace=chosen, status=status, search=search, limit=limit)

    tasks = with_hub(work)
    if as_json:
        print_json(tasks)
    elif tasks:
        print_table(
            ("ID", "STATUS", "CREATED", "OUTPUT", "COMMAND"), [_row(each) for each in tasks]
        )
    else:
        say("no tasks. `arbor run -- COMMAND` starts one")


def _row(task: Task) -> tuple[str, ...]:
    status: str = task.status
    if task.exit_code:
        status += f" ({task.exit_code})"
    elif task.reason and task.reason != task.status:
        status += f" ({task.reason})"
    command = task.command if task.shell else shlex.join([task.command, *task.args])
    command += " …" if task.is_cut else ""
    return (
        task.id,
        status,
        ago(task.created_at),
        size_text(task.output_size),
        task.title or command,
    )


@click.command("cancel", epilog="Example: arbor cancel 7h2k q9xe", short_help="Cancel tasks.")
@click.argument("tasks", nargs=-1, required=True)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    default=5.0,
    show_default=True,
    help="Between SIGTERM and SIGKILL.",
)
def cancel_command(tasks: tuple[str, ...], grace: float) -> int:
    """End the whole process tree of each of TASKS (ids, their last characters, or `last`)."""
    from arborlink.cli.session import choose_task, with_hub
    from arborlink.client import ArborError, Hub

    async def work(hub: Hub) -> int:
        code = exits.DONE
        for ref in tasks:
            try:
                handle = await choose_task(hub, ref, doing="cancelling in")
                was_over = handle.over
                await handle.cancel(grace_seconds=grace)
                say(f"{handle.id} {'was over already' if was_over else 'is being cancelled'}")
            except ArborError as error:
                complain(error.message)
                code = exits.FAILED
        return code

    return with_hub(work)
