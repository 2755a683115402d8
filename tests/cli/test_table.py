"""Tables: cells are counted, lines fit, ids stay whole."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.cli.cells import cut, pad, width
from arborlink.cli.table import Column, layout


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("abc", 3),
        ("日本語", 6),
        ("\uff46\uff55\uff4c\uff4c", 8),
        ("cafe\u0301", 4),
        ("e\u0301\u0302", 1),
        ("👍", 2),
        ("👍🏽", 2),
        ("👩\u200d💻", 2),
        ("❤\ufe0f", 2),
        ("🇩🇪🇫🇷", 4),
        ("한국", 4),
        ("\u1112\u1161\u11ab", 2),
        ("naïve", 5),
    ],
)
def test_cells(text: str, cells: int) -> None:
    assert width(text) == cells


@given(st.text(max_size=60), st.integers(0, 40))
def test_a_cut_text_fits_and_is_a_beginning(text: str, cells: int) -> None:
    shown = cut(text, cells)
    assert width(shown) <= max(cells, 0)
    assert text.startswith(shown.removesuffix("…")) or shown == text
    assert not shown.removesuffix("…") or not unicodedata.combining(shown[0]) or shown[0] == text[0]
    assert width(pad(shown, cells + 3)) >= cells + 3


WIDE = "テスト🎉のタイトルはとても長いので端末の幅に収まらないことがあります"
COLUMNS = (
    Column("ID"),
    Column("NAME", least=8),
    Column("RAN", right=True, spare=1),
    Column("OUTPUT", right=True, spare=2),
    Column("COMMAND", least=10),
)
ROWS = [
    ("7h2k", "laptop", "1.2 s", "9 B", WIDE),
    ("tsk_01m84eqnxseq758jqg3ytqa7h2k", "a rather long name", "2 h 5 min", "1.5 KiB", "make"),
]


@pytest.mark.parametrize("room", [200, 120, 80, 60])
def test_lines_fit_and_ids_are_whole(room: int) -> None:
    lines = layout(COLUMNS, ROWS, room)
    assert all(width(line) <= room for line in lines)
    assert "tsk_01m84eqnxseq758jqg3ytqa7h2k" in lines[2]
    starts = [line.index("make") for line in lines[2:]]
    assert width(lines[0][: lines[0].index("COMMAND")]) == width(lines[2][: starts[0]])


def test_columns_that_can_be_spared_go_first_and_one_after_the_other() -> None:
    heads = [layout(COLUMNS, ROWS, room)[0].split() for room in (120, 72, 62)]
    assert heads[0] == ["ID", "NAME", "RAN", "OUTPUT", "COMMAND"]
    assert heads[1] == ["ID", "NAME", "RAN", "COMMAND"]
    assert heads[2] == ["ID", "NAME", "COMMAND"]


def test_without_a_terminal_nothing_is_cut() -> None:
    assert WIDE in layout(COLUMNS, ROWS, None)[1]


def test_columns_line_up_in_cells() -> None:
    lines = layout((Column("A"), Column("B")), [("日本", "x"), ("ab", "y"), ("e\u0301", "z")], None)
    assert [width(line[: line.index(end)]) for line, end in zip(lines, "Bxyz", strict=True)] == [
        6
    ] * 4
