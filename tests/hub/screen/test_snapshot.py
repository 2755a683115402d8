"""A snapshot makes the state again, fits its bound, and asks the terminal nothing."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from arborlink.hub.screen.grid import Grid, Row
from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.parser import Parser
from arborlink.hub.screen.snapshot import snapshot
from arborlink.protocol import limits

from .streams import hostile, outputs

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


@given(hostile, st.integers(1, 30), st.integers(1, 8))
@example("\x1b[", 1, 1)
@example("日", 1, 1)
@example("\x1b[" + "9" * 300 + "m", 20, 6)
def test_no_output_is_too_hostile(text: str, cols: int, rows: int) -> None:
    """However it is cut, on any terminal: the same model, and a snapshot of it."""
    data = text.encode("utf-8", "surrogatepass")
    model = shown(data, cols, rows)
    in_pieces = ScreenModel(cols, rows)
    parser = Parser(in_pieces)
    for at in range(len(data)):
        parser.feed(data[at : at + 1])
    assert state(in_pieces) == state(model)
    for grid in (model.main, model.alternate):
        assert len(grid.rows) == rows
        assert {len(row.text) for row in grid.rows} == {cols}
        assert {len(row.pens) for row in grid.rows} == {cols}
    again = taken(model)
    assert not QUESTION.search(again)
    assert state(shown(again, cols, rows), scrollback=False)["main"] == state(model)["main"]


@given(st.binary(max_size=300))
def test_no_bytes_are_too_hostile(data: bytes) -> None:
    taken(shown(data))


@given(outputs, outputs, st.integers(1, 40), st.integers(1, 12))
def test_a_resized_terminal_is_whole(before: str, after: str, cols: int, rows: int) -> None:
    model = ScreenModel(20, 6)
    parser = Parser(model)
    parser.feed(before.encode())
    model.resize(cols, rows)
    parser.feed(after.encode())
    for grid in (model.main, model.alternate):
        assert {len(row.text) for row in grid.rows} == {cols} and len(grid.rows) == rows
    assert 0 <= model.cursor.x < cols and 0 <= model.cursor.y < rows
    assert state(shown(taken(model), cols, rows), scrollback=False)["main"] == state(model)["main"]


def test_a_terminal_that_shrinks_keeps_the_line_of_its_cursor_and_grows_again() -> None:
    model = shown(b"".join(b"line %d\r\n" % number for number in range(5)) + b"prompt")
    model.resize(20, 3)
    assert [text(row) for row in model.main.rows] == ["line 3", "line 4", "prompt"]
    model.resize(20, 6)
    assert text(model.main.rows[0]) == "line 0"
    assert model.cursor.y == 5


def text(row: Row) -> str:
    return "".join(row.text).rstrip()


def test_what_scrolled_off_is_there_up_to_a_bound() -> None:
    lines = limits.SCREEN_SCROLLBACK_LINES
    model = shown(b"".join(b"%d\r\n" % number for number in range(3 * lines)))
    again = shown(taken(model))
    assert again.main.scrollback is not None and len(again.main.scrollback) == lines
    assert text(again.main.scrollback[-1]) == str(3 * lines - 6)


def test_lines_above_give_way_to_the_bound_and_a_screen_that_is_too_large_is_none() -> None:
    model = shown(b"".join(b"\x1b[3%dm%d\r\n" % (number % 8, number) for number in range(900)))
    whole, half = taken(model), taken(model, 4_000)
    assert len(half) <= 4_000 < len(whole)
    fewer = shown(half).main.scrollback
    assert fewer is not None and 100 < len(fewer) < 900
    assert state(shown(half), scrollback=False) == state(model, scrollback=False)
    assert snapshot(model, 10) is None


def test_a_line_that_was_wrapped_is_one_line_again() -> None:
    model = shown(b"x" * 50 + b"\r\nshort")
    again = shown(taken(model))
    assert [row.wraps for row in again.main.rows[:4]] == [True, True, False, False]


def test_synchronized_output_is_never_left_on() -> None:
    assert b"2026" not in taken(shown(b"\x1b[?2026htext"))


def test_colours_are_written_as_they_were() -> None:
    data = b"\x1b[1;38;2;1;2;3;48;5;200;4:3;58:2::9:8:7mX"
    pen = shown(taken(shown(data))).main.rows[0].pens[0]
    assert (pen.foreground & 0xFFFFFF, pen.background, pen.attributes & 1) == (0x010203, 200, 1)
    assert pen.underline_colour & 0xFFFFFF == 0x090807
