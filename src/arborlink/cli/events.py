"""`arbor events`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from arborlink.cli import exits
from arborlink.cli.completion import complete_workspaces
from arborlink.cli.console import print_json_line, show
from arborlink.cli.display import time_text
from arborlink.cli.parameters import TIME, duration
from arborlink.cli.references import WORKSPACE_HELP

if TYPE_CHECKING:
    from arborlink.cli.event_log import Event, EventLog
    from arborlink.client import Hub
    from arborlink.protocol.resources import Task

INTERVAL_SECONDS: Final = 2.0
SHORTEST_INTERVAL_SECONDS: Final = 0.2
# So many tasks are read at a time, and for what was before.
MOST_READ: Final = 10_000
UNFINISHED: Final = "pending,running"


@click.command(
    "events",
    epilog="\b\nExamples:\n  arbor events\n  arbor events --since 1d --no-follow -w laptop\n"
    "  arbor events --json | jq -r 'select(.what == \"failed\").taskId'",
    short_help="What happens to tasks and workspaces, as it happens.",
)
@click.option("-w", "--workspace", help=WORKSPACE_HELP, shell_complete=complete_workspaces)
@click.option("--since", type=TIME, metavar="TIME", help="First what was since then: 2h, 13:05.")
@click.option("--no-follow", is_flag=True, help="Only what was, with --since.")
@click.option(
    "--interval",
    type=duration(least=SHORTEST_INTERVAL_SECONDS),
    metavar="DURATION",
    default=INTERVAL_SECONDS,
    show_default="2s",
    help="How often the hub is asked.",
)
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
@click.option("--utc", is_flag=True, help="Times in UTC, not in the local zone.")
def events_command(
    workspace: str | None,
    since: datetime | None,
    no_follow: bool,
    interval: float,
    as_json: bool,
    utc: bool,
) -> int:
    """Print a line whenever a task is created, starts or ends, and whenever a workspace is
    connected or becomes unreachable; until Ctrl-C.

    Nothing that happened to a task is left out after the connection was lost.
    """
    from arborlink.cli.event_log import EventLog
    from arborlink.cli.session import choose_workspace, with_hub

    async def work(hub: Hub) -> int:
        chosen = None
        if workspace is not None:
            chosen = (await choose_workspace(hub, workspace, doing="events of")).id
        log = EventLog(since)
        names: dict[str, str] = {}
        while True:
            for each in await _news(hub, log, chosen, names, since):
                if as_json:
                    print_json_line(each)
                else:
                    show(_line(each, names, utc=utc))
            log.follow()
            if no_follow:
                return exits.DONE
            await asyncio.sleep(interval)

    return with_hub(work)


async def _news(
    hub: Hub, log: EventLog, workspace_id: str | None, names: dict[str, str], since: datetime | None
) -> list[Event]:
    from arborlink.cli.display import moment

    workspaces = [each for each in await hub.workspaces() if workspace_id in (None, each.id)]
    names.update({each.id: each.name for each in workspaces})
    now = datetime.now(UTC).isoformat()
    news = log.workspaces(workspaces, now)
    known = log.read_from
    is_first = not known
    seen: dict[str, Task] = {}
    async with aclosing(hub.task_pages(workspace=workspace_id)) as pages:
        async for page in pages:
            fresh = [each for each in page if each.id > known]
            if is_first and since is not None:
                fresh = [each for each in fresh if moment(each.created_at) >= since]
            seen |= {each.id: each for each in fresh}
            if len(fresh) < len(page) or len(seen) >= MOST_READ or (is_first and since is None):
                break
    waiting = hub.task_pages(workspace=workspace_id, status=UNFINISHED)
    async with aclosing(waiting) as pages:
        async for page in pages:
            seen |= {each.id: each for each in page}
            if len(seen) >= MOST_READ:
                break
    for each in sorted(log.unfinished - seen.keys()):
        gone = await _task(hub, each)
        if gone is None:
            log.forget(each)
        else:
            seen[each] = gone
    texts = {each.id: _text(each) for each in seen.values()}
    news += log.tasks(sorted(seen.values(), key=lambda task: task.id), texts)
    return sorted(news, key=lambda event: moment(event.time))


async def _task(hub: Hub, task_id: str) -> Task | None:
    """Return the task; None: it was deleted."""
    from arborlink.client import NotFound

    try:
        return (await hub.task(task_id)).info
    except NotFound:
        return None


def _text(task: Task) -> str:
    from arborlink.cli.task_table import command_text

    return task.title or command_text(task)


def _line(event: Event, names: dict[str, str], *, utc: bool) -> str:
    time = time_text(event.time, utc=utc)
    where = names.get(event.workspace_id, event.workspace_id)
    if event.task_id is None:
        return f"{time}  workspace {where} {event.what.replace('_', ' ')}"
    return f"{time}  {event.task_id}  {where}  {event.what}{_end(event)}  {event.text}"


def _end(event: Event) -> str:
    from arborlink.cli.task_table import signal_name

    if event.signal is not None:
        return f" ({signal_name(event.signal)})"
    return "" if not event.exit_code else f" ({event.exit_code})"
