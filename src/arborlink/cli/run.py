"""`arbor run`."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from arborlink.cli import exits
from arborlink.cli.completion import complete_files, complete_workspaces
from arborlink.cli.console import complain, show
from arborlink.cli.detach_option import detach_key_option
from arborlink.cli.parameters import duration
from arborlink.cli.references import WORKSPACE_HELP

if TYPE_CHECKING:
    from arborlink.cli.interrupts import Interrupts
    from arborlink.cli.screen.detach_key import Key
    from arborlink.client import TaskHandle
    from arborlink.protocol.resources import Workspace

TIMEOUT = duration(above=0.0)
EXAMPLES = """\b
Examples:
  arbor run -- make test
  arbor run -w laptop --timeout 60 -- python train.py < data.csv > result.txt
  arbor run --shell -- 'ls | wc -l'
  while read host; do arbor run -n -- ping -c 1 "$host"; done
"""


@click.command(
    "run",
    context_settings={"allow_interspersed_args": False},
    epilog=EXAMPLES,
    short_help="Run a command in a workspace.",
)
@click.option("-w", "--workspace", help=WORKSPACE_HELP, shell_complete=complete_workspaces)
@click.option("--cwd", help="Folder, from the current one if that is in the workspace.")
@click.option("-e", "--env", multiple=True, metavar="K=V", help="Variable; K alone: as it is here.")
@click.option(
    "--env-file",
    "env_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Variables, one K=V or K a line; # begins a comment. -e goes before.",
)
@click.option("--timeout", type=TIMEOUT, metavar="DURATION", help="End it after 90, 1m, 2h30m.")
@click.option("-t", "--tty", is_flag=True, help="With a terminal; Ctrl-] leaves it running.")
@detach_key_option
@click.option("--shell", is_flag=True, help="Run by /bin/sh -c.")
@click.option("--merge", is_flag=True, help="stderr into stdout, in the order of writing.")
@click.option("-d", "--detach", is_flag=True, help="Print the task's id; send input, do not wait.")
@click.option(
    "-n",
    "--no-input",
    is_flag=True,
    envvar="ARBOR_NO_INPUT",
    help="Leave standard input alone, as in loops and scripts. [env: ARBOR_NO_INPUT]",
)
@click.option("-i", "--input", "wants_input", is_flag=True, help="Pass on a terminal's input, too.")
@click.option("--queue", is_flag=True, help="Wait for the daemon if it is not connected.")
@click.option("--title", "--name", "title", help="The task's name in listings.")
@click.argument(
    "command",
    nargs=-1,
    required=True,
    type=click.UNPROCESSED,
    shell_complete=complete_files,
)
def run_command(
    workspace: str | None,
    cwd: str | None,
    env: tuple[str, ...],
    env_files: tuple[Path, ...],
    timeout: float | None,
    tty: bool,
    detach_key: tuple[Key, ...],
    shell: bool,
    merge: bool,
    detach: bool,
    no_input: bool,
    wants_input: bool,
    queue: bool,
    title: str | None,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND in a workspace: its output and exit code become ours, our input its input.

    Exits with the command's exit code, 128+N after signal N, 124 after the timeout, 126 or 127
    when it could not be executed or found, 130 when cancelled, 125 when Arbor failed.
    """
    from arborlink.cli import keyboard, terminal
    from arborlink.cli.interrupts import Interrupts
    from arborlink.cli.session import choose_workspace, folder_in, with_hub
    from arborlink.client import Hub

    variables = _variables(env_files, env)
    words = tuple(map(_given, (" ".join(command),) if shell else command))
    # A terminal that is left at once is for those who attach later: our input's end is not its end.
    passes = not detach if tty else keyboard.has_input()
    with_input = wants_input or (passes and not no_input)

    async def work(hub: Hub) -> int:
        interrupts = Interrupts()
        chosen = await choose_workspace(hub, workspace, doing="running in")
        interrupts.install(hangup=tty)
        starting = hub.run(
            words[0],
            *words[1:],
            workspace=chosen.id,
            cwd=_given(folder_in(chosen, cwd)),
            env=variables,
            shell=shell,
            tty=terminal.size() if tty else None,
            tty_modes=terminal.modes() if tty else None,
            timeout=timeout,
            if_offline="queue" if queue else "fail",
            title=title,
            stdin="open" if with_input else "empty",
            merge_stderr=merge,
        )
        task = await _started(starting, chosen, interrupts)
        if task is None:
            return exits.CANCELLED
        if detach:
            return await _detached(task, interrupts, with_input=with_input)
        return await _shown(task, interrupts, detach_key if tty else None, with_input=with_input)

    return with_hub(work)


async def _started(
    starting: Awaitable[TaskHandle], workspace: Workspace, interrupts: Interrupts
) -> TaskHandle | None:
    from arborlink.cli.interrupts import Left
    from arborlink.client import WorkspaceUnreachable

    try:
        return await interrupts.until_left(starting)
    except WorkspaceUnreachable as error:
        raise WorkspaceUnreachable(_unreachable_text(workspace)) from error
    except Left:
        complain("left before the hub answered, so the command may run or not: see `arbor tasks`")
        return None


async def _shown(
    task: TaskHandle,
    interrupts: Interrupts,
    detach_key: tuple[Key, ...] | None,
    *,
    with_input: bool,
) -> int:
    """Show the task; `detach_key`: what leaves its terminal, None where it has none."""
    from arborlink.cli.live import LiveTask
    from arborlink.cli.terminal_view import TerminalView

    live = LiveTask(task, interrupts, input=with_input)
    if detach_key is None:
        return await live.show()
    if not with_input:
        # A terminal has no end of input by itself.
        await task.write(b"", eof=True)
    return await live.show_raw(TerminalView(task, detach_key, starts=True))


async def _detached(task: TaskHandle, interrupts: Interrupts, *, with_input: bool) -> int:
    from arborlink.cli.detached import DetachedInput

    show(task.id)
    return await DetachedInput(task, interrupts).send() if with_input else exits.DONE


def _unreachable_text(workspace: Workspace) -> str:
    where = "" if workspace.path is None else f" on {workspace.host} with `arbor daemon`"
    return (
        f"the daemon of {workspace.name} is not connected. Start it{where}, or give --queue to run "
        "the command when it is back"
    )


def _variables(files: tuple[Path, ...], given: tuple[str, ...]) -> dict[str, str]:
    from arborlink.cli.env_file import read_env_file

    variables = {name: _given(value) for file in files for name, value in read_env_file(file)}
    return variables | dict(variable(each) for each in given)


def variable(text: str) -> tuple[str, str]:
    """Return name and value of `K=V`; of `K` alone, the value that it has here.

    Raises:
        BadParameter: it has no name, or is not set here.
    """
    name, separator, value = _given(text).partition("=")
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
