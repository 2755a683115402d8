"""Times of resources as Python's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from arborlink.client import InvalidInput, parse_time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00.000001Z", datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)),
        ("2026-01-31T12:00:00.5+00:00", datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-31T14:00:00+02:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_time_has_its_zone_and_its_microseconds(text: str, time: datetime) -> None:
    parsed = parse_time(text)
    assert parsed == time and parsed.utcoffset() is not None


def test_times_can_be_subtracted_and_none_stays_none() -> None:
    took = parse_time("2026-01-01T00:01:00Z") - parse_time("2026-01-01T00:00:00.5Z")
    assert took == timedelta(seconds=59.5)
    assert parse_time(None) is None


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-31T12:00:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no time"):
        parse_time(text)
