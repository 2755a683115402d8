"""Words and tables for people, JSON for programs: the one way from the command line to a terminal.

What is shown may be from elsewhere (a hub, another machine, a file's name), so every function here
passes it through `arborlink.visible`. `tests/test_visible.py` finds code that prints by itself.
Only a task's own output goes another way, as it is (`cli/writer.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from arborlink import visible

MINUTE, HOUR, DAY = 60, 3_600, 86_400
ERASE_LINE = "\r\x1b[K"


def complain(text: str) -> None:
    """Write one line with what went wrong to stderr."""
    say(f"arbor: {text}")


def say(text: str) -> None:
    """Write one line for a person to stderr."""
    # In raw mode a line feed alone does not go back to the first column; elsewhere the carriage
    # return would be in the way of whatever reads stderr from a file.
    end = "\r\n" if sys.stderr.isatty() else "\n"
    _to_stderr(f"{visible.line(text)}{end}")


def show_status(text: str) -> None:
    """Write `text` over the last status; the cursor stays in its line on stderr."""
    _to_stderr(f"{ERASE_LINE}{visible.line(text)}")


def erase_status() -> None:
    """Make the line of the last status empty."""
    _to_stderr(ERASE_LINE)


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
    is_shown = sys.stdout is not None and sys.stdout.isatty()
    click.echo(visible.lines(text) if is_shown else text, visible.unguarded(sys.stdout), nl=False)


def show_usage_error(error: click.ClickException) -> None:
    """Write what click says of a command that it does not understand."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        for line in error.ctx.get_usage().splitlines():
            say(line)
        say(f"Try '{error.ctx.command_path} --help' for help.")
        say("")
    # Of an argument that is missing, click lists the choices below each other.
    say(f"Error: {error.format_message().replace(chr(10) + chr(9), ' ')}")


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


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write columns as wide as they need to be; the last one is cut at the terminal's edge."""
    cells = [[visible.line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    for row in ([*header], *cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        show(_cut(line.rstrip()))


def _cut(line: str) -> str:
    if not sys.stdout.isatty():
        return line
    import shutil

    columns = shutil.get_terminal_size().columns
    return line if len(line) <= columns else line[: columns - 1] + "…"


def ago(time: str | None, now: datetime | None = None) -> str:
    """An RFC 3339 time as people say it."""
    if time is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(time)).total_seconds()
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now" if seconds < 1 else f"{int(seconds)} s ago"


def size_text(count: float) -> str:
    """An amount of bytes as people say it."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
