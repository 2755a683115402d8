"""Output as people read it, whatever it is cut into."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.service.plain_text import MAX_SEQUENCE_BYTES, PlainText


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
        (b"10%\r50%\r100%\r\ndone\r\n", b"10%\n50%\n100%\ndone\n"),
        (b"bell\x07 and \x08 back\x7f", b"bell and  back"),
        ("ünï ☃ 🌳".encode(), "ünï ☃ 🌳".encode()),
        (b"\xff\xfe\n", "\ufffd\ufffd\n".encode()),
        (b"cut off \xe2\x82", "cut off \ufffd".encode()),
        ("\x9b31mred\x9d0;x\x9c\x85".encode(), b"31mred0;x"),
        (b"\x9b31mred", "\ufffd31mred".encode()),
        (b"\xc2\x07\x9bhidden", b"hidden"),
        (b"cut off \x1b[31", b"cut off [31"),
        (b"no end \x1b]52;c;AAAA", b"no end "),
        (b"aborted \x1b]0;title\x18goes on", b"aborted goes on"),
        (b"\x1b\x01broken", b"broken"),
    ],
)
def test_what_is_left(output: bytes, text: bytes) -> None:
    """Sequences go, text stays."""
    assert plain(output) == text


@given(
    st.lists(
        st.sampled_from(
            [
                b"text",
                b"\x1b[31m",
                b"\x1b]0;t\x07",
                b"\r",
                b"\n",
                b"\x1b",
                b"[",
                b"\x1b\\",
                b"\xc3",
                b"\x9b",
            ]
        ),
        max_size=30,
    ),
    st.integers(1, 7),
)
def test_cuts_do_not_matter(parts: list[bytes], size: int) -> None:
    """Whatever an output is cut into, the text is the same."""
    output = b"".join(parts)
    pieces = [output[at : at + size] for at in range(0, len(output), size)]
    assert plain(*pieces) == plain(output)


def test_what_is_held_back_is_bounded() -> None:
    """Neither an endless sequence nor an endless string is kept."""
    text = PlainText()
    assert text.feed(b"\x1b[" + b"1" * (2 * MAX_SEQUENCE_BYTES)) != b""
    text = PlainText()
    assert text.feed(b"\x1b]52;" + b"A" * 1_000_000) == b""
    assert text.feed(b"A" * 1_000_000 + b"\x07back") == b"back"
