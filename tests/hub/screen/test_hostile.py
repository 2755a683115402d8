"""No terminal keeps the process that draws them all from the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.screen.grid import Row
from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.parser import Parser
from arborlink.hub.screen.snapshot import RowWriter, snapshot
from arborlink.protocol import limits

from .streams import hostile, outputs
from .test_skipping import skipped
from .test_snapshot import state

# Each takes up to a fifth of a second on the largest terminal.
DEAR = [b"\x1bc", b"\x1b#8", b"\x1b[2J", b"\x1b[999S", b"\x1b[65535b", b"\x1b[?1049h\x1b[?1049l"]


def always() -> bool:
    return True


@pytest.mark.parametrize("sequence", DEAR)
def test_time_is_looked_at_after_each_sequence(sequence: bytes) -> None:
    parser = Parser(ScreenModel(20, 6))
    times = 5
    assert not parser.feed("世".encode() + sequence * times, always)
    rounds = 1
    while not parser.feed(b"", always):
        rounds += 1
    # The last is whole with the one before it: after it there is nothing to be late for.
    assert rounds == times * sequence.count(b"\x1b") - 1
    assert not parser.is_behind


@given(st.one_of(outputs, hostile), st.integers(1, 40), st.integers(1, 9))
def test_what_is_drawn_in_many_turns_is_what_is_drawn_at_once(
    text: str, size: int, patience: int
) -> None:
    data = text.encode("utf-8", "surrogatepass")
    whole, parts = ScreenModel(20, 6), ScreenModel(20, 6)
    Parser(whole).feed(data)
    parser = Parser(parts)
    asked = 0

    def is_late() -> bool:
        nonlocal asked
        asked += 1
        return asked % patience == 0

    for start in range(0, len(data), size):
        parser.feed(data[start : start + size], is_late)
    while not parser.feed(b"", is_late):
        pass
    assert state(parts) == state(whole)


def test_modes_that_do_not_exist_are_not_collected_from_what_is_skipped() -> None:
    strange = b"".join(b"\x1b[?%dh" % mode for mode in range(10_000, 60_000))
    assert skipped(b"\x1b[?2004h" + strange) == b"\x1b[?2004h"


def coloured(cols: int, rows: int) -> ScreenModel:
    """Return a terminal of which each cell has a colour of its own, lines above included."""
    model = ScreenModel(cols, rows)
    parser = Parser(model)
    for number in range(cols * rows * 2):
        parser.feed(b"\x1b[38;2;%d;%d;%dmx" % (number >> 16, number >> 8 & 255, number & 255))
    return model


@pytest.mark.parametrize("is_alternate", [False, True])
def test_of_a_screen_that_is_too_large_no_more_is_written_than_shows_it(
    is_alternate: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = coloured(100, 50)
    if is_alternate:
        model.alternate, model.alternate_by = model.main, 1047
    written = 0
    write = RowWriter.row

    def count(self: RowWriter, row: Row, *, whole: bool = False, least: int = 0) -> str:
        nonlocal written
        found = write(self, row, whole=whole, least=least)
        written += len(found)
        return found

    monkeypatch.setattr(RowWriter, "row", count)
    room = 20_000
    assert snapshot(model, room) is None
    assert written < 3 * room
    # As much as there is room for, where the screen itself is small.
    monkeypatch.undo()
    assert snapshot(model, limits.SCREEN_BYTES) is not None


def test_as_many_lines_above_a_screen_are_written_as_there_is_room_for() -> None:
    model = coloured(40, 6)
    Parser(model).feed(b"\x1b[m" + b"\r\nplain" * 6)
    whole, some = snapshot(model, limits.SCREEN_BYTES), snapshot(model, 3_000)
    assert whole is not None and some is not None
    assert 2_000 < len(some) <= 3_000 < len(whole)
