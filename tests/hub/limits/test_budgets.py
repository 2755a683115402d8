"""Rates as the settings say them: the burst, one more, and one after each interval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arborlink.hub.access import Access, Environment
from arborlink.hub.access.rates import Budget, Rate, RateLimiter
from arborlink.hub.front.gate import Gate
from arborlink.hub.settings import HubSettings
from arborlink.hub.store.sqlite import SqliteStore
from arborlink.protocol.errors import TooManyRequests
from tests.hub.access.conftest import CHEAP_HASHER
from tests.hub.live.bench import running_bench

pytestmark = pytest.mark.asyncio

MOMENT_SECONDS = 1e-3
# Which limiter, its settings, and the burst and the interval that they mean.
LIMITERS: list[tuple[str, dict[str, Any], int, float]] = [
    ("_requests", {}, 200, 1 / 50),
    ("_requests", {"requests_per_second": 4.0, "requests_burst": 3}, 3, 1 / 4),
    ("_user_requests", {}, 400, 1 / 100),
    ("_user_requests", {"user_requests_per_second": 4.0, "user_requests_burst": 3}, 3, 1 / 4),
    ("viewer_requests", {}, 1_600, 1 / 400),
    (
        "viewer_requests",
        {"user_viewer_requests_per_second": 5.0, "user_viewer_requests_burst": 2},
        2,
        1 / 5,
    ),
    (
        "viewer_messages",
        {"user_viewer_messages_per_second": 5.0, "user_viewer_messages_burst": 2},
        2,
        1 / 5,
    ),
    ("addresses", {}, 200, 1 / 50),
    ("addresses", {"address_requests_per_second": 2.0, "address_requests_burst": 1}, 1, 1 / 2),
    ("proofs", {}, 2_000, 1 / 200),
    ("proofs", {"address_proofs_per_second": 2.0, "address_proofs_burst": 3}, 3, 1 / 2),
    ("failures", {}, 10, 6.0),
    ("failures", {"failed_authentications_per_minute": 2.0}, 2, 30.0),
    ("_user_failures", {}, 10, 6.0),
    ("accounts", {}, 10, 6.0),
    ("_strangers", {}, 600, 0.1),
    ("_strangers", {"strangers_guesses_per_minute": 2.0}, 2, 30.0),
]


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("name", "settings", "burst", "interval"), LIMITERS)
async def test_a_budget_is_what_its_settings_say(
    tmp_path: Path, name: str, settings: dict[str, Any], burst: int, interval: float
) -> None:
    store = await SqliteStore.open(tmp_path / "hub.sqlite3", lambda: "hub_1")
    clock = Clock()
    access = Access(
        store, HubSettings(**settings), Environment(monotonic=clock), hasher=CHEAP_HASHER
    )
    limiter: RateLimiter = getattr(access.budgets, name)
    for _ in range(burst):
        limiter.take("one")
    with pytest.raises(TooManyRequests) as refused:
        limiter.take("one")
    assert refused.value.retry_after == pytest.approx(interval)
    limiter.take("another")
    clock.now += interval - MOMENT_SECONDS
    with pytest.raises(TooManyRequests):
        limiter.take("one")
    clock.now += MOMENT_SECONDS
    limiter.take("one")
    with pytest.raises(TooManyRequests):
        limiter.take("one")
    await store.close()


@pytest.mark.parametrize(
    ("settings", "rates"),
    [
        ({}, (Rate(100.0, 400), Rate(5_000.0, 10_000), Rate(10.0, 50))),
        (
            {
                "viewer_requests_per_second": 1.0,
                "viewer_requests_burst": 2,
                "viewer_messages_per_second": 3.0,
                "viewer_messages_burst": 4,
                "pings_per_second": 5.0,
                "pings_burst": 6,
            },
            (Rate(1.0, 2), Rate(3.0, 4), Rate(5.0, 6)),
        ),
    ],
    ids=["defaults", "set"],
)
async def test_the_rates_of_a_connection_are_what_the_settings_say(
    tmp_path: Path, settings: dict[str, Any], rates: tuple[Rate, Rate, Rate]
) -> None:
    async with running_bench(tmp_path, **settings) as bench:
        viewing = bench.hub.sockets.viewing.rates
        pings = Gate.of(bench.hub.settings).pings
    assert (viewing.requests, viewing.messages, pings) == rates
    for rate in rates:
        budget = Budget(rate)
        assert [budget.take(0.0) for _ in range(rate.burst)] == [0.0] * rate.burst
        wait = budget.take(0.0)
        assert wait == pytest.approx(1 / rate.per_second)
        assert budget.take(wait) == 0.0
        assert budget.take(wait) > 0.0
