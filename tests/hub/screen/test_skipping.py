"""Of what is not drawn, the modes count that are on at its end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.modes import Modes
from arborlink.hub.screen.parser import Parser
from arborlink.hub.screen.skipping import BLOCK_BYTES, skipped_modes

from .streams import outputs


def skipped(data: bytes, start: int = 0) -> bytes:
    return skipped_modes(
        lambda offset, size: data[offset : offset + size], start, len(data), lambda: False
    )


def drawn(*parts: bytes) -> ScreenModel:
    model = ScreenModel(20, 6)
    parser = Parser(model)
    for part in parts:
        parser.feed(part)
    return model


def modes(model: ScreenModel) -> tuple[object, ...]:
    return (model.modes, model.alternate_by, model.keyboards[model.is_alternate].flags)


# Strings may hide sequences, and saved cursors take the origin mode along: neither is looked for.
plain = outputs.filter(
    lambda text: (
        not any(each in text for each in ("\x1bP", "\x1b_", "\x1b^", "\x1b]8", "1048"))
        and not any(text.count(each) for each in ("\x1b8", "\x1b7", "\x1b[u", "[!p"))
    )
)


@given(plain, plain)
def test_the_modes_are_those_of_what_was_drawn(before: str, text: str) -> None:
    data = before.encode() + text.encode()
    found = skipped(data, len(before.encode()))
    expected, model = drawn(data), drawn(before.encode(), found)
    # 1049 restores a cursor with its origin mode, which only who draws everything knows.
    for each in (expected, model):
        each.modes.switches[6] = False
    assert modes(model) == modes(expected)


def test_only_the_last_of_each_counts() -> None:
    data = b"\x1b[?2004h\x1b[?1000h" * 9 + b"\x1b[?2004l\x1b[?25l\x1b[?1003h text \x1b[?25h"
    assert skipped(data) == b"\x1b[?2004l\x1b[?1003h\x1b[?25h"


def test_a_reset_ends_the_search() -> None:
    assert skipped(b"\x1b[?2004h\x1b[?1h\x1bc\x1b[?25l") == b"\x1bc\x1b[?25l"


@given(st.integers(0, 12))
def test_a_sequence_across_blocks_is_found_once(shift: int) -> None:
    data = b"x" * (2 * BLOCK_BYTES - shift) + b"\x1b[?2004h" + b"y" * (BLOCK_BYTES + shift - 8)
    assert skipped(data) == b"\x1b[?2004h"


def test_when_the_time_is_up_the_newest_are_there() -> None:
    block = b"z" * BLOCK_BYTES
    data = b"\x1b[?1h" + block + b"\x1b[?2004h" + block
    looks = iter([False, False, True])
    found = skipped_modes(
        lambda offset, size: data[offset : offset + size], 0, len(data), lambda: next(looks)
    )
    assert found == b"\x1b[?2004h"
    assert Modes().switches[1] is False
