"""Durations: a histogram that only grows, and what happened since somebody asked."""

from __future__ import annotations

import pytest

from arborlink.hub.live.durations import BOUNDS, MAX_RECENT, Durations, Spread


def test_what_was_taken_is_not_told_again() -> None:
    durations = Durations()
    assert durations.take() == Spread(None, None)
    for seconds in (0.003, 0.001, 0.2):
        durations.add(seconds)
    assert durations.take() == Spread(0.003, 0.2)
    assert durations.take() == Spread(None, None)


def test_the_histogram_counts_upwards_and_keeps_what_was_taken() -> None:
    durations = Durations()
    for seconds in (0.0001, 0.0002, 0.04, 60.0):
        durations.add(seconds)
    durations.take()
    buckets = dict(durations.buckets())
    assert buckets["0.0001"] == 1
    assert buckets["0.00025"] == 2
    assert buckets["0.025"] == 2
    assert buckets["0.05"] == 3
    assert buckets["5.0"] == 3
    assert buckets["+Inf"] == 4
    assert len(buckets) == len(BOUNDS) + 1
    assert durations.total_seconds == pytest.approx(60.0403)


def test_a_time_below_zero_is_none_at_all() -> None:
    durations = Durations()
    durations.add(-0.001)
    assert durations.take() == Spread(0.0, 0.0)
    assert durations.total_seconds == 0.0


def test_the_longest_is_known_however_many_come_after_it() -> None:
    durations = Durations()
    durations.add(9.0)
    for _ in range(MAX_RECENT):
        durations.add(0.001)
    assert durations.take() == Spread(0.001, 9.0)
