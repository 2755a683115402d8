"""A terminal is left as it was found, and what is replayed on it does nothing but draw."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.cli.screen.local import LocalTerminal
from tests.cli.screen.model import Model
from tests.cli.screen.streams import ACTS, QUESTIONS, drawing, everything, pieces


def shown(parts: list[bytes], *, may_act: bool) -> tuple[Model, LocalTerminal]:
    model, local = Model(), LocalTerminal(may_act=may_act)
    for part in parts:
        model.write(local.show(part))
    return model, local


@given(pieces(everything), st.booleans())
def test_whatever_was_written_the_terminal_is_left_as_it_was(
    parts: list[bytes], may_act: bool
) -> None:
    model, local = shown(parts, may_act=may_act)
    model.write(local.leave())
    assert model.settings() == Model().settings()


@given(pieces(drawing), pieces(drawing))
def test_a_screen_replaces_another_and_both_are_undone(
    before: list[bytes], after: list[bytes]
) -> None:
    model, local = shown(before, may_act=True)
    model.write(local.replace(b"".join(after), 24))
    other = Model()
    other.write(LocalTerminal(may_act=True).show(b"".join(after)))
    assert model.settings() == other.settings() | {"titles": model.titles}
    model.write(local.leave())
    assert model.settings() == Model().settings()


@given(pieces(drawing))
def test_what_draws_is_passed_byte_for_byte(parts: list[bytes]) -> None:
    local = LocalTerminal(may_act=True)
    written = b"".join(local.show(part) for part in parts)
    assert written.replace(b"\x1b[22;0t", b"") == b"".join(parts).replace(b"\x1b[22;0t", b"")


@given(pieces(everything))
def test_a_replay_asks_nothing_and_acts_on_nothing(parts: list[bytes]) -> None:
    model, _ = shown(parts, may_act=False)
    assert model.asked == []


@pytest.mark.parametrize("sequence", [*QUESTIONS, *ACTS])
def test_live_it_passes_once_and_in_a_replay_never(sequence: bytes) -> None:
    assert LocalTerminal(may_act=True).show(b"a" + sequence + b"b") == b"a" + sequence + b"b"
    assert LocalTerminal(may_act=False).show(b"a" + sequence + b"b") == b"ab"


@pytest.mark.parametrize(
    "hidden",
    [
        b"\x1b[\n6n",
        b"\x1b\n[6n",
        b"\xc2\x9b6n",
        b"\x9b6n",
        b"\x1b[\xc3\xa96n",
        b"\x1b[1;\x1b[6n",
        b"\x1b]0;t\x1b[6n",
        b"\x1b]0;t\xc2\x9b6n",
        b"\x1b[" + b"0" * 5_000 + b";6n",
        b"\x1bP" + b"x" * 5_000 + b"\x1b\\\x1b[6n",
        b"\x1b]52;c;" + b"x" * 10_000 + b"\x07",
        b"\x1b]11;" + b"x" * 5_000 + b";?\x07",
    ],
)
def test_no_spelling_of_a_question_gets_through(hidden: bytes) -> None:
    for size in (1, 3, len(hidden)):
        local = LocalTerminal(may_act=False)
        cut = [hidden[at : at + size] for at in range(0, len(hidden), size)]
        written = b"".join(local.show(part) for part in [*cut, b"end"])
        written = written.replace(b"\x1b[22;0t", b"")
        assert not any(each in written for each in (b"\x1b[", b"\x9b", b";?", b"]52"))
        model = Model()
        model.write(written)
        assert written.endswith(b"end") and model.title in (b"shell", b"t")


@pytest.mark.parametrize("text", ["日本", "ž\x85", "plain", "👩‍👩‍👧"])
def test_text_arrives_whole_and_at_once(text: str) -> None:
    data = text.encode()
    assert LocalTerminal(may_act=False).show(data) == data
    local = LocalTerminal(may_act=True)
    assert b"".join(local.show(bytes([each])) for each in data) == data


def test_old_code_pages_are_text() -> None:
    data = b"caf\xe9 \x93quoted\x94 \x9etext\r\n"
    assert LocalTerminal(may_act=False).show(data) == data


def test_a_picture_is_passed_in_parts() -> None:
    sixels = b"\x1bPq" + b"#0~~@@" * 10_000 + b"\x1b\\after"
    local = LocalTerminal(may_act=False)
    written = b"".join(local.show(sixels[at : at + 1_000]) for at in range(0, len(sixels), 1_000))
    assert written == sixels


def test_reports_begin_with_control_and_end_with_it() -> None:
    local = LocalTerminal(may_act=False)
    assert local.show(b"\x1b[?1004;2004h") == b"\x1b[?2004h"
    assert local.set_may_act(True) == b"\x1b[?1004h"
    assert local.set_may_act(True) == b""
    assert local.set_may_act(False) == b"\x1b[?1004l"
    assert b"1004" not in local.leave()


def test_the_alternate_screen_is_left_before_anything_is_said() -> None:
    local = LocalTerminal(may_act=True)
    local.show(b"\x1b[?1049h\x1b[>31u\x1b[?1000h\x1b[?25lvim")
    left = local.leave()
    assert left.index(b"\x1b[<1u") < left.index(b"\x1b[?1049l") < left.index(b"\x1b[?25h")
    assert not left.endswith(b"\r\n")


def test_what_is_said_afterwards_has_a_line_of_its_own() -> None:
    local = LocalTerminal(may_act=True)
    local.show(b"$ ")
    assert local.leave().endswith(b"\r\n")
    assert LocalTerminal(may_act=True).leave() == b""


def test_a_string_that_is_being_written_is_ended() -> None:
    local = LocalTerminal(may_act=True)
    local.show(b"\x1bPq" + b"~" * 10_000)
    assert local.leave().startswith(b"\x1b\\")
