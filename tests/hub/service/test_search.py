"""Search: exactly the hits that a look at the whole output would find, page by page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.service.matching import MAX_WINDOW_BYTES, Matcher
from arborlink.hub.service.search import (
    OVERLAP_BYTES,
    Found,
    Position,
    newlines_before,
    search,
)
from arborlink.outputlog import LogReader, OutputLog
from arborlink.protocol.limits import KIB
from arborlink.protocol.resources import SearchHit

LOG_ID = "0123456789abcdef" * 2
SMALLEST_WINDOW = 2 * OVERLAP_BYTES
GAP = None
GAP_BYTES = 7
COMPARED_HITS = 2_000

Part = bytes | None


class Hit(NamedTuple):
    offset: int
    length: int
    line: int | None


class Query(NamedTuple):
    text: str
    regex: bool
    case: bool

    def oracle(self) -> re.Pattern[bytes]:
        """The same for Python's engine, to which a character is several bytes."""
        pattern = self.text if self.regex else re.escape(self.text)
        grouped = pattern.encode().replace("é".encode(), "(?:é)".encode())
        return re.compile(b"(?m)" + grouped, re.NOFLAG if self.case else re.IGNORECASE)


def write(stem: Path, parts: list[Part]) -> int:
    """A log of these pieces, from both streams in turn; its end."""
    log = OutputLog.create(stem, LOG_ID)
    for number, part in enumerate(parts):
        if part is GAP:
            log.append_gap(log.end + GAP_BYTES, "lost")
        elif part:
            log.append(part, is_error=number % 2 == 1, time_us=number)
    log.sync()
    log.close()
    return log.end


def look(parts: list[Part], expression: re.Pattern[bytes], start: int) -> Iterator[Hit]:
    """What is in the whole, by looking at all of it at once. `start` is not in a gap."""
    offset, lines = 0, 0
    known = True
    for is_gap, group in itertools.groupby(parts, lambda part: part is GAP):
        pieces = list(group)
        if is_gap:
            offset += GAP_BYTES * len(pieces)
            known = False
            continue
        data = b"".join(piece or b"" for piece in pieces)
        for match in expression.finditer(data, max(0, start - offset)):
            line = lines + data.count(b"\n", 0, match.start()) + 1 if known else None
            yield Hit(offset + match.start(), match.end() - match.start(), line)
        offset += len(data)
        lines += data.count(b"\n")


def all_pages(
    reader: LogReader, matcher: Matcher, start: Position, limit: int, patience: int
) -> Iterator[SearchHit]:
    """Every hit, when each answer has at most `limit` and ends after `patience` questions."""
    end = reader.end()
    complete = False
    while not complete:
        asked = itertools.count(1)
        page = search(
            reader,
            matcher,
            start,
            end=end,
            to=end,
            limit=limit,
            stopped=partial(_impatient, asked, patience),
        )
        assert len(page.hits) <= limit
        yield from page.hits
        complete = page.complete
        assert complete or page.position.offset > start.offset, "no page is for nothing"
        start = page.position


def _impatient(asked: Iterator[int], patience: int) -> bool:
    return next(asked) >= patience


def whole(reader: LogReader, matcher: Matcher, start: int = 0, limit: int = 10_000) -> Found:
    end = reader.end()
    newlines = newlines_before(reader, start, lambda: False)
    where = Position(start, newlines)
    return search(reader, matcher, where, end=end, to=end, limit=limit, stopped=lambda: False)


SMALL_OVERLAP_BYTES = 12
"""No match of the expressions below is longer."""


def small_windows() -> AbstractContextManager[object]:
    """So small that a few lines have all the borders that are to be had."""
    return patch.multiple(
        "arborlink.hub.service.search", OVERLAP_BYTES=SMALL_OVERLAP_BYTES, CONTEXT_BYTES=1
    )


