"""When to come back is a number: on an error, in a header, and in one place of a close frame."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import arborlink
from arborlink.protocol.errors import ArborError, NotAuthenticated, TooManyRequests, Unavailable
from arborlink.protocol.retry import (
    MAX_CLOSE_REASON_BYTES,
    MAX_RETRY_SECONDS,
    close_reason,
    close_reason_of,
    explained,
    retry_after_of_close,
    retry_after_of_header,
    retry_seconds,
)

# How peers of 0.1.0 look for the number: the daemon and the SDK, and the page.
OLD_PEERS = (re.compile(r"retry in (\d{1,6}(?:\.\d{1,3})?)"), re.compile(r"retry in (\d+) s"))


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Unavailable("the disk is slow"), 2),
        (Unavailable("the disk is slow", retry_after=0.3), 1),
        (Unavailable("cannot retry in 7 tries", retry_after=5), 5),
        (Unavailable("the disk said: retry in 7 seconds", retry_after=5), 5),
        (TooManyRequests("too many"), 2),
        (TooManyRequests("too many.", retry_after=7.2), 8),
        (TooManyRequests("too many", retry_after=1e12), MAX_RETRY_SECONDS),
        (NotAuthenticated("the token said: retry in 7 seconds"), None),
    ],
)
def test_a_close_says_when_to_come_back_whatever_its_text_says(
    error: ArborError, seconds: float | None
) -> None:
    reason = close_reason_of(error)
    assert retry_after_of_close(error.close_code, reason) == seconds


@given(st.text(), st.integers(1, MAX_RETRY_SECONDS))
def test_any_text_leaves_the_number_whole(text: str, seconds: int) -> None:
    reason = close_reason(text, seconds)
    assert len(reason.encode()) <= MAX_CLOSE_REASON_BYTES
    assert retry_after_of_close(1013, reason) == seconds


@given(st.text(alphabet="x€ ;.", max_size=200), st.integers(1, MAX_RETRY_SECONDS))
def test_peers_of_the_first_version_read_the_same(text: str, seconds: int) -> None:
    for pattern in OLD_PEERS:
        found = pattern.search(close_reason(text, seconds))
        assert found is not None and float(found[1]) == seconds


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TooManyRequests("Too many.", retry_after=6.2), "Too many; retry in 7 seconds."),
        (TooManyRequests("too many", retry_after=1), "too many; retry in 1 seconds"),
        # Decided by none: the header has a number all the same, the text has nothing to add.
        (Unavailable("the disk is gone"), "the disk is gone"),
        (NotAuthenticated("sign in again"), "sign in again"),
    ],
)
def test_a_person_reads_the_same_number(error: ArborError, text: str) -> None:
    assert explained(error) == text


def test_what_time_does_not_cure_has_no_number() -> None:
    assert retry_seconds(TooManyRequests("at most 64 things are followed")) is None
    assert retry_seconds(NotAuthenticated("sign in again")) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 5 ", 5.0),
        ("0.5", 0.5),
        (None, None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("-1", None),
        ("12 monkeys", None),
        ("1234567", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
    ],
)
def test_a_header_is_a_number_or_nothing(header: str | None, seconds: float | None) -> None:
    assert retry_after_of_header(header) == seconds


def test_the_words_are_written_in_one_place() -> None:
    """A text with a number in it is the beginning of a second parser."""
    package = Path(arborlink.__file__).parent
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any("retry in " in text.lower() for text in _texts(path))
    }
    assert found == {"protocol/retry.py"}


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
