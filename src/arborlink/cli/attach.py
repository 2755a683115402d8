"""`arbor attach`."""

from __future__ import annotations

import click

from arborlink.cli.completion import complete_tasks

# How much of what was shown before is shown again, so that the screen is not empty.
TAIL_BYTES = 16 * 1024


@click.command(
    "attach",
    epilog="Example: arbor attach last, and Ctrl-] to leave it running",
    short_help="Interactive terminal on a running task.",
)
@click.argument("task", shell_complete=complete_tasks)
def attach_command(task: str) -> int:
    """Sit at the terminal of TASK (an id, its last characters, or `last`).

    Ctrl-] leaves it running, and so does every other end of this command, such as a signal.
    """
    from arborlink.cli.interrupts import Interrupts
    from arborlink.cli.live import LiveTask
    from arborlink.cli.session import choose_task, with_hub
    from arborlink.client import Hub

    async def work(hub: Hub) -> int:
        interrupts = Interrupts()
        handle = await choose_task(hub, task, doing="attached in")
        if handle.info.tty is None:
            raise click.ClickException(
                f"{handle.id} has no terminal. `arbor logs -f {handle.id}` follows its output; "
                "`arbor run --tty` starts a task with one"
            )
        interrupts.install(hangup=True)
        live = LiveTask(handle, interrupts, tty=True, input=True, owns=False)
        return await live.show_raw(-TAIL_BYTES)

    return with_hub(work)