PIECES = (b"a", b"ab", b"needle", b"NEEDLE", b"\n", b"\r\n", b" ", "é".encode(), b"\xff\0", b"nee")
EXPRESSIONS = (
    "needle$",
    "^(ab|needle)",
    "a{3,5}",
    r"\bneedle\b",
    "é{1,3}|dle",
    "n(e|é){0,3}d",
    "\x00",
)
TEXTS = ("needle", "é", "aba", "b n", "\0")

repeated = st.builds(
    lambda piece, times: piece * times,
    st.sampled_from(PIECES),
    st.one_of(st.integers(1, 4), st.integers(1, 40)),
)
outputs = st.lists(st.one_of(*[repeated] * 9, st.just(GAP)), min_size=5, max_size=30)


@given(
    parts=outputs,
    query=st.one_of(
        st.tuples(st.just(True), st.sampled_from(EXPRESSIONS)),
        st.tuples(st.just(False), st.sampled_from(TEXTS)),
    ),
    case=st.booleans(),
    limit=st.sampled_from([1_000, 7]),
    patience=st.sampled_from([10_000, 5]),
    back=st.one_of(st.just(1 << 20), st.integers(0, 1_000)),
)
def test_hits_are_those_of_a_look_at_the_whole(
    parts: list[Part], query: tuple[bool, str], case: bool, limit: int, patience: int, back: int
) -> None:
    regex, text = query
    with TemporaryDirectory() as folder, small_windows():
        end = write(Path(folder) / "log", parts)
        start = max(0, end - back) if GAP not in parts else 0
        with LogReader(Path(folder) / "log") as reader:
            compare(reader, parts, Query(text, regex, case), start, limit, patience)


@pytest.mark.parametrize(
    ("text", "regex"), [("needle", False), (r"^needle|needle$|\bned", True), ("n(eed)?", True)]
)
@pytest.mark.parametrize("ending", [b"", b"\n", b".", b" ned\nned"])
def test_borders_between_windows_change_nothing(
    tmp_path: Path, text: str, regex: bool, ending: bytes
) -> None:
    for shift in range(3 * SMALL_OVERLAP_BYTES):
        parts: list[Part] = [b"." * shift, b"needle" * 20 + ending]
        write(tmp_path / str(shift), parts)
        with small_windows(), LogReader(tmp_path / str(shift)) as reader:
            compare(reader, parts, Query(text, regex, case=True), 0, limit=5, patience=99)


def compare(
    reader: LogReader, parts: list[Part], query: Query, start: int, limit: int, patience: int
) -> None:
    matcher = Matcher(query.text, regex=query.regex, case=query.case)
    matcher.window = 3 * SMALL_OVERLAP_BYTES
    expected = itertools.islice(look(parts, query.oracle(), start), COMPARED_HITS)
    where = Position(start, newlines_before(reader, start, lambda: False))
    hits = itertools.islice(all_pages(reader, matcher, where, limit, patience), COMPARED_HITS)
    assert [Hit(hit.offset, hit.length, hit.line) for hit in hits] == list(expected)


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    return tmp_path / "log"


def offsets(found: Found) -> list[int]:
    return [hit.offset for hit in found.hits]


def test_a_hit_across_records_and_streams_is_found(stem: Path) -> None:
    write(stem, [b"one nee", b"dle\nthe ", b"n", b"e", b"edle", b"\n"])
    with LogReader(stem) as reader:
        found = whole(reader, Matcher("needle", regex=False, case=True))
    assert [(hit.offset, hit.length, hit.line, hit.text) for hit in found.hits] == [
        (4, 6, 1, "one needle"),
        (15, 6, 2, "the needle"),
    ]


def test_nothing_is_found_in_or_across_a_gap_and_lines_are_unknown_after_it(stem: Path) -> None:
    write(stem, [b"x\nnee", GAP, b"dle needle\n", GAP])
    with LogReader(stem) as reader:
        found = whole(reader, Matcher("needle|^dle|nee$|\\x00", regex=True, case=True))
    assert [(hit.offset, hit.length, hit.line) for hit in found.hits] == [
        (2, 3, 2),
        (12, 3, None),
        (16, 6, None),
    ]
    assert found.complete and found.firm == found.position.offset


