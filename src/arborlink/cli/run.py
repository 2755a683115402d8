"""`arbor run`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from arborlink.cli import exits
from arborlink.cli.console import show
from arborlink.cli.references import WORKSPACE_HELP

if TYPE_CHECKING:
    from arborlink.protocol.resources import Workspace

EXAMPLES = """\b
Examples:
  arbor run -- make test
  arbor run -w laptop --timeout 60 -- python train.py < data.csv > result.txt
  arbor run --shell -- 'ls | wc -l'
"""


@click.command(
    "run",
    context_settings={"allow_interspersed_args": False},
    epilog=EXAMPLES,
    short_help="Run a command in a workspace.",
)
@click.option("-w", "--workspace", help=WORKSPACE_HELP)
@click.option("--cwd", default=".", help="Folder inside the workspace.")
@click.option("-e", "--env", multiple=True, metavar="K=V", help="Variable; K alone: as it is here.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS")
@click.option("--tty", is_flag=True, help="With a terminal; Ctrl-] leaves it running.")
@click.option("--shell", is_flag=True, help="Run by /bin/sh -c.")
@click.option("--detach", is_flag=True, help="Print the task's id and do not wait.")
@click.option("--queue", is_flag=True, help="Wait for the daemon if it is not connected.")
@click.option("--title", help="How the task is called in listings.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run_command(
    workspace: str | None,
    cwd: str,
    env: tuple[str, ...],
    timeout: float | None,
    tty: bool,
    shell: bool,
    detach: bool,
    queue: bool,
    title: str | None,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND in a workspace: its output and exit code become ours.

    Exits with the command's exit code, 128+N after signal N, 124 after the timeout, 126 or 127
    when it could not be executed or found, 130 when cancelled, 125 when Arbor failed.
    """
    from arborlink.cli import keyboard, terminal
    from arborlink.cli.live import Interrupts, LiveTask
    from arborlink.cli.session import choose_workspace, with_hub
    from arborlink.client import Hub, WorkspaceUnreachable

    variables = dict(_variable(each) for each in map(_given, env))
    words = tuple(map(_given, (" ".join(command),) if shell else command))
    with_input = not detach and (tty or keyboard.has_input())

    async def work(hub: Hub) -> int:
        interrupts = Interrupts()
        interrupts.install()
        chosen = await choose_workspace(hub, workspace, doing="running in")
        try:
            task = await hub.run(
                words[0],
                *words[1:],
                workspace=chosen.id,
                cwd=_given(cwd),
                env=variables,
                shell=shell,
                tty=terminal.size() if tty else None,
                timeout=timeout,
                if_offline="queue" if queue else "fail",
                title=title,
                stdin="open" if with_input else "empty",
            )
        except WorkspaceUnreachable as error:
            raise WorkspaceUnreachable(_unreachable_text(chosen)) from error
        if detach:
            show(task.id)
            return exits.DONE
        live = LiveTask(task, interrupts, tty=tty, input=with_input)
        return await (live.show_raw() if tty else live.show())

    return with_hub(work)


def _unreachable_text(workspace: Workspace) -> str:
    where = "" if workspace.path is None else f" on {workspace.host} with `arbor daemon`"
    return (
        f"the daemon of {workspace.name} is not connected. Start it{where}, or give --queue to run "
        "the command when it is back"
    )


def _variable(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name:
        raise click.BadParameter(f"{text!r} has no name: write -e NAME=VALUE")
    if separator:
        return name, value
    if name not in os.environ:
        raise click.BadParameter(f"{name} is not set here: write -e {name}=VALUE")
    return name, _given(os.environ[name])


def _given(text: str) -> str:
    """Return a text of `sys.argv` with its bytes read as UTF-8, whatever this side's locale is."""
    return os.fsencode(text).decode("utf-8", "surrogateescape")
