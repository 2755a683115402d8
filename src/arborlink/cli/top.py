"""`arbor top`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from arborlink.cli import exits
from arborlink.cli.completion import complete_workspaces
from arborlink.cli.console import is_for_a_person, print_json, say, whole_screen
from arborlink.cli.parameters import duration
from arborlink.cli.references import WORKSPACE_HELP

if TYPE_CHECKING:
    from arborlink.cli.usage_table import Order
    from arborlink.client import Hub
    from arborlink.client.selection import Seen
    from arborlink.protocol.resources import Task

# As often as daemons measure.
INTERVAL_SECONDS: Final = 5.0
SHORTEST_INTERVAL_SECONDS: Final = 0.5
MOST_TASKS: Final = 1_000
ORDERS: Final = ("cpu", "memory", "time")
ENDS: Final = b"qQ"


@click.command(
    "top",
    epilog="\b\nExamples:\n  arbor top\n  arbor top -w gpu-1 --sort memory\n"
    "  arbor top --json | jq '.[].usage.memoryBytes'",
    short_help="What running tasks use: processor, memory, processes.",
)
@click.option("-w", "--workspace", help=WORKSPACE_HELP, shell_complete=complete_workspaces)
@click.option(
    "--sort",
    "order",
    type=click.Choice(ORDERS),
    default="cpu",
    show_default=True,
    help="What is first: processor, memory, or the processor's time so far.",
)
@click.option("--once", is_flag=True, help="Once, as where standard output is no terminal.")
@click.option(
    "--interval",
    type=duration(least=SHORTEST_INTERVAL_SECONDS),
    metavar="DURATION",
    default=INTERVAL_SECONDS,
    show_default="5s",
    help="How often the hub is asked; daemons measure every 5 s.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Once: the running tasks as the API lists them."
)
def top_command(
    workspace: str | None, order: Order, once: bool, interval: float, as_json: bool
) -> int:
    """Show what running tasks use, of all workspaces or one, until `q` or Ctrl-C.

    CPU is of one core, so a task that uses two has 200 %. MEMORY is what all processes of the task
    have in memory; what they share is counted by each. A dash: nothing was measured yet, or the
    machine is not connected or too old.
    """
    from arborlink.cli.session import with_hub
    from arborlink.cli.task_listing import Wanted, find_tasks
    from arborlink.cli.terminal import key_pressed
    from arborlink.cli.usage_table import lines_of, print_usage

    wanted = Wanted(
        workspace=workspace,
        status="running",
        search=None,
        filters={},
        since=None,
        limit=MOST_TASKS,
    )

    async def read(hub: Hub) -> tuple[list[Task], Seen | None]:
        return await find_tasks(hub, wanted, with_names=not as_json)

    async def work(hub: Hub) -> int:
        tasks, seen = await read(hub)
        if as_json:
            print_json(tasks)
        elif once or not is_for_a_person():
            assert seen is not None
            if tasks:
                print_usage(tasks, seen, order)
            else:
                say("no task is running. `arbor run -- COMMAND` starts one")
        else:
            with whole_screen() as draw, key_pressed(ENDS) as ended:
                while seen is not None and not ended.is_set():
                    draw(lines_of(tasks, seen, order, datetime.now(UTC)))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(interval):
                            await ended.wait()
                            break
                    tasks, seen = await read(hub)
        return exits.DONE

    return with_hub(work)