@pytest.mark.parametrize("window", [SMALLEST_WINDOW, MAX_WINDOW_BYTES])
def test_a_line_without_end_is_searched_whole(stem: Path, window: int) -> None:
    every = 10_007
    write(stem, [(b"\0" * (every - 6) + b"needle") * 150])
    matcher = Matcher("needle", regex=False, case=False)
    matcher.window = window
    with LogReader(stem) as reader:
        found = whole(reader, matcher)
    assert offsets(found) == [every * (number + 1) - 6 for number in range(150)]
    assert {hit.line for hit in found.hits} == {1}


def test_a_long_hit_in_a_line_that_fits_into_a_window_is_whole(stem: Path) -> None:
    line, long = 200 * KIB, 90 * KIB
    write(stem, [b"." * (line - 1) + b"\n" + b"x" * long + b"\n" + b"." * line])
    with LogReader(stem) as reader:
        found = whole(reader, Matcher("x+", regex=True, case=True))
    assert [(hit.offset, hit.length, hit.line) for hit in found.hits] == [(line, long, 2)]


def test_a_hit_longer_than_a_window_is_cut_and_the_search_goes_on(stem: Path) -> None:
    end = write(stem, [b"x" * 600 * KIB])
    with LogReader(stem) as reader:
        found = whole(reader, Matcher("x+", regex=True, case=True))
    assert sum(hit.length for hit in found.hits) == end
    assert all(len(hit.text) <= 200 for hit in found.hits)


def test_empty_hits_do_not_stop_the_search(stem: Path) -> None:
    write(stem, [b"a\n\nb\n\n"])
    with LogReader(stem) as reader:
        assert offsets(whole(reader, Matcher("^$", regex=True, case=True))) == [2, 5]
        everywhere = Matcher("z*", regex=True, case=True)
        pages = all_pages(reader, everywhere, Position(0, 0), limit=1, patience=9)
        assert [hit.offset for hit in pages] == [0, 1, 2, 3, 4, 5]


def test_only_hits_that_begin_before_to_count(stem: Path) -> None:
    end = write(stem, [b"ab ab ab\n"])
    matcher = Matcher("ab", regex=False, case=False)
    with LogReader(stem) as reader:
        for to, expected in ((0, []), (3, [0]), (4, [0, 3]), (end + 9, [0, 3, 6])):
            where = Position(0, 0)
            found = search(reader, matcher, where, end=end, to=to, limit=9, stopped=lambda: False)
            assert offsets(found) == expected and found.complete


def test_who_follows_a_growing_output_finds_every_hit_once(stem: Path) -> None:
    """Each time from where nothing can change any more, also in lines that have no end yet."""
    matcher = Matcher("needle", regex=False, case=False)
    text = b"needle one\nnothing\nneed le needle\n" * 20 + b"x" * 20_000 + b"needleneedle"
    log = OutputLog.create(stem, LOG_ID)
    found: list[int] = []
    start = 0
    with LogReader(stem) as reader:
        for at in range(0, len(text), 11):
            log.append(text[at : at + 11], is_error=False, time_us=at)
            page = whole(reader, matcher, start)
            assert page.complete and start <= page.firm <= log.end
            found += offsets(page)
            start = page.firm
    log.close()
    assert found == [match.start() for match in re.finditer(b"needle", text)]


def test_lines_are_not_counted_across_a_gap(stem: Path) -> None:
    write(stem, [b"a\nb\n", GAP, b"c\n"])
    with LogReader(stem) as reader:
        assert newlines_before(reader, 4, lambda: False) == 2
        assert newlines_before(reader, 3, lambda: False) == 1
        assert newlines_before(reader, 12, lambda: False) is None
        assert newlines_before(reader, 4, lambda: True) is None
