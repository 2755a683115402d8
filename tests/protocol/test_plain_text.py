"""Output as people read it, whatever it is cut into."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arborlink.protocol.plain_text import (
    MAX_INTERMEDIATES_CHARS,
    MAX_PARAMETERS_CHARS,
    PlainText,
)
from arborlink.protocol.text_line import COLUMNS, KEPT_CHARS, MAX_CELL_CHARS

LONG = KEPT_CHARS * 3 + 7


def plain(*pieces: bytes) -> bytes:
    """All of it at once."""
    text = PlainText()
    return b"".join([*(text.feed(piece) for piece in pieces), text.finish()])


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (b"", b""),
        (b"plain\n\tlines\n", b"plain\n\tlines\n"),
        (b"\x1b[1;31mred\x1b[0m\n", b"red\n"),
        (b"\x1b[?25l\x1b[2J\x1b[Hat home\x1b(B\n", b"at home\n"),
        (b"\x1b]0;a title\x07body", b"body"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\.", b"link."),
        (b"\x1bPq#0;2;0;0;0\x1b\\after", b"after"),
        (b"bell\x07 and back\x7f", b"bell and back"),
        ("ünï ☃ 🌳".encode(), "ünï ☃ 🌳".encode()),
        (b"\xff\xfe\n", "\ufffd\ufffd\n".encode()),
        (b"cut off \xe2\x82", "cut off \ufffd".encode()),
        ("\x9b31mred\x9d0;x\x9c\x85next".encode(), b"red\nnext"),
        (b"\x9b31mred", "\ufffd31mred".encode()),
        (b"\xc2\x07\x9bhidden", "\ufffd\ufffdhidden".encode()),
        (b"cut off \x1b[31", b"cut off [31"),
        (b"no end \x1b]52;c;AAAA", b"no end "),
        (b"no end \x1b]52;c;AAAA\x1b", b"no end "),
        (b"aborted \x1b]0;title\x18goes on", b"aborted goes on"),
        (b"aborted \x1b]0;title\x1agoes on", b"aborted goes on"),
        (b"\x1b\x01broken", b"broken"),
        (b"\x1b[12\nbroken\n", b"[12\nbroken\n"),
        ("\x9b31mred\x1bcreset\x1b=\x9c\n".encode(), b"red\nreset\n"),
        (b"\x1b[4 qa cursor\x1b[!p\x1b[>4;1m\n", b"a cursor\n"),
    ],
)
def test_what_is_left(output: bytes, text: bytes) -> None:
    """Sequences go, text stays."""
    assert plain(output) == text


@pytest.mark.parametrize("introducer", [*"]PX^_", *"\x9d\x90\x98\x9e\x9f"], ids=ascii)
def test_a_string_without_an_end_swallows_no_line(introducer: str) -> None:
    """Whatever introduces it, and whatever it is that follows."""
    begin = (introducer if introducer > "\x7f" else f"\x1b{introducer}").encode()
    colored = b"before\n" + begin + b"0;half\n\x1b[32mgreen\x1b[0m\nend\n"
    assert plain(colored) == b"before\ngreen\nend\n"
    assert plain(b"before\n" + begin + b"half\nplain\nend\n") == b"before\nplain\nend\n"
    assert plain(b"before " + begin + b"half\nplain\n") == b"before \nplain\n"
    assert plain(begin + b"half" + begin + b"whole\x07after\n") == b"after\n"
    assert plain(begin + b"half\x1b[1mbold\n") == b"bold\n"
    assert plain(begin + b"half\x1b7saved\n") == b"saved\n"
    assert plain(begin + "whole\x9cafter\n".encode()) == b"after\n"


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (b"10%\b\b\b20%\n", b"20%\n"),
        (b"10%\r50%\r100%\r\ndone\r\n", b"100%\ndone\n"),
        (b"10%\r50%\r100%", b"100%"),
        (b"a long one\rshort\n", b"shortg one\n"),
        (b"a long one\r\x1b[Kshort\n", b"short\n"),
        (b"a long one\x1b[2K\rshort\n", b"short\n"),
        (b"a long one\r\x1b[Jshort\n", b"short\n"),
        (b"a long one\b\b\b\x1b[1Kx\n", b"       xne\n"),
        (b"a long one\r\x1b[2J\rshort\n", b"a long one\nshort\n"),
        (b"a long one\r\x1b[9K\n", b"a long one\n"),
        (b"N\bNA\bAM\bME\bE  _\bx_\by\n", b"NAME  xy\n"),
        (b"\b\b\bnothing before\n", b"nothing before\n"),
        (b"x\by\r\n\r\nz\n", b"y\n\nz\n"),
        (b"abc\x1b[2Dx\n", b"axc\n"),
        (b"abc\x1b[Dx\n", b"abx\n"),
        (b"abc\r\x1b[Cx\x1b[ay\n", b"axcy\n"),
        (b"abc\x1b[2Gx\x1b[1`y\n", b"yxc\n"),
        (b"abc\r\x1b[2Xx\n", b"x c\n"),
        (b"abc\r\x1b[2Px\n", b"x\n"),
        (b"abc\r\x1b[2@x\n", b"x abc\n"),
        (b"abc\x1b[2@x\n", b"abcx\n"),
        (b"Starting\x1b[20G[ ok ]\n", b"Starting           [ ok ]\n"),
        (b"x\x1b[999999999999Cy\n", b"x" + b" " * (COLUMNS - 2) + b"y\n"),
        (b"x\x1b[999C\n", b"x\n"),
        (b"\x1b[s10%\x1b[u20%\n", b"20%\n"),
        (b"\x1b710%\x1b820%\n", b"20%\n"),
        (b"\x1b[s1\n2\x1b[u3\n", b"1\n2\n3\n"),
        (b"one\ntwo\x1b[1A\rthree\n", b"one\ntwo\nthree\n"),
        (b"one\x1b[1A\x1b[2Btwo\n", b"one\ntwo\n"),
        (b"one\ftwo\vthree\x1bDfour\x1bEfive\n", b"one\ntwo\nthree\nfour\nfive\n"),
        (b"\x1b[Hone\x1b[5;1Htwo\r\n", b"one\ntwo\n"),
        (b"\tx\rab\n", b"ab      x\n"),
        (b"\tx\r\ty\n", b"\ty\n"),
        (b"abc\r\tx\n", b"abc     x\n"),
        (b"a\tb\bc\n", b"a\tc\n"),
        ("日本\b\bx\n".encode(), "日x \n".encode()),
        ("日本\bx\n".encode(), "日 x\n".encode()),
        ("ab日\r日\n".encode(), "日日\n".encode()),
        ("a日b\r\x1b[3Xx\n".encode(), b"x  b\n"),
        ("日\u0301x\b\b\by\n".encode(), b"y x\n"),
        ("e\u0301\b\u0301x\n".encode(), "\u0301x\n".encode()),
    ],
)
def test_what_is_written_over(output: bytes, text: bytes) -> None:
    """The last state of a line, as a terminal shows it."""
    assert plain(output) == text


def test_both_streams_write_on_one_line() -> None:
    """A sequence and a character that are cut go on in their own stream."""
    text = PlainText()
    parts = [
        text.feed(b"\x1b[3"),
        text.feed(b"oops \xc3", is_error=True),
        text.feed(b"1mred "),
        text.feed(b"\xa9\n", is_error=True),
    ]
    assert b"".join(parts) == "oops red é\n".encode()
    assert text.finish() == b""


def test_it_begins_anew_after_a_gap() -> None:
    """What was cut off by it is told before."""
    text = PlainText()
    assert text.feed(b"half \xc3") + text.finish() == "half \ufffd".encode()
    assert text.feed(b"\x1b]0;title") + text.finish() == b""
    assert text.feed(b"whole\n") == b"whole\n"


@pytest.mark.parametrize("unit", ["x", "日", "\t", "e\u0301", "x\b\bab"])
@pytest.mark.parametrize("end", [b"\r\n", b"\rover\n", b"\x1b[1Gover\n", b"\b\x1b[K\n"])
def test_the_beginning_of_a_line_that_is_too_long_stays(unit: str, end: bytes) -> None:
    """Nothing of it is lost, and what is held does not grow."""
    output = (unit * LONG).encode()
    text = PlainText()
    given = [text.feed(output), text.feed(end)]
    kept = 16 * KEPT_CHARS
    assert len(given[0]) >= len(plain(output)) - kept
    whole = b"".join([*given, text.finish()])
    assert whole == plain(*(bytes([byte]) for byte in output[:100]), output[100:] + end)
    if end == b"\r\n":
        assert whole == plain(output) + b"\n"
    elif end == b"\rover\n":
        assert whole == plain(output) + b"\nover\n"


def test_what_is_held_back_is_bounded() -> None:
    """Neither an endless sequence nor an endless string nor marks without end are kept."""
    text = PlainText()
    assert plain(b"\x1b[" + b"1" * (MAX_PARAMETERS_CHARS + 1) + b"m").startswith(b"[1")
    assert plain(b"\x1b" + b" " * (MAX_INTERMEDIATES_CHARS + 1) + b"F").endswith(b" F")
    assert text.feed(b"\x1b]52;" + b"A" * 1_000_000) == b""
    assert text.feed(b"A" * 1_000_000 + b"\x07back\n") == b"back\n"
    marks = "\u0301" * (3 * KEPT_CHARS * MAX_CELL_CHARS)
    assert len(text.feed(f"\bx{marks}".encode())) > len(marks.encode()) / 3


PARTS = st.sampled_from(
    [
        *(b"text", b" ", b"\t", b"\r", b"\n", b"\r\n", b"\b", b"\x07", b"\f", b"\x18", b"\x00"),
        *(b"\x1b", b"[", b"]", b"P", b"\\", b"\x1b\\", b"\x1b]0;t\x07", b"\x1b[31m", b"\x9b", b"2"),
        *(b"\x1b[K", b"\x1b[1K", b"\x1b[2K", b"\x1b[J", b"\x1b[3C", b"\x1b[2D", b"\x1b[5G"),
        *(b"\x1b[2X", b"\x1b[2P", b"\x1b[2@", b"\x1b7", b"\x1b8", b"\x1b[s", b"\x1b[u", b"\x1b[A"),
        *(b"\xc3", b"\xa9", b"\xc2", b"\xe6\x97\xa5", b"\xe6\x97", b"\xcc\x81", b"\xf0\x9f"),
        *(b"1" * MAX_PARAMETERS_CHARS, b"/" * MAX_INTERMEDIATES_CHARS),
        *(b"x" * (KEPT_CHARS - 1), b"\t" * KEPT_CHARS, b"yz" * KEPT_CHARS),
    ]
)


@given(st.lists(PARTS, max_size=30), st.lists(st.integers(0, 200), max_size=20), st.integers(1, 9))
@example([b"x" * (2 * KEPT_CHARS), b"\b", b"ab"], [], 1)
def test_cuts_do_not_matter(parts: list[bytes], cuts: list[int], size: int) -> None:
    """Whatever an output is cut into, the text is the same, and none of it acts on a terminal."""
    output = b"".join(parts)
    whole = plain(output)
    assert not set(whole.decode()) & {*map(chr, range(9)), *map(chr, range(0x0B, 0x20))}
    assert not any("\x7f" <= character <= "\x9f" for character in whole.decode())
    if len(output) < KEPT_CHARS:
        assert plain(*(output[at : at + size] for at in range(0, len(output), size))) == whole
    chance = random.Random(len(output))
    places = sorted({0, len(output), *(min(cut, len(output)) for cut in cuts)})
    places = sorted({*places, *(chance.randint(0, len(output)) for _ in cuts)})
    assert plain(*(output[start:end] for start, end in pairwise(places))) == whole
