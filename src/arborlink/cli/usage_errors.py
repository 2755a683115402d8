"""What is said of a command line that is not understood: sentences, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final

import click

# What other tools call it.
MEANT: Final = {
    "exec": "run",
    "start": "run",
    "kill": "cancel",
    "stop": "cancel",
    "delete": "rm",
    "config": "use",
    "context": "use",
    "register": "enroll",
    "enrol": "enroll",
    "status": "tasks",
    "history": "tasks",
    "list": "tasks",
    "follow": "logs",
    "tail": "logs",
    "output": "logs",
    "machines": "workspaces",
    "serve": "hub",
    "server": "hub",
    "agent": "daemon",
    "find": "search",
    "grep": "search",
    "restart": "rerun",
    "retry": "rerun",
    "signin": "login",
    "signout": "logout",
}
_NOT_A_NUMBER: Final = re.compile(r"'(?P<given>.*)' is not a valid (?P<kind>integer|float)")
_OUT_OF_RANGE: Final = re.compile(r"(?P<given>\S+) is not in the range")
CLOSE_ENOUGH: Final = 0.6


def unknown_command(name: str, known: Iterable[str], path: str) -> str:
    """Return the sentence about a command that does not exist below `path`, such as "arbor"."""
    names = list(known)
    meant = MEANT.get(name.lower())
    close = [meant] if meant in names else get_close_matches(name.lower(), names, 3, CLOSE_ENOUGH)
    guess = (
        f"Did you mean {_either(f'`{path} {each}`' for each in close if each)}? " if close else ""
    )
    return f"there is no command {name!r}. {guess}`{path} --help` lists them"


def sentence(error: click.ClickException) -> str:
    """Return what click says of a command line, as a sentence about what to write instead."""
    if isinstance(error, click.NoSuchOption):
        close = [each for each in error.possibilities or () if each.startswith("-")]
        guess = f". Did you mean {_either(close)}?" if close else ""
        return f"there is no option {error.option_name}{guess}"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return f"{_name(error)} is missing{_choices(error.param)}"
    if isinstance(error, click.BadParameter):
        name = _name(error)
        text = _of_value(error)
        return f"{name}: {text}" if name else text
    return error.format_message().replace("\n\t", " ")


def _name(error: click.BadParameter) -> str:
    if error.param_hint is not None:
        hints = [error.param_hint] if isinstance(error.param_hint, str) else [*error.param_hint]
        return " / ".join(each.strip("'") for each in hints)
    if error.param is None:
        return ""
    if isinstance(error.param, click.Argument):
        return error.param.make_metavar(error.ctx or click.Context(click.Command(None))).strip(
            "[]."
        )
    return max(error.param.opts, key=len)


def _choices(parameter: click.Parameter) -> str:
    kind = parameter.type
    return f": one of {', '.join(map(str, kind.choices))}" if isinstance(kind, click.Choice) else ""


def _of_value(error: click.BadParameter) -> str:
    text = error.message.rstrip(".")
    number = _NOT_A_NUMBER.match(text)
    if number:
        kind = "a whole number" if number["kind"] == "integer" else "a number"
        return f"{number['given']!r} is not {kind}"
    outside = _OUT_OF_RANGE.match(text)
    if outside and error.param is not None:
        return f"{outside['given']} is not possible: {_bounds(error.param.type)}"
    return text


def _bounds(kind: Any) -> str:
    low, high = kind.min, kind.max
    least = None if low is None else f"{'more than' if kind.min_open else 'at least'} {low}"
    most = None if high is None else f"{'less than' if kind.max_open else 'at most'} {high}"
    return " and ".join(each for each in (least, most) if each)


def _either(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
