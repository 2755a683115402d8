"""Words and tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def complain(text: str) -> None:
    """What went wrong, on stderr."""
    say(f"arbor: {text}")


def say(text: str) -> None:
    """A line for a person, on stderr."""
    try:
        # In raw mode a line feed alone does not go back to the first column; elsewhere the
        # carriage return would be in the way of whoever reads stderr from a file.
        end = "\r\n" if sys.stderr.isatty() else "\n"
        sys.stderr.write(f"{printable(text)}{end}")
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody reads it: no reason to fail.
        return


def printable(text: str) -> str:
    """`text` without what could act on a terminal."""
    return "".join(
        each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def print_json(resources: object) -> None:
    """A resource, or a list of them, as the API shows it."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(resources), indent=2))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they need to be; the last one is cut at the terminal's edge."""
    cells = [[printable(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    for row in ([*header], *cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(_cut(line.rstrip()))


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
