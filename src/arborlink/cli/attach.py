"""`arbor attach`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from arborlink.cli.completion import complete_tasks
from arborlink.cli.detach_option import detach_key_option

if TYPE_CHECKING:
    from arborlink.cli.screen.detach_key import Key
    from arborlink.client import TaskHandle

# How much is shown of what was before, by a hub that does not know the screen.
TAIL_BYTES = 16 * 1024


@click.command(
    "attach",
    epilog="Example: arbor attach last",
    short_help="Interactive terminal on a running task.",
)
@detach_key_option
@click.option("--read-only", is_flag=True, help="Watch: nothing is typed, no size is set.")
@click.argument("task", shell_complete=complete_tasks)
def attach_command(task: str, detach_key: tuple[Key, ...], read_only: bool) -> int:
    """Sit at the terminal of TASK (an id, its last characters, or `last`).

    Its screen is shown as it is, and it gets the size of this window. Ctrl-] leaves it running, and
    so does every other end of this command, such as a signal; pressed twice quickly it is sent.
    """
    from arborlink.cli.interrupts import Interrupts
    from arborlink.cli.live import LiveTask
    from arborlink.cli.session import choose_task, with_hub
    from arborlink.cli.terminal_view import TerminalView
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
        view = TerminalView(handle, detach_key, starts=False, read_only=read_only)
        if view.sets_size:
            _say_size(handle)
        live = LiveTask(handle, interrupts, input=True, owns=False)
        return await live.show_raw(view, -TAIL_BYTES)

    return with_hub(work)


def _say_size(task: TaskHandle) -> None:
    from arborlink.cli import terminal
    from arborlink.cli.console import say

    before, now = task.info.tty, terminal.size()
    if before is not None and not task.over and (before.cols, before.rows) != now:
        say(f"sized {now[0]} by {now[1]} for this window; it was {before.cols} by {before.rows}")
