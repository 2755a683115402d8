"""What a search looks at: the text without what is not shown, and where its bytes are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arborlink.hub.service.matching import Matcher
from arborlink.hub.service.readable import Readable
from arborlink.hub.service.search import OVERLAP_BYTES, Position, search


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\r\n\ttext\n", b"plain\r\n\ttext\n"),
        (b"\x1b[1merror\x1b[0m: bad", b"error: bad"),
        (b"er\x1b[31;1mr\x1b(Bor", b"error"),
        (b"a\x1b]8;;http://x\x1b\\link\x1b]8;;\x07b", b"alinkb"),
        (b"a\x1b]0;no end\nb", b"a\nb"),
        (b"a\x1bPno end\x1b[1mbc", b"abc"),
        (b"a\x1b_x\x18b\x1b^x\x1ac", b"abc"),
        ("a\x9b31mb\x9d0;t\x9cc\x90q\x07d\x85".encode(), b"abcd"),
        ("é \x1b[1mé".encode(), "é é".encode()),
        (b"N\x08NA\x08A _\x08x", b"NA x"),
        ("é\x08éx\n\x08y".encode(), "éx\ny".encode()),
        (b"10%\x08\x08\x0820%", b"1020%"),
        (b"cut \x1b[31", b"cut "),
        (b"cut \x1b", b"cut "),
        (b"broken \x1b[12\nnext", b"broken [12\nnext"),
    ],
)
def test_what_is_left(data: bytes, text: bytes) -> None:
    read = Readable.shown(data, line_ends=False)
    assert read.text == text
    for at in range(len(text)):
        start, end = read.raw(at, at + 1)
        assert data[start:end] == text[at : at + 1]
        assert read.position(start) == at


def test_ends_of_lines_are_bare_when_they_are_looked_for() -> None:
    assert Readable.shown(b"a\r\n\rb\r\r\n", line_ends=True).text == b"a\n\rb\n"


PARTS = (
    *(b"a", b"\n", b"\r", b"\x08", b"\x1b", b"[", b"]", b"\\", b"1", b"m", b"\xc2", b"\x9b"),
    *(b"\x9d", b"\xe6\x97\xa5", b"\x07", b"\x1b[1m", b"\x1b]0;t\x07"),
)


@given(
    st.lists(st.sampled_from(PARTS)),
    st.booleans(),
)
def test_every_byte_of_the_text_is_where_it_is_said_to_be(
    parts: list[bytes], line_ends: bool
) -> None:
    data = b"".join(parts)
    read = Readable.shown(data, line_ends=line_ends)
    places = [read.raw(at, at + 1) for at in range(len(read.text))]
    assert b"".join(data[start:end] for start, end in places) == read.text
    assert places == sorted(places)
    assert [read.position(start) for start, _ in places] == list(range(len(places)))
    assert read.text.count(b"\n") == data.count(b"\n")
    assert read.raw(len(read.text), len(read.text))[0] <= len(data)


@pytest.mark.parametrize(
    ("query", "regex", "data", "hits"),
    [
        ("error: bad", False, b"\x1b[1merror\x1b[0m: bad\n", [b"error\x1b[0m: bad"]),
        ("ERROR", False, b"e\x1b[31mr\x1b[32mr\x1b[33mo\x1b[0mr", None),
        (r"^err\w+: \w+$", True, b"\x1b[1merror\x1b[0m: bad\r\n", [b"error\x1b[0m: bad"]),
        (r"\bbad\b", True, b"\x1b[1mbad\x1b[0mly bad\x1b[0m!", [b"bad"]),
        ("0;31m", False, b"\x1b[0;31mred", []),
        ("title", False, b"\x1b]0;title\x07shown", []),
        ("\x1b[31m", False, b"a\x1b[31mb", [b"\x1b[31m"]),
        (r"\x1b\[\d+m", True, b"a\x1b[31mb\x1b[0m", [b"\x1b[31m", b"\x1b[0m"]),
        (r"a\x08b", True, b"a\x08b", [b"a\x08b"]),
        ("NAME", False, b"N\x08NA\x08AM\x08ME\x08E", [b"NA\x08AM\x08ME\x08E"]),
    ],
)
def test_what_is_found(query: str, regex: bool, data: bytes, hits: list[bytes] | None) -> None:
    matcher = Matcher(query, regex=regex, case=False)
    read = matcher.readable(data, len(data))
    found, at = [], 0
    while (span := matcher.find(read.text, at, len(read.text))) is not None:
        start, end = read.raw(*span)
        found.append(data[start:end])
        at = span[1]
    assert found == ([data] if hits is None else hits)


class Bytes:
    """An output without gaps."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_mixed(self, offset: int, max_bytes: int) -> bytes | None:
        return self.data[offset : offset + max_bytes] or None


def hits(data: bytes, query: str, limit: int, *, regex: bool) -> list[tuple[int, int, int | None]]:
    """All of them, page by page, in small windows."""
    matcher = Matcher(query, regex=regex, case=True)
    matcher.window = 2 * OVERLAP_BYTES
    position, found = Position(0, 0), list[tuple[int, int, int | None]]()
    while True:
        page = search(
            Bytes(data),
            matcher,
            position,
            end=len(data),
            to=len(data),
            limit=limit,
            stopped=lambda: False,
        )
        found += [(hit.offset, hit.length, hit.line) for hit in page.hits]
        position = page.position
        if page.complete:
            return found


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([b"word", b"w", b"or", b"d", b" ", b"\n"]), st.integers(1, 90)),
        max_size=12,
    ),
    st.sampled_from(
        [b"\x1b[1m", b"\x1b]8;;http://somewhere\x1b\\", b"\x1b(B\x1b[0;38;5;9m", b"\x08"]
    ),
    st.integers(1, 5),
    st.sampled_from([7, 40, 1_000]),
)
def test_what_is_hidden_changes_no_hit(
    parts: list[tuple[bytes, int]], hidden: bytes, every: int, limit: int
) -> None:
    """In windows and pages of any size: the same words, in the same lines, at their bytes."""
    shown = b"".join(part * times for part, times in parts)
    # What is written over is the character before, so it is written twice.
    data, places = b"", list[int]()
    for at in range(len(shown)):
        byte = shown[at : at + 1]
        if at % every == 0:
            data += (byte if byte != b"\n" else b"") + hidden if hidden == b"\x08" else hidden
        places.append(len(data))
        data += byte
    plain = hits(shown, "word", limit, regex=False)
    assert [(offset, line) for offset, _, line in hits(data, "word", limit, regex=False)] == [
        (places[offset], line) for offset, _, line in plain
    ]
    ends = hits(data, "(?:word)+$", limit, regex=True)
    assert len(ends) == len(hits(shown, "(?:word)+$", limit, regex=True))
    assert all(data[offset : offset + length].endswith(b"d") for offset, length, _ in ends)
