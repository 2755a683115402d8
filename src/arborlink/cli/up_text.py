"""What `arbor up` and `arbor down` say: to a terminal, and without one to a log."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from arborlink import home, visible
from arborlink.cli import secret_variables
from arborlink.cli.console import say
from arborlink.log_file import LogFile
from arborlink.protocol.resources import Task

COMMAND_CHARS: Final = 60
MOST_TASKS: Final = 10
MANY_TASKS: Final = 200


class Speaker:
    """Says what happens: on stderr, and after `leave_terminal` in a log file."""

    def __init__(self) -> None:
        self._file: LogFile | None = None

    def say(self, text: str) -> None:
        """Write one line; what a log file refuses is lost."""
        if self._file is None:
            say(text)
            return
        try:
            now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            self._file.write(f"{now} {visible.line(text)}")
        except OSError:
            return

    def complain(self, text: str) -> None:
        """Write one line with what went wrong."""
        self.say(f"arbor: {text}")

    def leave_terminal(self, file: Path) -> None:
        """Write to `file` from now on, and give the terminal back."""
        self._file = LogFile(file)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.close(nothing)


def command_line(*words: str) -> str:
    """Return `arbor WORDS` as it works when it is typed into this shell."""
    variable = os.environ.get("ARBOR_HOME")
    prefix = f"ARBOR_HOME={shlex.quote(os.path.abspath(variable))} " if variable else ""
    return prefix + shlex.join([*_arbor(), *words])


def stop_command(path: Path, *, keeps_hub: bool) -> str:
    """Return what stops the `arbor up` of a folder: with its hub, everything."""
    return command_line("down", *([] if keeps_hub else [str(path)]))


def short_path(path: Path) -> str:
    """Return a path with `~` for the home folder, where it is below that."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)


def summary(link: str, name: str, path: Path, *, stop: str, note: str) -> list[str]:
    """Return the lines that a person needs: where to look, what to try, how to stop."""
    is_here = _current_folder().is_relative_to(path)
    run = ["run", *([] if is_here else ["-w", name]), "--", "echo", "hello"]
    lines = [
        "",
        f"  Web page    {link}",
        "              signs you in, once, within ten minutes; `arbor link` prints another",
        f"  Workspace   {name}: {path}{note}",
        f"  Try         {command_line(*run)}",
        f"  Logs        {short_path(home.logs_folder())}",
        f"  Stop        {stop}",
    ]
    if os.environ.get("ARBOR_URL") or secret_variables.get(secret_variables.TOKEN):
        lines.append("  Note        ARBOR_URL or ARBOR_TOKEN is set: commands in that shell use it")
    return [*lines, ""]


def tasks_text(tasks: Sequence[Task]) -> list[str]:
    """Return a line for each task, at most MOST_TASKS, and how many more there are."""
    lines = [f"  {each.id[-6:]}  {_command_text(each)}" for each in tasks[:MOST_TASKS]]
    more = len(tasks) - MOST_TASKS
    return [*lines, f"  and {more} more"] if more > 0 else lines


def count_text(count: int, word: str) -> str:
    """Return "1 task", "2 tasks"."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def _command_text(task: Task) -> str:
    text = task.title or shlex.join([task.command, *task.args])
    return text if len(text) <= COMMAND_CHARS else f"{text[: COMMAND_CHARS - 1]}…"


def _arbor() -> list[str]:
    """Return how this installation is called: `arbor` where the shell finds it by that name."""
    own = Path(sys.executable).parent / "arbor"
    found = shutil.which("arbor")
    if found is not None and own.exists() and os.path.samefile(found, own):
        return ["arbor"]
    if not own.exists():
        return [sys.executable, "-m", "arborlink.cli"]
    try:
        return [str(own.relative_to(_current_folder()))]
    except ValueError:
        return [str(own)]


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        return Path("/")  # it was deleted
