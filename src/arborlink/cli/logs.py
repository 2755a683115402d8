"""`arbor logs`."""

from __future__ import annotations

import click

from arborlink.cli import exits

EXAMPLES = """\b
Examples:
  arbor logs last > output.txt
  arbor logs -f --from -4096 last
  arbor logs --format jsonl --stream stderr 7h2k
  arbor logs --format text last | grep -n warning
"""


@click.command("logs", epilog=EXAMPLES, short_help="A task's output, stored and live.")
@click.argument("task")
@click.option("-f", "--follow", is_flag=True, help="Go on until the task is over.")
@click.option("--from", "start", type=int, default=0, metavar="OFFSET", help="Negative: from end.")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Only this one.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["raw", "text", "jsonl", "asciicast"]),
    default="raw",
    show_default=True,
)
def logs_command(task: str, follow: bool, start: int, stream: str | None, form: str) -> int:
    """Print the output of TASK (an id, its last characters, or `last`), byte for byte."""
    from arborlink.cli.logs_output import Logs
    from arborlink.cli.session import choose_task, with_hub
    from arborlink.client import Hub

    async def work(hub: Hub) -> None:
        logs = Logs(hub, await choose_task(hub, task, doing="output from"), stream, form)
        # Stored output keeps who wrote what when; live output is joined into larger pieces.
        if follow:
            await logs.live(start)
        elif logs.is_formatted:
            await logs.formatted(start)
        else:
            await logs.stored(start)

    with_hub(work)
    return exits.DONE
