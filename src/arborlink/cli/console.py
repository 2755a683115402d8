"""Words and tables for people, JSON for programs: the one way from the command line to a terminal.

What is shown may be from elsewhere (a hub, another machine, a file's name), so every function here
passes it through `arborlink.visible`. `tests/test_visible.py` finds code that prints by itself.
Only a task's own output goes another way, as it is (`cli/writer.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from arborlink import visible
from arborlink.cli.cells import cut
from arborlink.cli.table import Column, layout

ERASE_LINE = "\r\x1b[K"
# The other screen, without a cursor, and back (xterm's control sequences).
ENTER_SCREEN, LEAVE_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
HOME, ERASE_REST_OF_LINE, ERASE_BELOW = "\x1b[H", "\x1b[K", "\x1b[K\x1b[J"


def complain(text: str) -> None:
    """Write one line with what went wrong to stderr."""
    say(f"arbor: {text}")


def say(text: str) -> None:
    """Write one line for a person to stderr."""
    # In raw mode a line feed alone does not go back to the first column; elsewhere the carriage
    # return would be in the way of whatever reads stderr from a file.
    end = "\r\n" if sys.stderr.isatty() else "\n"
    _to_stderr(f"{_status.leave()}{visible.line(text)}{end}")


def show_status(text: str) -> None:
    """Write `text` over the last status; the cursor stays in its line on stderr."""
    _to_stderr(f"{ERASE_LINE}{visible.line(text)}")
    _status.is_there = True


def erase_status() -> None:
    """Make the line of the last status empty, if one is there."""
    _to_stderr(_status.leave())


class _Status:
    """Whether the cursor is in the line of a status, which other words must not be added to."""

    is_there = False

    def leave(self) -> str:
        """Return what takes the line away."""
        was_there, self.is_there = self.is_there, False
        return ERASE_LINE if was_there else ""


_status = _Status()


def _to_stderr(text: str) -> None:
    try:
        stream = visible.unguarded(sys.stderr)
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        # It is closed, or its reader is gone: no reason to fail.
        return


def show(text: str = "", *, bold: bool = False, mark: str = "", color: str | None = None) -> None:
    """Write one line to stdout; `mark`, in `color`, stands before `text`."""
    styled = click.style(visible.line(mark), fg=color) if mark else ""
    words = visible.line(text)
    click.echo(
        styled + (click.style(words, bold=True) if bold else words), visible.unguarded(sys.stdout)
    )


def show_document(text: str) -> None:
    """Write several lines to stdout: to a file or program as they are."""
    click.echo(
        visible.lines(text) if is_for_a_person() else text, visible.unguarded(sys.stdout), nl=False
    )


def show_usage_error(error: click.ClickException) -> None:
    """Write why a command line is not understood, and how the command is used."""
    from arborlink.cli.usage_errors import sentence

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        for line in error.format_message().splitlines():
            say(line)
        return
    complain(sentence(error))
    if isinstance(error, click.UsageError) and error.ctx is not None:
        usage = " ".join(error.ctx.get_usage().split()).removeprefix("Usage: ")
        say(f"usage: {usage}  (`{error.ctx.command_path} --help` explains it)")


def ask(prompt: str) -> str:
    """Return a line that a person types, without the spaces around it."""
    stream = visible.unguarded(sys.stderr)
    stream.write(visible.line(prompt))
    stream.flush()
    return sys.stdin.readline().strip()


def ask_secret(prompt: str) -> str:
    """Return a line that a person types without seeing it."""
    import getpass

    return getpass.getpass(visible.line(prompt))


def print_json(resources: object) -> None:
    """Write a resource, or a list of them, as the API shows it."""
    import msgspec

    encoded = msgspec.json.format(msgspec.json.encode(resources), indent=2)
    click.echo(visible.json_text(encoded.decode()), visible.unguarded(sys.stdout))


def print_json_line(resource: object) -> None:
    """Write a resource as JSON on one line, at once: a program reads them as they come."""
    import msgspec

    encoded = msgspec.json.encode(resource).decode()
    click.echo(visible.json_text(encoded), visible.unguarded(sys.stdout))


def print_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, whole: bool = False
) -> None:
    """Write columns that fit the terminal; to a file or program, or with `whole`, uncut."""
    for line in layout(columns, rows, None if whole else terminal_room()):
        show(line)


def is_for_a_person() -> bool:
    """Return whether stdout is a terminal: what is written there is read by eyes, not a program."""
    return sys.stdout is not None and sys.stdout.isatty()


def terminal_room() -> int | None:
    """Return how many cells a line has; None: stdout is no terminal."""
    if not is_for_a_person():
        return None
    import shutil

    return shutil.get_terminal_size().columns


@contextmanager
def whole_screen() -> Iterator[Callable[[list[str]], None]]:
    """Take the terminal that stdout is; what was on it before is back at the end.

    Yields what draws lines in place of those drawn before, as many and as much as fit.
    """
    stream = visible.unguarded(sys.stdout)
    click.echo(ENTER_SCREEN, stream, nl=False)
    try:
        yield _draw
    finally:
        click.echo(LEAVE_SCREEN, stream, nl=False)


def _draw(lines: list[str]) -> None:
    import shutil

    columns, rows = shutil.get_terminal_size()
    shown = [cut(visible.line(line), columns) for line in lines[:rows]]
    text = f"{ERASE_REST_OF_LINE}\r\n".join(shown)
    stream = visible.unguarded(sys.stdout)
    click.echo(f"{HOME}{text}{ERASE_BELOW}", stream, nl=False)
