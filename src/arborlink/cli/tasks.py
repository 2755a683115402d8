"""`arbor tasks` and `arbor cancel`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from arborlink.cli import exits
from arborlink.cli.completion import (
    complete_statuses,
    complete_tasks,
    complete_workspaces,
)
from arborlink.cli.console import complain, say
from arborlink.cli.listing import listing_options, parse_filters, print_special
from arborlink.cli.parameters import TIME, duration
from arborlink.cli.references import TASK_HELP, WORKSPACE_HELP

if TYPE_CHECKING:
    from arborlink.client import Hub
    from arborlink.client.selection import Seen
    from arborlink.protocol.resources import Task

DEFAULT_LIMIT: Final = 20
# So many tasks are looked through, and listed with --all, at most.
MOST_TASKS: Final = 10_000
FILTERS: Final = ("status", "workspace", "by", "exit", "reason", "title")
MAX_GRACE_SECONDS: Final = 300.0
EXAMPLES: Final = """\b
Examples:
  arbor tasks -w laptop --status running
  arbor tasks --filter exit=1 --since 1d
  arbor tasks --all --quiet --status failed
  arbor tasks --format '{id}\\t{status}\\t{command} {args}'
"""


@click.command("tasks", epilog=EXAMPLES, short_help="List tasks.")
@click.option("-w", "--workspace", help=WORKSPACE_HELP, shell_complete=complete_workspaces)
@click.option(
    "--status",
    metavar="STATUS",
    shell_complete=complete_statuses,
    help="pending, running, completed, failed, cancelled, lost or expired; several with commas.",
)
@click.option("--search", metavar="TEXT", help="Part of the command or title.")
@click.option(
    "--filter",
    "filters",
    metavar="KEY=VALUE",
    multiple=True,
    help=f"Repeatable. Keys: {', '.join(FILTERS)}. by=me: your own.",
)
@click.option("--since", type=TIME, metavar="TIME", help="Created since: 2h, 13:05, 2026-01-31.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="How many at most, the newest first.",
)
@click.option(
    "-a", "--all", "every", is_flag=True, help=f"All, not only some (up to {MOST_TASKS})."
)
@listing_options
def tasks_command(
    workspace: str | None,
    status: str | None,
    search: str | None,
    filters: tuple[str, ...],
    since: datetime | None,
    limit: int,
    every: bool,
    form: str,
    as_json: bool,
    quiet: bool,
    no_trunc: bool,
    utc: bool,
) -> None:
    """List the newest tasks, of all workspaces or one. An ID as it is shown is enough to name a
    task; in the JSON, isCut says that a long command is cut.
    """
    from arborlink.cli.session import with_hub
    from arborlink.cli.task_listing import Wanted, find_tasks
    from arborlink.cli.task_table import print_tasks

    wanted = Wanted(
        workspace=workspace,
        status=status,
        search=search,
        filters=parse_filters(filters, FILTERS),
        since=since,
        limit=MOST_TASKS if every else limit,
    )
    is_table = form == "table" and not (as_json or quiet)

    async def work(hub: Hub) -> tuple[list[Task], Seen | None]:
        return await find_tasks(hub, wanted, with_names=is_table)

    tasks, seen = with_hub(work)
    if print_special(tasks, form, as_json=as_json, quiet=quiet):
        return
    if tasks and seen is not None:
        print_tasks(tasks, seen, whole=no_trunc, utc=utc)
    elif wanted.is_narrow:
        say("no task fits. `arbor tasks` without options lists the newest")
    else:
        say("no tasks. `arbor run -- COMMAND` starts one")


@click.command("cancel", epilog="Example: arbor cancel 7h2k q9xe", short_help="Cancel tasks.")
@click.argument("tasks", nargs=-1, required=True, shell_complete=complete_tasks)
@click.option(
    "--grace",
    type=duration(most=MAX_GRACE_SECONDS),
    metavar="DURATION",
    default=5.0,
    show_default="5s",
    help="Between SIGTERM and SIGKILL.",
)
def cancel_command(tasks: tuple[str, ...], grace: float) -> int:
    from arborlink.cli.session import choose_task, with_hub
    from arborlink.client import ArborError

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


cancel_command.help = f"End each of TASKS, with all of its processes.\n\n{TASK_HELP}"
