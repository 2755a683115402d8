"""Bytes as text: every byte string has one text, and no text means two byte strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json, msgpack

from arborlink.protocol import octets

WORDS = st.binary().map(lambda data: data.replace(b"\0", b"")) | st.text().map(
    lambda text: text.replace("\0", "").encode()
)
# Marks and what they mark, beside characters that only look like them.
TEXTS = st.text(st.sampled_from("\0\x7f\x80\xc3\xa9\xff\u0100aé"), max_size=8)


@given(WORDS)
def test_bytes_come_back_through_every_encoding(data: bytes) -> None:
    """JSON and MessagePack carry the text as it is."""
    text = octets.from_bytes(data)
    assert octets.is_valid(text)
    assert octets.to_bytes(text) == data
    for codec in (json, msgpack):
        assert octets.to_bytes(codec.decode(codec.encode(text), type=str)) == data


@given(st.text().filter(lambda text: "\0" not in text))
def test_text_is_itself(text: str) -> None:
    """What is UTF-8 is written as it always was."""
    assert octets.from_bytes(text.encode()) == text == octets.to_system(text)


@given(TEXTS)
def test_what_is_valid_has_bytes_and_nothing_else_has(text: str) -> None:
    """And these have no NUL among them."""
    if octets.is_valid(text):
        assert b"\0" not in octets.to_bytes(text)
        assert "\0" not in octets.shown(text)
    else:
        with pytest.raises(ValueError, match="NUL"):
            octets.to_bytes(text)


@given(TEXTS.filter(octets.is_valid))
def test_the_system_has_one_form_of_the_same_bytes(text: str) -> None:
    """A policy compares what is executed, however it was written."""
    system = octets.to_system(text)
    assert octets.to_bytes(octets.from_system(system)) == octets.to_bytes(text)
    assert system == octets.to_bytes(text).decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("text", ["a\0b", "\0\xe9", "\ud800", "a\udfff", "\udc7f"])
def test_what_no_program_can_receive_is_refused(text: str) -> None:
    """NUL, and surrogates that stand for no byte."""
    with pytest.raises(ValueError, match="it contains"):
        octets.from_system(text)


@given(st.text(), st.integers(0, 20))
def test_a_beginning_is_valid(text: str, size: int) -> None:
    """Whether it is cut within a character or behind a mark."""
    whole = "é\0\xff" + text.replace("\0", "")
    assert octets.is_valid(octets.beginning(whole.encode()[:size]))


def test_people_read_escapes() -> None:
    """As Python and most shells write them."""
    assert octets.shown("caf\0\xe9 é") == r"caf\xe9 é"
    assert octets.quoted_bytes(b"caf\xe9 \n") == r"'caf\xe9 \n'"
    assert octets.quoted("a\ud800") == r"'a\ud800'"
