"""`arbor logs`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from arborlink.cli import exits
from arborlink.cli.completion import complete_tasks
from arborlink.cli.console import complain, say
from arborlink.cli.parameters import TIME

if TYPE_CHECKING:
    from arborlink.client import Task

EXAMPLES = """\b
Examples:
  arbor logs last > output.txt
  arbor logs -f --tail 20 last
  arbor logs -t --since 10m --stream stderr 7h2k
  arbor logs -f --exit-status last && echo it worked
  arbor logs --format text last | grep -n warning
"""


@click.command("logs", epilog=EXAMPLES, short_help="A task's output, stored and live.")
@click.argument("task", shell_complete=complete_tasks)
@click.option("-f", "--follow", is_flag=True, help="Go on until the task is over.")
@click.option(
    "-n", "--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines."
)
@click.option("--since", type=TIME, help="Only what was written since: 10m, 2h30m, a time.")
@click.option("--until", type=TIME, help="Only what was written until then.")
@click.option("-t", "--timestamps", is_flag=True, help="A time before each line.")
@click.option("--utc", is_flag=True, help="With -t: in UTC, not in the local zone.")
@click.option("--from", "start", type=int, default=0, metavar="OFFSET", help="Negative: from end.")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Only this one.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["raw", "text", "jsonl", "asciicast"]),
    default="raw",
    show_default=True,
)
@click.option("--exit-status", is_flag=True, help="Exit as the task did, with `run`'s codes.")
def logs_command(
    task: str,
    follow: bool,
    tail: int | None,
    since: datetime | None,
    until: datetime | None,
    timestamps: bool,
    utc: bool,
    start: int,
    stream: str | None,
    form: str,
    exit_status: bool,
) -> int:
    """Print the output of TASK (an id, its last characters, or `last`), byte for byte.

    At a terminal, -f says on stderr how the task ended.
    """
    if timestamps and form != "raw":
        raise click.UsageError(f"-t is for --format raw; {form} has times of its own")
    from arborlink.cli.log_range import Wanted
    from arborlink.cli.logs_output import Logs
    from arborlink.cli.session import choose_task, with_hub
    from arborlink.cli.timestamps import Timestamps
    from arborlink.client import Hub

    wanted = Wanted(start, since, until, tail)
    ends_later = until is None or until > datetime.now(UTC)

    async def work(hub: Hub) -> int:
        handle = await choose_task(hub, task, doing="output from")
        stamps = Timestamps(utc=utc) if timestamps else None
        logs = Logs(hub, handle, stream, form, stamps)
        await (logs.follow(wanted) if follow and ends_later else logs.show(wanted))
        return _ended(handle.info, follow=follow, exit_status=exit_status)

    return with_hub(work)


def _ended(task: Task, *, follow: bool, exit_status: bool) -> int:
    """Say how a task ended that one would not see from its output; return the exit code."""
    import sys

    from arborlink.protocol.lifecycle import TaskStatus, is_final

    if not is_final(task.status):
        if exit_status:
            complain(f"the task is {task.status} and has no exit code yet; -f waits for it")
        return exits.ARBOR_FAILED if exit_status else exits.DONE
    if task.status is not TaskStatus.COMPLETED and not task.output_size:
        complain(f"there is no output: {exits.ending(task)}")
    elif follow and sys.stderr.isatty():
        say(exits.ending(task))
    elif exit_status and (sentence := exits.of_task(task)[1]):
        complain(sentence)
    return exits.of_task(task)[0] if exit_status else exits.DONE
