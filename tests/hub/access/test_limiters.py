"""Limiters in bounded memory: whatever the order of keys, nobody gets more than they may have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arborlink.hub.access import rates
from arborlink.hub.access.networks import network_of
from arborlink.hub.access.rates import (
    REGION_FACTOR,
    SITE_FACTOR,
    Counts,
    NetworkLimiter,
    Rate,
    RateLimiter,
)
from arborlink.protocol.errors import TooManyRequests

ADDRESSES = [
    f"2001:{region:x}:{site:x}:{customer:x}::{host:x}"
    for region in range(2)
    for site in range(3)
    for customer in range(3)
    for host in (1, 2)
]
STEPS = st.lists(
    st.tuples(st.sampled_from(range(len(ADDRESSES))), st.floats(0, 0.3)), min_size=1, max_size=250
)
# Clocks are doubles: what is taken may be early by their last digits.
ROUNDING = 0.05


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(limiter: NetworkLimiter, address: str) -> bool:
    try:
        limiter.take(address)
    except TooManyRequests:
        return False
    return True


def within(times: list[float], rate: Rate) -> bool:
    """Whether no stretch of time has more than the burst and the rate allow."""
    return all(
        later - earlier + 1
        <= rate.burst + (times[later] - times[earlier] + ROUNDING) * rate.per_second
        for earlier in range(len(times))
        for later in range(earlier, len(times))
    )


@given(STEPS, st.integers(1, 5))
def test_no_customer_site_or_region_gets_more_whatever_the_order_of_addresses(
    steps: list[tuple[int, float]], burst: int
) -> None:
    clock = Clock()
    limiter = NetworkLimiter(1.0, burst, clock)
    times: dict[str, list[float]] = defaultdict(list)
    for number, pause in steps:
        clock.now += pause
        if taken(limiter, ADDRESSES[number]):
            for name in network_of(ADDRESSES[number]):
                times[name].append(clock.now)
    for address in ADDRESSES:
        network = network_of(address)
        for name, factor in zip(network, (1, SITE_FACTOR, REGION_FACTOR), strict=True):
            assert within(times[name], Rate(factor, factor * burst)), name


@given(
    st.lists(st.tuples(st.integers(0, 7), st.floats(0, 0.6)), min_size=1, max_size=200),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_sharing_never_forgets_what_a_key_has_spent(
    steps: list[tuple[int, float]], burst: int, capacity: int
) -> None:
    """With room for fewer keys than there are, in every order, a key never gets more."""
    counts, now = Counts(Rate(1.0, burst), capacity), 0.0
    times: dict[int, list[float]] = defaultdict(list)
    for key, pause in steps:
        now += pause
        path = (f"key {key}", f"half {key % 2}", "*")
        if not counts.wait(path, now):
            counts.spend(path, now)
            times[key].append(now)
    assert all(within(found, Rate(1.0, burst)) for found in times.values())
    assert len(counts) <= 2 * capacity + 1


@given(st.lists(st.integers(0, 30), max_size=200))
def test_a_key_with_a_place_of_its_own_is_never_held_to_what_others_spend(keys: list[int]) -> None:
    counts = Counts(Rate(1.0, 2), capacity=1)
    own = ("own", "*")
    counts.spend(own, 0.0)
    for key in keys:
        counts.spend((f"other {key}", "*"), 0.0)
    assert counts.wait(own, 0.0) == 0.0


def test_a_full_table_makes_room_for_newcomers_once_budgets_are_whole() -> None:
    counts = Counts(Rate(1.0, 1), capacity=2)
    for key in ("a", "b"):
        counts.spend((key, "*"), 0.0)
    counts.spend(("c", "*"), 0.0)
    assert counts.wait(("d", "*"), 0.0) == pytest.approx(1.0)
    assert counts.wait(("d", "*"), 5.0) == 0.0
    counts.spend(("d", "*"), 5.0)
    assert counts.wait(("e", "*"), 5.0) == 0.0


def test_a_flood_of_keys_neither_frees_the_guesser_nor_grows_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rates, "MAX_KEYS", 100)
    limiter = NetworkLimiter(1.0, 3, lambda: 0.0)
    for _ in range(3):
        limiter.take("192.0.2.1")
    for number in range(5_000):
        taken(limiter, f"2001:db8:{number:x}::1")
    assert not taken(limiter, "192.0.2.1")
    assert taken(limiter, "198.51.100.1")
    assert len(limiter) <= 3 * 4 * 100


def flood_by_name(limiter: RateLimiter) -> None:
    for number in range(2_000):
        limiter.spend(f"name {number}")


def test_a_flood_of_user_names_does_not_free_one_that_was_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rates, "MAX_KEYS", 100)
    clock: Callable[[], float] = Clock()
    limiter = RateLimiter(1.0, 2, clock)
    for _ in range(2):
        limiter.take("owner")
    flood_by_name(limiter)
    with pytest.raises(TooManyRequests):
        limiter.take("owner")
    assert len(limiter) <= 100 + rates.SHARED_KEYS


@given(st.floats(1, 1e7), st.integers(1, 60))
@example(50.5116216804883, 6)
def test_the_time_to_wait_is_no_second_more_than_the_rate_says(now: float, per_minute: int) -> None:
    clock = Clock()
    clock.now = now
    limiter = RateLimiter(per_minute / 60, per_minute, clock)
    for _ in range(per_minute):
        limiter.take("key")
    with pytest.raises(TooManyRequests) as refused:
        limiter.take("key")
    assert refused.value.retry_after is not None
    assert ceil(refused.value.retry_after) <= ceil(60 / per_minute)
