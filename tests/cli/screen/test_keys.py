"""The keys that leave are found in every encoding, and nothing else is taken for them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.cli.screen.detach_key import Key, parse_keys
from arborlink.cli.screen.keys import (
    INCOMPLETE_SECONDS,
    MAX_HELD_BYTES,
    SEQUENCE_SECONDS,
    TWICE_SECONDS,
    Keys,
    Typed,
    What,
)
from arborlink.protocol.errors import InvalidInput

BRACKET = parse_keys("ctrl-]")
PRESSES = [
    b"\x1d",
    b"\x1b[93;5u",
    b"\x1b[93;5:1u",
    b"\x1b[93;69u",
    b"\x1b[93;133:1u",
    b"\x1b[93;197u",
    b"\x1b[93:125;5:1u",
    b"\x1b[93::93;5:1u",
    b"\x1b[93:125:93;5:1;29u",
    b"\x1b[1098::93;5u",
    b"\x1b[57:93;6u",
    b"\x1b[27;5;93~",
    b"\x1b[27;69;93~",
    b"\x1b[221;27;29;1;8;1_",
]
OTHERS = [
    b"]",
    b"\x1b[93;5:3u",
    b"\x1b[93;1u",
    b"\x1b[93;7u",
    b"\x1b[93;13u",
    b"\x1b[94;5u",
    b"\x1b[43::93;5u",
    b"\x1b[27;3;93~",
    b"\x1b[221;27;29;0;8;1_",
    b"\x1b[200~a\x1db\x1b[93;5u\x1b[201~",
    b"\x1b[A",
    b"\x1bOA",
    b"\x1b",
    b"\x1b]",
    b"\x1b[M !\x1d",
]
ANSWERS = [
    b"\x1b[?64;1c",
    b"\x1b[>41;354;0c",
    b"\x1b[0n",
    b"\x1b[12;40R",
    b"\x1b[?12;40R",
    b"\x1b[?2026;2$y",
    b"\x1b[4;1$y",
    b"\x1b[?1u",
    b"\x1b[8;24;80t",
    b"\x1b[48;24;80;480;800t",
    b"\x1b[?997;1n",
    b"\x1b[I",
    b"\x1b[O",
    b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    b"\x1b]4;1;rgb:cd/00/00\x07",
    b"\x1bP>|XTerm(390)\x1b\\",
    b"\x1bP1$r0m\x1b\\",
    b"\x1b_Gi=1;OK\x1b\\",
]


DETACHED = Typed(What.DETACH)


def left(keys: Keys, data: bytes, size: int = 65_536) -> list[Typed]:
    typed: list[Typed] = []
    for at in range(0, len(data), size):
        typed += keys.receive(data[at : at + size], 0.0)
        if DETACHED in typed:
            return typed
    while (deadline := keys.next_deadline()) is not None:
        typed += keys.on_deadline(deadline)
    return typed


def merged(typed: list[Typed]) -> list[Typed]:
    return [Typed(what, sent(each)) for what, each in groupby(typed, lambda one: one.what)]


def sent(typed: Iterable[Typed]) -> bytes:
    return b"".join(each.data for each in typed)


@pytest.mark.parametrize("press", PRESSES)
@pytest.mark.parametrize("size", [1, 2, 65_536])
def test_every_encoding_leaves_in_any_pieces(press: bytes, size: int) -> None:
    typed = left(Keys(BRACKET), b"ls\r" + press, size)
    assert typed[-1] == DETACHED and sent(typed) == b"ls\r"


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("size", [1, 65_536])
def test_nothing_else_leaves_or_is_lost(other: bytes, size: int) -> None:
    assert sent(left(Keys(BRACKET), b"a" + other + b"b", size)) == b"a" + other + b"b"
    assert DETACHED not in left(Keys(BRACKET), other, size)


@pytest.mark.parametrize("press", PRESSES)
def test_pressed_twice_it_is_sent_once(press: bytes) -> None:
    keys = Keys(BRACKET)
    assert left(keys, b"a" + press * 2 + b"b") == [Typed(What.KEYS, b"a" + press + b"b")]


def test_pressed_again_later_it_has_left_before() -> None:
    keys = Keys(BRACKET)
    assert keys.receive(b"\x1d", 10.0) == []
    assert keys.next_deadline() == 10.0 + TWICE_SECONDS
    assert keys.on_deadline(10.0) == []
    assert keys.on_deadline(10.0 + TWICE_SECONDS) == [DETACHED]


def test_releases_between_two_presses_do_not_count() -> None:
    keys = Keys(BRACKET)
    ctrl = b"\x1b[57442;5:3u\x1b[57442;5u"
    typed = left(keys, b"\x1b[93;5u\x1b[93;5:3u" + ctrl + b"\x1b[93;5u\x1b[93;5:3u")
    assert typed == [Typed(What.KEYS, ctrl + b"\x1b[93;5u\x1b[93;5:3u")]


def test_what_is_typed_after_the_key_is_for_what_comes_after() -> None:
    assert left(Keys(BRACKET), b"\x1dexit\r") == [DETACHED]


def test_a_sequence_of_keys_leaves_and_its_beginning_is_sent_otherwise() -> None:
    keys = parse_keys("ctrl-p,ctrl-q")
    assert left(Keys(keys), b"a\x10\x11b") == [Typed(What.KEYS, b"a"), DETACHED]
    assert left(Keys(keys), b"\x1b[112;5u\x1b[113;5u") == [DETACHED]
    assert left(Keys(keys), b"\x10x") == [Typed(What.KEYS, b"\x10x")]
    assert left(Keys(keys), b"\x10\x10\x11") == [Typed(What.KEYS, b"\x10"), DETACHED]
    assert left(Keys(keys), b"\x11") == [Typed(What.KEYS, b"\x11")]


def test_the_beginning_of_a_sequence_is_sent_when_no_more_follows() -> None:
    keys = Keys(parse_keys("ctrl-p,ctrl-q"))
    assert keys.receive(b"\x10", 0.0) == []
    assert keys.on_deadline(SEQUENCE_SECONDS) == [Typed(What.KEYS, b"\x10")]
    assert keys.receive(b"\x11", 2.0) == [Typed(What.KEYS, b"\x11")]


def test_with_none_every_key_is_sent() -> None:
    assert sent(left(Keys(()), b"".join(PRESSES))) == b"".join(PRESSES)


def test_escape_is_sent_soon() -> None:
    keys = Keys(BRACKET)
    assert keys.receive(b"\x1b", 0.0) == []
    assert keys.on_deadline(INCOMPLETE_SECONDS) == [Typed(What.KEYS, b"\x1b")]


def test_a_paste_that_is_cut_anywhere_is_a_paste() -> None:
    paste = b"\x1b[200~one\x1d\x1b[93;5u\x1b[20two\x1b[201~"
    for size in range(1, len(paste)):
        typed = left(Keys(BRACKET), paste + b"\x1d", size)
        assert sent(typed) == paste and typed[-1] == DETACHED


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("size", [1, 65_536])
def test_answers_are_told_from_keys(answer: bytes, size: int) -> None:
    keys, answers = Typed(What.KEYS, b"x"), Typed(What.ANSWER, answer)
    assert left(Keys(BRACKET), b"x" + answer, size) == [keys, answers]


@pytest.mark.parametrize("key", [b"\x1b[1;5R", b"\x1b[A", b"\x1b[15~", b"\x1b[97;5u", b"\x1bP"])
def test_function_keys_are_no_answers(key: bytes) -> None:
    assert left(Keys(BRACKET), key) == [Typed(What.KEYS, key)]


def test_what_never_ends_is_not_kept() -> None:
    keys = Keys(BRACKET)
    endless = b"\x1b]" + b"x" * MAX_HELD_BYTES
    assert sent(keys.receive(endless + b"y" * 10, 0.0)) == endless + b"y" * 10


@given(st.lists(st.sampled_from([*PRESSES, *OTHERS, *ANSWERS]), max_size=6), st.integers(1, 9))
def test_pieces_do_not_matter(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    assert merged(left(Keys(BRACKET), data, size)) == merged(left(Keys(BRACKET), data))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("ctrl-]", (Key("]", is_ctrl=True),)),
        ("Ctrl-P, ctrl-Q", (Key("p", is_ctrl=True), Key("q", is_ctrl=True))),
        ("^b,d", (Key("b", is_ctrl=True), Key("d", is_ctrl=False))),
        ("none", ()),
    ],
)
def test_keys_are_named_as_elsewhere(text: str, keys: tuple[Key, ...]) -> None:
    assert parse_keys(text) == keys


@pytest.mark.parametrize(
    "text", ["", "ctrl-i", "ctrl-m", "ctrl-[", "ctrl-", "ctrl-ab", "f12", "ctrl-p,", "\x1d", "é"]
)
def test_a_key_that_cannot_be_told_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_keys(text)
