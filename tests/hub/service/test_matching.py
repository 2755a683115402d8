"""Queries: what they find in bytes, and which are refused with a reason."""

from __future__ import annotations

import pytest

from arborlink.hub.service.matching import MAX_QUERY_CHARS, MAX_WINDOW_BYTES, Matcher
from arborlink.hub.service.search import OVERLAP_BYTES
from arborlink.protocol.errors import InvalidInput


def find(
    query: str, data: bytes, *, regex: bool = True, case: bool = False
) -> tuple[int, int] | None:
    return Matcher(query, regex=regex, case=case).find(data, 0, len(data))


@pytest.mark.parametrize(
    ("query", "data", "regex", "case", "span"),
    [
        ("error", b"an Error", False, False, (3, 8)),
        ("error", b"an Error", False, True, None),
        ("Ünder", "x ünder".encode(), False, False, (2, 8)),
        ("a.b*", b"aab a.b*", False, False, (4, 8)),
        ("(?m)", b"x(?m)", False, False, (1, 5)),
        ("\0", b"a\0b", False, False, (1, 2)),
        ("a.b*", b"aab a.b*", True, False, (0, 3)),
        ("b", b"\xff\xfe b", False, False, (3, 4)),
        (".b", b"\xff\xfe b", True, False, (2, 4)),
        ("^b$", b"a\nb\nc", True, False, (2, 3)),
        (r"\\A", rb"\A", True, False, (0, 2)),
        (r"\Q\A\E+", rb"x\AA", True, True, (1, 4)),
    ],
)
def test_what_is_found(
    query: str, data: bytes, regex: bool, case: bool, span: tuple[int, int] | None
) -> None:
    assert find(query, data, regex=regex, case=case) == span


@pytest.mark.parametrize(
    "expression",
    [r"a\sb", r"a\nb", "(?s)a.b", "a[^x]b", r"a\Db", r"a\x0ab", r"a[\n]b", r"a[\s\S]b", "a\nb"],
)
def test_no_expression_matches_a_newline(expression: str) -> None:
    assert find(expression, b"a\nb") is None


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("abc(", "missing ): abc("),
        ("a**", "bad repetition operator: **"),
        ("[z-a]", "invalid character class range: z-a"),
        ("(?=a)", "(?="),
        (r"(a)\1", r"\1"),
        ("a{2000}", "{2000}"),
        (r"\pL{1000}", "too large"),
        (".{1000}", "too large"),
        (r"ab\Aa", r"\A at character 3"),
        (r"a\z", r"\z at character 2"),
        (r"a\C", r"\C at character 2"),
        ("(?-m)^a", "(?-m at character 1"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_with_the_place(
    expression: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Matcher(expression, regex=True, case=False)
    assert refused.value.code == "invalid_expression"
    assert reason in refused.value.message


@pytest.mark.parametrize("text", ["", "x" * (MAX_QUERY_CHARS + 1), "a\nb", "\ud800"])
def test_a_text_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Matcher(text, regex=False, case=False)


def test_the_overlap_of_windows_holds_every_text_that_can_be_looked_for() -> None:
    longest = Matcher("\U0010ffff" * MAX_QUERY_CHARS, regex=False, case=False)
    assert 4 * MAX_QUERY_CHARS <= OVERLAP_BYTES
    assert 2 * OVERLAP_BYTES <= longest.window <= MAX_WINDOW_BYTES


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("(x+x+)+y", b"x"),
        ("(x*)*y", b"x"),
        ("(a|b)*a(a|b){20}c", b"abba"),
        ("(?:a?){500}a{500}c", b"a"),
    ],
)
def test_no_expression_takes_more_than_time_in_proportion(expression: str, text: bytes) -> None:
    """Of those that take other engines for ever: the suite's timeout would tell."""
    matcher = Matcher(expression, regex=True, case=False)
    assert matcher.find(text * matcher.window, 0, matcher.window) is None
