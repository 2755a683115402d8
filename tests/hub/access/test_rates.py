"""The rate itself, with the time passed in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.hub.access.rates import Budget, Rate, too_many


def test_a_burst_at_once_then_one_each_interval() -> None:
    budget = Budget(Rate(per_second=10.0, burst=3))

    assert [budget.take(5.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert budget.take(5.0) == pytest.approx(0.1)
    assert budget.take(5.099) == pytest.approx(0.001)
    assert budget.take(5.1) == 0.0
    assert budget.take(5.1) > 0


def test_a_refusal_costs_nothing_and_a_pause_gives_the_burst_back_but_no_more() -> None:
    budget = Budget(Rate(per_second=1.0, burst=2))
    for _ in range(2):
        budget.take(0.0)
    for _ in range(50):
        assert budget.take(0.5) == pytest.approx(0.5)

    assert [budget.take(1_000.0) for _ in range(3)] == [0.0, 0.0, pytest.approx(1.0)]


@given(
    st.floats(0.1, 1_000),
    st.integers(1, 500),
    st.lists(st.floats(0, 0.2), min_size=1, max_size=300),
)
def test_never_more_than_the_burst_and_the_rate_allow(
    per_second: float, burst: int, pauses: list[float]
) -> None:
    budget, now, taken = Budget(Rate(per_second, burst)), 0.0, 0
    for pause in pauses:
        now += pause
        taken += not budget.take(now)

    assert taken <= burst + now * per_second + 0.02


@given(st.floats(0.1, 1_000), st.integers(1, 500), st.floats(0, 1e8))
def test_whoever_waits_as_long_as_told_is_served(per_second: float, burst: int, now: float) -> None:
    budget = Budget(Rate(per_second, burst))
    for _ in range(burst):
        assert budget.take(now) == 0.0
    wait = budget.take(now)

    assert wait > 0
    assert budget.take(now + wait) == 0.0


def test_a_refusal_says_for_how_long() -> None:
    assert too_many(0.02).retry_after == 0.02
    assert too_many(6.2).retry_after == 6.2
    # Sums of fractions are a hair above a whole second, which would be one more.
    assert too_many(1.0000000001).retry_after == 1.0
