"""`arbor logs`."""

from __future__ import annotations

from contextlib import suppress

import click

EXAMPLES = """\b
Examples:
  arbor logs tsk_01k5 > output.txt
  arbor logs -f --from -4096 tsk_01k5
  arbor logs --format jsonl --stream stderr tsk_01k5
"""


@click.command("logs", epilog=EXAMPLES, short_help="A task's output, stored and live.")
@click.argument("task")
@click.option("-f", "--follow", is_flag=True, help="Go on until the task is over.")
@click.option("--from", "start", type=int, default=0, metavar="OFFSET", help="Negative: from end.")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Only this one.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["raw", "jsonl", "asciicast"]),
    default="raw",
    show_default=True,
)
def logs_command(task: str, follow: bool, start: int, stream: str | None, form: str) -> int:
    """Print the output of TASK (an id or a unique prefix of one), byte for byte."""
    from arborlink.cli.live import Notices
    from arborlink.cli.logs_output import Logs
    from arborlink.cli.session import with_hub
    from arborlink.client import Hub

    async def work(hub: Hub) -> None:
        logs = Logs(hub, await hub.task(task), stream, form)
        # Stored output keeps who wrote what when; live output is joined into larger pieces. Of a
        # format the hub has no ranges.
        if follow or (start and logs.is_formatted):
            await logs.live(start, follow=follow)
        elif logs.is_formatted:
            await logs.formatted()
        else:
            await logs.stored(start)

    # A reader that has seen enough (`arbor logs | head`) is no failure.
    with suppress(BrokenPipeError):
        with_hub(work, Notices().connection)
    return 0
