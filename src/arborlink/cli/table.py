"""Columns that fit a terminal. Pure.

A column that can be cut is made narrower where there is no room, the widest first; then columns
that can be spared are left out. An id is never cut: it is what the next command is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from arborlink import visible
from arborlink.cli.cells import cut, pad, width

GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `least`: it may be cut to so many cells; None: never. `spare`: the column goes
    where there is no room, the highest number first; 0: it stays."""

    title: str
    least: int | None = None
    spare: int = 0
    right: bool = False


def layout(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int | None) -> list[str]:
    """Return the lines of header and rows, for so many cells; None: as wide as they are."""
    cells = [[visible.line(cell) for cell in row] for row in rows]
    wanted = [
        max(width(column.title), *(width(row[at]) for row in cells), 0)
        for at, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    while (sizes := _fit(columns, wanted, shown, room)) is None:
        shown.remove(max(shown, key=lambda at: columns[at].spare))
    return [
        GAP.join(
            pad(cut(row[at], size), size, right=columns[at].right)
            for at, size in zip(shown, sizes, strict=True)
        ).rstrip()
        for row in ([column.title for column in columns], *cells)
    ]


def _fit(
    columns: Sequence[Column], wanted: Sequence[int], shown: Sequence[int], room: int | None
) -> list[int] | None:
    """Return the widths of the columns that are shown; None: one of them has to go first."""
    sizes = [wanted[at] for at in shown]
    excess = 0 if room is None else sum(sizes) + len(GAP) * (len(sizes) - 1) - room
    least = [
        size if columns[at].least is None else min(size, max(columns[at].least or 0, 1))
        for at, size in zip(shown, sizes, strict=True)
    ]
    while excess > 0:
        slack = [size - low for size, low in zip(sizes, least, strict=True)]
        if not any(slack):
            can_spare = any(columns[at].spare for at in shown)
            return None if can_spare else sizes
        widest = max((at for at, left in enumerate(slack) if left), key=sizes.__getitem__)
        sizes[widest] -= 1
        excess -= 1
    return sizes
