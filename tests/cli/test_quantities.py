"""Durations and times as people write them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from arborlink.cli.quantities import parse_duration, parse_time

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
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "m", "-5", "+5", "1e3", "nan", "inf", "5x", "30m2h", "1h1h", "5s30", "5ms3", "1 h",
     "1_000", "٣", "1.", ".5", "9" * 400, "5300w"],
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
    "text", ["", "yesterday", "25:00", "2026-13-01", "2026-02-30", "0001-01-01T00:00+14:00", "-5m"]
)
def test_what_is_no_time_is_said_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="how long ago") as caught:
        parse_time(text, NOW)
    assert repr(text) in str(caught.value)
