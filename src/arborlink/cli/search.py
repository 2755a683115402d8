"""`arbor search`: finds text in output."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from arborlink.cli import exits
from arborlink.cli.completion import complete_tasks, complete_workspaces
from arborlink.cli.console import print_json, say, show
from arborlink.cli.parameters import TIME
from arborlink.cli.references import WORKSPACE_HELP

if TYPE_CHECKING:
    from arborlink.client import Hub, SearchHit, TaskHandle
    from arborlink.protocol.resources import Task

DEFAULT_TASKS: Final = 20
DEFAULT_HITS: Final = 1_000


@click.command(
    "search",
    epilog="\b\nExamples:\n  arbor search error: last\n"
    "  arbor search -w laptop --since 1d Traceback\n"
    "  arbor search --regex 'loss=0\\.[0-9]+' 7h2k q9xe",
    short_help="Find text in output.",
)
@click.argument("text")
@click.argument("tasks", nargs=-1, shell_complete=complete_tasks)
@click.option("-w", "--workspace", help=WORKSPACE_HELP, shell_complete=complete_workspaces)
@click.option("--regex", is_flag=True, help="TEXT is a regular expression (RE2).")
@click.option("--case", is_flag=True, help="Upper and lower case differ.")
@click.option("--since", type=TIME, metavar="TIME", help="Tasks created since: 2h, 13:05.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_HITS,
    show_default=True,
    help="How many lines at most.",
)
@click.option(
    "--newest",
    type=click.IntRange(min=1),
    default=DEFAULT_TASKS,
    show_default=True,
    help="Without TASKS: how many tasks to look through.",
)
@click.option("--json", "as_json", is_flag=True, help="Hits with their task, offset and line.")
def search_command(
    text: str,
    tasks: tuple[str, ...],
    workspace: str | None,
    regex: bool,
    case: bool,
    since: datetime | None,
    limit: int,
    newest: int,
    as_json: bool,
) -> int:
    """Find TEXT in the output of TASKS, or of the newest tasks that you started, or with -w in
    those of a workspace. Each line that fits is shown with its task and number.

    Exits with 0 if there is any, with 1 if there is none, as grep does.
    """
    from arborlink.cli.session import choose_task, with_hub

    if tasks and (workspace is not None or since is not None):
        raise click.UsageError("give TASKS, or -w and --since, not both")

    async def work(hub: Hub) -> list[tuple[Task, SearchHit]]:
        if tasks:
            chosen = [await choose_task(hub, ref, doing="output from") for ref in tasks]
        else:
            chosen = await _newest(hub, workspace, since, newest)
        return await _hits(chosen, text, regex=regex, case=case, limit=limit)

    hits = with_hub(work)
    if as_json:
        import msgspec

        print_json([{"taskId": task.id, **msgspec.to_builtins(hit)} for task, hit in hits])
    else:
        _show(hits, with_task=len(tasks) != 1)
    if len(hits) == limit:
        say(f"there may be more: only the first {limit} lines are shown (--limit)")
    return exits.DONE if hits else exits.FAILED


async def _newest(
    hub: Hub, workspace: str | None, since: datetime | None, count: int
) -> list[TaskHandle]:
    from arborlink.cli.session import choose_workspace
    from arborlink.cli.task_listing import Wanted, find_tasks

    chosen = None
    filters: dict[str, list[str]] = {"by": ["me"]}
    if workspace is not None:
        chosen = (await choose_workspace(hub, workspace, doing="output from")).id
        filters = {}
    wanted = Wanted(
        workspace=chosen, status=None, search=None, filters=filters, since=since, limit=count
    )
    found, _ = await find_tasks(hub, wanted, with_names=False)
    return [await hub.task(each.id) for each in found if each.output_size]


async def _hits(
    tasks: list[TaskHandle], text: str, *, regex: bool, case: bool, limit: int
) -> list[tuple[Task, SearchHit]]:
    found: list[tuple[Task, SearchHit]] = []
    for task in tasks:
        async with aclosing(task.search(text, regex=regex, case=case)) as hits:
            async for hit in hits:
                before = found[-1] if found else None
                is_same = before is not None and before[0].id == task.id
                # Several hits of one line are one line here.
                if is_same and before is not None and _is_same_line(before[1], hit):
                    continue
                found.append((task.info, hit))
                if len(found) == limit:
                    return found
    return found


def _is_same_line(first: SearchHit, second: SearchHit) -> bool:
    return first.line is not None and first.line == second.line


def _show(hits: list[tuple[Task, SearchHit]], *, with_task: bool) -> None:
    from arborlink.client.short_ids import short_ids

    ids = short_ids(task.id for task, _ in hits)
    for task, hit in hits:
        place = f"byte {hit.offset}" if hit.line is None else str(hit.line)
        mark = f"{ids[task.id]}:{place}: " if with_task else f"{place}: "
        show(hit.text, mark=mark, color="cyan")
