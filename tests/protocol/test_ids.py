"""Identifiers are prefixed, random and ordered by time."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.protocol.ids import ALPHABET, RANDOM_BYTES, Kind, is_id, make_id, unix_ms_of
from arborlink.protocol.limits import MAX_ID_CHARS

KINDS: tuple[Kind, ...] = get_args(Kind)
kinds = st.sampled_from(KINDS)
times = st.integers(0, 2**48 - 1)
randomness = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(kind=kinds, time=times, random=randomness)
def test_an_identifier_is_one_of_its_kind_alone(kind: Kind, time: int, random: bytes) -> None:
    text = make_id(kind, time, random)
    assert [other for other in KINDS if is_id(other, text)] == [kind]
    assert len(text) <= MAX_ID_CHARS


@given(st.tuples(times, randomness), st.tuples(times, randomness))
def test_identifiers_sort_by_time_then_randomness(
    one: tuple[int, bytes], other: tuple[int, bytes]
) -> None:
    assert (make_id("tsk", *one) < make_id("tsk", *other)) == (one < other)


@given(kind=kinds, time=times, random=randomness)
def test_an_identifier_says_when_it_was_made(kind: Kind, time: int, random: bytes) -> None:
    assert unix_ms_of(make_id(kind, time, random)) == time


def test_the_smallest_and_the_largest_identifier() -> None:
    assert make_id("ws", 0, bytes(10)) == "ws_" + "0" * 26
    assert make_id("ws", 2**48 - 1, b"\xff" * 10) == "ws_7" + "z" * 25


def test_the_alphabet_sorts_as_its_values_do_and_leaves_out_look_alikes() -> None:
    assert "".join(sorted(set(ALPHABET))) == ALPHABET
    assert len(ALPHABET) == 32
    assert not set("ilou") & set(ALPHABET)


@pytest.mark.parametrize("length", [0, 9, 11])
def test_too_little_or_too_much_randomness_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        make_id("tsk", 0, bytes(length))


@pytest.mark.parametrize("time", [-1, 2**48])
def test_a_time_that_does_not_fit_is_refused(time: int) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{time} ms")):
        make_id("tsk", time, bytes(10))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tsk",
        "tsk_",
        "tsk_" + "0" * 25,
        "tsk_" + "0" * 27,
        "tsk_" + "0" * 25 + "u",
        "tsk_" + "0" * 25 + "\n",
        "ws_" + "0" * 26,
        "tsk-" + "0" * 26,
        "TSK_" + "0" * 26,
        "../../x",
    ],
)
def test_what_has_another_shape_is_no_identifier(text: str) -> None:
    assert not is_id("tsk", text)
