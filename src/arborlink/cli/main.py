"""The executable `arbor`: finds the command, says what went wrong, exits.

A command's module is imported when it is used, so that `arbor --help` costs next to nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final, NoReturn

import click

from arborlink import __version__, visible
from arborlink.cli import descriptors, exits
from arborlink.cli.console import complain, show_usage_error
from arborlink.cli.lazy import SuggestingGroup, load_command

COMMANDS: Final = {
    "up": ("up", "Hub and daemon for this folder, in one go."),
    "down": ("down", "Stop what `arbor up` started here."),
    "run": ("run", "Run a command in a workspace."),
    "attach": ("attach", "Interactive terminal on a running task."),
    "logs": ("logs", "A task's output, stored and live."),
    "wait": ("wait", "Wait for tasks to end."),
    "tasks": ("tasks", "List tasks."),
    "cancel": ("tasks", "Cancel tasks."),
    "rerun": ("rerun", "Run a task's command again."),
    "search": ("search", "Find text in output."),
    "inspect": ("inspect", "All that is known of a task or a workspace."),
    "top": ("top", "What running tasks use: processor, memory, processes."),
    "events": ("events", "What happens to tasks and workspaces, as it happens."),
    "rm": ("manage", "Delete tasks that are over."),
    "prune": ("manage", "Delete old tasks."),
    "workspaces": ("workspaces", "List workspaces."),
    "enroll": ("workspaces", "Prepare a workspace for a machine."),
    "rename": ("manage", "Rename a workspace."),
    "remove": ("manage", "Remove workspaces, or their daemons."),
    "release": ("workspaces", "Admit a daemon again after copies of it ran."),
    "rotate": ("workspaces", "Replace a daemon's token while it works."),
    "use": ("use", "Choose the hub and the workspace that commands mean."),
    "link": ("link", "A link that signs a browser in, once."),
    "whoami": ("account", "Which hub you use, and who you are there."),
    "login": ("account", "Sign this machine in to a hub."),
    "logout": ("account", "Sign this machine out of a hub."),
    "trust": ("trust", "Change the key by which a hub is known here."),
    "token": ("token", "Create, list and revoke API tokens."),
    "user": ("user", "Add, list and remove accounts; set passwords."),
    "daemon": ("serve", "Connect folders of this machine as workspaces."),
    "hub": ("serve", "Run a hub."),
    "doctor": ("doctor", "What is wrong with this machine's set-up, and what to do."),
    "completion": ("completion", "Completion for your shell."),
}
# Other names of commands, which help does not list.
ALIASES: Final = {"ps": "tasks", "ls": "tasks", "describe": "inspect"}
# Set by a shell that asks how a line goes on (`arbor completion`).
VARIABLE: Final = "_ARBOR_COMPLETE"
# What they were started with is readable for as long as their processes live.
LONG_LIVED: Final = frozenset({"up", "hub", "daemon"})
# Their failures must not look like exit codes of the command, nor those of `logs` with this option.
KEEPS_EXIT_CODES_FREE: Final = frozenset({"run", "rerun", "wait"})
EXIT_STATUS: Final = "--exit-status"


class LazyGroup(SuggestingGroup):
    """Imports a command's module when the command is asked for."""

    aliases = ALIASES

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it."""
        return load_command(COMMANDS, cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. A reader that has seen enough (`| head`) is no failure to speak of."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return exits.BROKEN_PIPE

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  arbor up\n  arbor run -- make test",
)
@click.version_option(__version__, prog_name="arbor")
def cli() -> None:
    """Run commands on machines you cannot reach directly, and watch the output live."""


def main() -> NoReturn:
    """Run the command line."""
    descriptors.open_missing()
    passes_code = _command_name() in KEEPS_EXIT_CODES_FREE or EXIT_STATUS in sys.argv[1:]
    failure = exits.ARBOR_FAILED if passes_code else exits.FAILED
    code = exits.DONE
    visible.guard_standard_streams()
    # A mask is inherited through exec; a blocked SIGTERM or SIGINT would stop nothing.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        if VARIABLE in os.environ:
            _complete()
        _hide_secrets()
        result = cli.main(prog_name="arbor", standalone_mode=False)
        code = result if isinstance(result, int) else exits.DONE
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = exits.CANCELLED
    except click.ClickException as error:
        show_usage_error(error)
        code = failure if failure == exits.ARBOR_FAILED else error.exit_code
    except Exception as error:
        complain(_explain(error))
        code = failure
    _leave(code, failure)


def _complete() -> NoReturn:
    """Answer the shell, and leave without waiting for a hub that is still being asked."""
    code = exits.DONE
    try:
        cli.main(prog_name="arbor")
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else exits.FAILED
    finally:
        sys.stdout.flush()
        os._exit(code)


def _hide_secrets() -> None:
    """Other users can read the arguments of a process, and its children inherit its variables."""
    if _command_name() not in LONG_LIVED:
        return
    from arborlink.cli import secret_variables

    secret_variables.receive()
    if any(each.startswith("--code") for each in sys.argv):
        from arborlink.cli.enrolment_code import hide_code_argument

        hide_code_argument()
    secret_variables.hide()


def _command_name() -> str | None:
    return next((each for each in sys.argv[1:] if not each.startswith("-")), None)


def _explain(error: BaseException) -> str:
    # Imported here: on the way to `--help` there are no errors.
    from arborlink.protocol.errors import ArborError

    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, ArborError):
        return error.message
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or error}{where}"
    if os.environ.get("ARBOR_LOG_LEVEL") == "debug":
        raise error
    return (
        f"something is wrong in Arbor itself: {type(error).__name__}: {error}. "
        "ARBOR_LOG_LEVEL=debug shows where; please report it"
    )


def _leave(code: int, failure: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            complain(f"standard output cannot be written: {error.strerror}")
            code = code or failure
        # Else the interpreter tries again while it shuts down, and says so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
