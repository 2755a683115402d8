"""`arbor rerun`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from arborlink.cli import exits
from arborlink.cli.completion import complete_tasks
from arborlink.cli.console import print_json, say, show
from arborlink.cli.references import TASK_HELP

if TYPE_CHECKING:
    from arborlink.protocol.resources import Task


@click.command(
    "rerun",
    epilog="\b\nExamples:\n  arbor rerun last\n  arbor rerun -e SEED=7 --detach 7h2k",
    short_help="Run a task's command again.",
)
@click.argument("task", shell_complete=complete_tasks)
@click.option(
    "-e", "--env", multiple=True, metavar="K=V", help="Value of a variable, over the one it had."
)
@click.option("--detach", is_flag=True, help="Print the new task's id and do not wait.")
@click.option("--json", "as_json", is_flag=True, help="The new task, as the API shows it.")
def rerun_command(task: str, env: tuple[str, ...], detach: bool, as_json: bool) -> int:
    from arborlink.cli.interrupts import Interrupts
    from arborlink.cli.live import LiveTask
    from arborlink.cli.run import variable
    from arborlink.cli.session import choose_task, with_hub
    from arborlink.client import Hub

    variables = dict(variable(each) for each in env)

    async def start(hub: Hub) -> Task:
        found = await choose_task(hub, task, doing="running in")
        return await hub.rerun_task(found.id, variables)

    async def work(hub: Hub) -> int:
        new = await start(hub)
        if detach or as_json or new.tty is not None:
            if as_json:
                print_json(new)
            else:
                show(new.id)
                if new.tty is not None and not detach:
                    say(f"it has a terminal: `arbor attach {new.id}`")
            return exits.DONE
        interrupts = Interrupts()
        interrupts.install()
        handle = await hub.task(new.id)
        return await LiveTask(handle, interrupts, input=False).show()

    return with_hub(work)


rerun_command.help = (
    "Run the command of TASK again, as a new task in the same workspace, folder and environment. "
    "Its output and exit code become those of `arbor rerun`. Input is not repeated: the new task's "
    f"is what the hub gives it.\n\n{TASK_HELP}"
)
