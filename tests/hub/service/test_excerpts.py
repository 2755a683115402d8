"""Excerpts: the line as people read it, with the hit where it is said to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.service.excerpts import MAX_TEXT_CHARS, excerpt


def shown(data: bytes, hit: bytes) -> tuple[str, str, str]:
    """What is before, in and after the hit."""
    start = data.index(hit)
    text, column, width = excerpt(data, start, start + len(hit))
    return text[:column], text[column : column + width], text[column + width :]


@pytest.mark.parametrize(
    ("data", "hit", "parts"),
    [
        (b"one\ntwo three four\nfive\n", b"three", ("two ", "three", " four")),
        (b"three", b"three", ("", "three", "")),
        (b"\x1b[1;31merror\x1b[0m: bad\r\n", b"error", ("", "error", ": bad")),
        (b"\x1b]0;title\x07$ ls\x1b]8;;http://x\x1b\\ link", b"ls", ("$ ", "ls", " link")),
        (b"\x1b(B\x1b=a\tb\rc\x07d\0e", b"c", ("a b ", "c", "de")),
        ("größe é…".encode(), "é".encode(), ("größe ", "é", "…")),
        (b"\xff\xc3(x)\xe2", b"x", ("\ufffd\ufffd(", "x", ")\ufffd")),
        (b"ab \x1b[31mcd\x1b[0m ef", b"b \x1b[31mc", ("a", "b c", "d ef")),
        # Somebody who looks for a part of a sequence sees that part.
        (b"a\x1b[31mb", b"[31m", ("a", "[31m", "b")),
        (b"a\x1b[31mb", b"31", ("a", "31", "b")),
        (b"a\x1b[31", b"a", ("", "a", "")),
    ],
)
def test_the_line_around_a_hit(data: bytes, hit: bytes, parts: tuple[str, str, str]) -> None:
    assert shown(data, hit) == parts


def test_of_a_long_line_what_is_near_the_hit_is_shown() -> None:
    before, hit, after = shown(b"a" * 9_000 + b"needle" + b"b" * 9_000, b"needle")
    assert (before, hit, after) == ("a" * 60, "needle", "b" * 134)
    before, hit, after = shown(b"a" * 9_000 + b"needle", b"needle")
    assert (before, hit, after) == ("a" * 194, "needle", "")
    before, hit, after = shown(b"a" * 99 + b"n" * 9_000 + b"b", b"n" * 9_000)
    assert (before, hit, after) == ("a" * 60, "n" * 140, "")


def test_a_character_that_the_context_cuts_is_left_out() -> None:
    for shift in range(4):
        before, _, _ = shown("é".encode() * 4_000 + b"x" * shift + b"needle", b"needle")
        assert "\ufffd" not in before


@given(st.binary(max_size=400), st.data())
def test_a_text_is_short_one_line_and_printable(data: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(data)))
    newline = data.find(b"\n", start)
    end = draw.draw(st.integers(start, newline if newline >= 0 else len(data)))
    text, column, width = excerpt(data, start, end)
    assert 0 <= column <= column + width <= len(text) <= MAX_TEXT_CHARS
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text)
