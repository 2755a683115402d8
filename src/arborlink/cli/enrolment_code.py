"""The one-time code of `arbor daemon`: where it is read from, and how it leaves the command line.

Every user of a machine can read the arguments of every process (`/proc/PID/cmdline`, `ps`), and
redeem a code before the daemon does. The environment is readable by the same user alone (proc(5)).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from arborlink.cli import secret_variables
from arborlink.cli.console import ask, complain

VARIABLE: Final = secret_variables.CODE
STANDARD_INPUT: Final = "-"
_FLAG: Final = "--code"


def read_code(argument: str | None, file: Path | None) -> str | None:
    """Return the code of `--code`, `--code-file` or the environment, and forget the last of them.

    Raises:
        ClickException: two of the flags are given, or there is no code where one was named.
    """
    from_environment = secret_variables.take(VARIABLE)
    if argument is not None and file is not None:
        raise click.UsageError("give --code or --code-file, not both")
    if file is not None:
        return _present(file.read_text(), f"in {file}")
    if argument == STANDARD_INPUT:
        # None: the descriptor was closed when the process was started.
        return _present(sys.stdin.readline() if sys.stdin else "", "on stdin")
    return argument or from_environment or None


def ask_code() -> str | None:
    """Return the code that a person types; None where there is no terminal to ask at."""
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    return _present(ask("code, as `arbor enroll NAME` or the page printed it: "), "given")


def _present(text: str, where: str) -> str:
    if not (code := text.strip()):
        raise click.ClickException(f"there is no code {where}")
    return code


def hide_code_argument() -> None:
    """Start this process anew without the code among its arguments, if it is there.

    `execve` replaces the memory that `/proc/PID/cmdline` shows on every system; writing over the
    arguments in place needs a way of its own on each.
    """
    found = without_code(sys.argv[1:])
    if found is None:
        return
    words, code = found
    complain(
        "other users of this machine can read a code among the arguments. Give it as "
        f"{VARIABLE}=CODE before the command, with --code-file or --code -, or when you are asked; "
        "--code CODE will go"
    )
    secret_variables.hide(code, words)


def without_code(words: list[str]) -> tuple[list[str], str] | None:
    """Return the arguments of `arbor` without a code, and the code; None: there is none in them."""
    if next((each for each in words if not each.startswith("-")), None) != "daemon":
        return None
    options = words[: words.index("--")] if "--" in words else words
    kept: list[str] = []
    code = None
    rest = iter(options)
    for word in rest:
        if word.startswith(f"{_FLAG}="):
            given: str | None = word.removeprefix(f"{_FLAG}=")
        elif word == _FLAG:
            given = next(rest, None)
        else:
            kept.append(word)
            continue
        if given in (None, "", STANDARD_INPUT):
            kept += [_FLAG] if given is None else [_FLAG, given]
        else:
            code = given
    return None if code is None else ([*kept, *words[len(options) :]], code)
