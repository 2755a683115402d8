"""A snapshot makes the state again, fits its bound, and asks the terminal nothing."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given

from arborlink.hub.screen.grid import Grid, Row
from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.parser import Parser
from arborlink.hub.screen.snapshot import snapshot
from arborlink.protocol import limits

from .streams import outputs

QUESTION = re.compile(
    rb"\x1b\[[0-9;?>=]*[cn]|\x1b\[>[0-9]*q|\x1b\[\?u|\x1b\[[0-9;]*t|\x1b\](?:4|1[0-9]|5[0-9]?);[^\x07\x1b]*\?|\x1bP|\x1bZ|\$p|\x05"
)


def shown(data: bytes, cols: int = 20, rows: int = 6) -> ScreenModel:
    """A terminal to which these bytes were written."""
    model = ScreenModel(cols, rows)
    Parser(model).feed(data)
    return model


def cells(row: Row, cols: int) -> list[tuple[str, Any]]:
    return list(zip(row.text, row.pens, strict=True))


def screen(grid: Grid) -> list[list[tuple[str, Any]]]:
    return [cells(row, grid.cols) for row in grid.rows]


def state(model: ScreenModel, *, scrollback: bool = True) -> dict[str, Any]:
    """Everything that a program or a person could tell apart."""
    cursor = model.cursor
    return {
        "main": screen(model.main),
        "alternate": screen(model.alternate) if model.is_alternate else None,
        "by": model.alternate_by,
        "cursor": (cursor.x, cursor.y, cursor.pen, cursor.is_past, cursor.charsets, cursor.shift),
        "saved": model.saved[model.is_alternate],
        "saved below": model.saved[False] if model.is_alternate else None,
        "keyboards": [model.keyboards[False], model.is_alternate and model.keyboards[True]],
        "modes": model.modes,
        "margins": (model.top, model.bottom),
        "tabs": model.tabs,
        "above": [cells(row, 0) for row in model.main.scrollback or ()] if scrollback else None,
    }


def taken(model: ScreenModel, most: int = limits.SCREEN_BYTES) -> bytes:
    found = snapshot(model, most)
    assert found is not None
    return found


@given(outputs)
def test_a_snapshot_makes_the_same_state(text: str) -> None:
    model = shown(text.encode())
    again = taken(model)
    assert not QUESTION.search(again)
    assert state(shown(again)) == state(model)
