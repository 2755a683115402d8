"""What a viewer's connection may ask for, how often, and how long it may do nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from arborlink.hub.access.rates import Rate
from arborlink.hub.live.pace import Pace, ViewerRates
from arborlink.protocol.messages import (
    ErrorMessage,
    Heartbeat,
    Subscribe,
    Unsubscribe,
    ViewerAck,
    ViewerInput,
)
from tests.hub.live.bench import running_bench
from tests.hub.live.peers import Closed

SLOW = 0.001
SUBSCRIBE = Subscribe(workspace_id="*")


def test_demands_are_counted_and_everything_else_is_only_paced() -> None:
    pace = Pace(ViewerRates(Rate(1.0, 2), Rate(10.0, 3)), now=0.0)

    assert [pace.refusal(SUBSCRIBE, 0.0) is None for _ in range(3)] == [True, True, False]
    for message in (
        ViewerAck(task_id="t", offset=1),
        ViewerInput(task_id="t", input=b"x"),
        Unsubscribe(task_id="t"),
        Heartbeat(sent_at=1),
    ):
        assert pace.refusal(message, 0.0) is None
    assert [pace.delay(0.0) for _ in range(4)] == [0, 0, 0, pytest.approx(0.1)]
    assert pace.refusal(SUBSCRIBE, 1.0) is None


def test_going_on_is_as_many_refusals_as_there_were_demands() -> None:
    pace = Pace(ViewerRates(Rate(1.0, 2), Rate(10.0, 3)), now=0.0)

    assert [pace.goes_on(0.0) for _ in range(3)] == [False, False, True]


def test_acknowledging_and_beating_is_not_asking() -> None:
    pace = Pace(ViewerRates(Rate(1.0, 2), Rate(10.0, 3)), now=0.0)
    pace.refusal(ViewerAck(task_id="t", offset=1), 5.0)
    pace.refusal(Heartbeat(sent_at=1), 5.0)
    assert pace.asked_at == 0.0
    pace.refusal(ViewerInput(task_id="t", input=b"x"), 6.0)
    assert pace.asked_at == 6.0


async def test_asking_too_often_is_refused_by_name_and_going_on_ends_it(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"viewer_requests_per_second": SLOW, "viewer_requests_burst": 4}
    async with running_bench(tmp_path, **settings) as bench, bench.viewer() as viewer:
        for _ in range(4):
            await viewer.watch("*")
        await viewer.settle()
        assert viewer.seen(ErrorMessage) == []
        await viewer.subscribe("tsk_x")
        refused = await viewer.expect(ErrorMessage)
        assert (refused.code, refused.ref) == ("too_many_requests", "tsk_x")
        assert "retry in 1000 seconds" in refused.message
        # Neither beats nor what makes less work is ever refused.
        await viewer.send(Unsubscribe(workspace_id="*"))
        await viewer.settle()
        for _ in range(4):
            await viewer.watch("*")
        closed = await viewer.closed()
        assert closed.code == 4429
        assert "retry in 1000 seconds" in closed.reason


async def test_a_storm_of_subscriptions_ends_itself_and_nobody_else(tmp_path: Path) -> None:
    async with (
        running_bench(tmp_path) as bench,
        bench.viewer() as healthy,
        bench.viewer(max_queue=None) as stormy,
    ):
        for _ in range(5_000):
            await stormy.watch("*")
        assert (await stormy.closed()).code == 4429
        await healthy.watch("*")
        await healthy.settle()
        assert healthy.seen(ErrorMessage) == []


async def test_too_many_messages_make_the_line_slow_and_lose_nothing(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"viewer_messages_per_second": 100.0, "viewer_messages_burst": 10}
    async with running_bench(tmp_path, **settings) as bench, bench.viewer() as viewer:
        begun = time.monotonic()
        for number in range(40):
            await viewer.send(ViewerAck(task_id="t", offset=number))
        await viewer.settle()
        assert time.monotonic() - begun > 0.25
        assert viewer.seen(ErrorMessage) == []


async def test_a_viewer_that_wants_nothing_is_sent_away(tmp_path: Path) -> None:
    async with running_bench(tmp_path, viewer_idle_seconds=0.3) as bench:
        async with bench.viewer() as viewer:
            begun = time.monotonic()
            closed = await viewer.closed()
            assert closed == Closed(
                1000,
                "nothing was followed or asked for in 0.3 seconds; connect again when you need to",
            )
            assert time.monotonic() - begun > 0.25
        await bench.until(lambda: not bench.hub.sockets.sessions)


async def test_whoever_follows_something_stays_until_nothing_is_left(tmp_path: Path) -> None:
    async with running_bench(tmp_path, viewer_idle_seconds=0.3) as bench:
        identity = await bench.enrolled()
        task_id = await bench.create(identity.workspace_id)
        async with (
            bench.daemon(identity),
            bench.viewer() as watching,
            bench.viewer() as following,
            bench.viewer() as idle,
        ):
            await watching.watch("*")
            await following.subscribe(task_id)
            assert (await idle.closed()).code == 1000
            # Both have been there for as long as the idle one, and longer.
            await watching.settle()
            await following.settle()
            await following.send(Unsubscribe(task_id=task_id))
            assert (await following.closed()).code == 1000
            await watching.settle()
            assert bench.connected(identity.workspace_id)
