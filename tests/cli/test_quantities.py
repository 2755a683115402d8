"""Durations, moments and sizes: what is understood, what is refused, and how they are shown."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.cli import display
from arborlink.cli.parameters import days, duration
from arborlink.cli.quantities import parse_time
from arborlink.durations import parse_duration

NOW = datetime(2026, 3, 10, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two hours east of Greenwich, without a summer time."""
    monkeypatch.setitem(os.environ, "TZ", "XXX-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        (" 90 ", 90),
        ("0", 0),
        ("0.5", 0.5),
        ("10m", 600),
        ("2h30m", 9_000),
        ("2h30", 9_000),
        ("1m30", 90),
        ("1.5h", 5_400),
        ("1d", 86_400),
        ("1d12", 129_600),
        ("1w2d", 777_600),
        ("500ms", 0.5),
        ("1s500ms", 1.5),
        ("1m500ms", 60.5),
        (".5", 0.5),
        ("2h 30min", 9_000),
        ("2 hours", 7_200),
        ("1W", 604_800),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "m", "-5", "+5", "1e3", "nan", "inf", "5x", "30m2h", "1h1h", "5s30", "5ms3", "30 30",
     "1_000", "٣", "\uff11m", "9" * 400, "5300w"],
)  # fmt: skip
def test_what_is_no_duration_is_said_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"Write seconds|shorter time") as caught:
        parse_duration(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90", NOW - timedelta(seconds=90)),
        ("2h30", NOW - timedelta(hours=2, minutes=30)),
        ("2026-03-10T08:30:00Z", datetime(2026, 3, 10, 8, 30, tzinfo=UTC)),
        ("2026-03-10T08:30:00.25+01:00", datetime(2026, 3, 10, 7, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-03-10T08:30", datetime(2026, 3, 10, 6, 30, tzinfo=UTC)),
        ("2026-03-10 08:30:01", datetime(2026, 3, 10, 6, 30, 1, tzinfo=UTC)),
        ("2026-03-10", datetime(2026, 3, 9, 22, 0, tzinfo=UTC)),
        ("8:30", datetime(2026, 3, 10, 6, 30, tzinfo=UTC)),
        ("14:00", NOW),
        ("14:00:01", datetime(2026, 3, 9, 12, 0, 1, tzinfo=UTC)),
    ],
)
def test_times(text: str, moment: datetime) -> None:
    assert parse_time(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "25:00",
        "2026-13-01",
        "2026-02-30",
        "99999999999999d",
        "0001-01-01T00:00+14:00",
        "-5m",
    ],
)
def test_what_is_no_time_is_said_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="how long ago") as caught:
        parse_time(text, NOW)
    assert repr(text) in str(caught.value)


@given(st.text(max_size=80))
def test_any_text_is_a_duration_or_explained(text: str) -> None:
    try:
        assert parse_duration(text) >= 0
    except ValueError as error:
        assert "Write" in str(error)


def test_options_say_why_a_duration_is_refused() -> None:
    kind = duration(above=0.0, most=60.0)
    assert kind.convert("1m", None, None) == 60
    for text, why in (("0", "more than 0"), ("61", "at most 1 min"), ("1m x", "not a duration")):
        with pytest.raises(click.BadParameter, match=why):
            kind.convert(text, None, None)
    assert days().convert("2", None, None) == 2
    assert days().convert("12h", None, None) == 0.5
    for text in ("0", "-1", "nan", "x"):
        with pytest.raises(click.BadParameter):
            days().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "size"), [("4096", 4096), ("64K", 65_536), ("1.5MiB", 1_572_864), ("2 gb", 2 << 30)]
)
def test_sizes(text: str, size: int) -> None:
    assert display.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1", "1X", "1 K K", "inf"])
def test_what_is_no_size_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        display.parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.08, "80 ms"),
        (1.24, "1.2 s"),
        (48.9, "48 s"),
        (60, "1 min"),
        (7_500, "2 h 5 min"),
        (86_400 * 3 + 3_600, "3 d 1 h"),
    ],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert display.duration_text(seconds) == text


def test_times_have_no_microseconds_and_a_zone_that_is_meant() -> None:
    time = "2026-03-10T11:05:09.123456Z"
    assert display.time_text(time, utc=True) == "2026-03-10 11:05:09 UTC"
    assert display.time_text(time, utc=True, now=NOW) == "11:05:09 UTC"
    assert display.day_text(time, utc=True) == "2026-03-10 11:05 UTC"
    local = datetime(2026, 3, 10, 11, 5, 9, tzinfo=UTC).astimezone()
    assert display.time_text(time) == local.strftime("%Y-%m-%d %H:%M:%S")


def test_a_clock_that_is_behind_makes_nothing_negative() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert display.ago("2026-01-01T01:00:00Z", now) == "just now"
    assert display.ago("2025-12-31T23:28:00Z", now) == "32 min ago"
