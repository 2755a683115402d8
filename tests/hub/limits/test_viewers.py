"""What a viewer's connection may ask for, how often, and how long it may do nothing."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from arborlink.hub.access.rates import Rate
from arborlink.hub.live.pace import Pace, ViewerRates
from arborlink.hub.live.viewer_session import ViewerSession
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import (
    Cancel,
    ErrorMessage,
    Heartbeat,
    Subscribe,
    Unsubscribe,
    ViewerAck,
    ViewerInput,
)
from arborlink.protocol.retry import retry_after_of_close
from tests.hub.live.bench import running_bench
from tests.hub.live.peers import Closed, ScriptedViewer
from tests.hub.live.test_output import handed

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
        assert refused.retry_after == pytest.approx(1_000, abs=30)
        # Neither beats nor what makes less work is ever refused.
        await viewer.send(Unsubscribe(workspace_id="*"))
        await viewer.settle()
        for _ in range(4):
            await viewer.watch("*")
        closed = await viewer.closed()
        assert closed.code == 4429
        assert retry_after_of_close(closed.code, closed.reason) == pytest.approx(1_000, abs=30)


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


IDLE_SECONDS = 1.0
FOR_NOTHING = Closed(
    1000, "nothing was followed or asked for in 1 seconds; connect again when you need to"
)
# For those who have to do something before it is over: in this process, and it takes milliseconds.
LONG_IDLE_SECONDS = 3.0
FOR_NOTHING_FOR_LONG = FOR_NOTHING.reason.replace(" 1 ", " 3 ")


async def test_a_viewer_that_wants_nothing_is_sent_away(tmp_path: Path) -> None:
    async with running_bench(tmp_path, viewer_idle_seconds=IDLE_SECONDS) as bench:
        begun = time.monotonic()
        async with bench.viewer() as viewer:
            assert await viewer.closed() == FOR_NOTHING
            assert time.monotonic() - begun >= IDLE_SECONDS
        await bench.until(lambda: not bench.hub.sockets.sessions)


async def test_neither_beats_nor_acknowledgements_keep_a_viewer(tmp_path: Path) -> None:
    async def talk(viewer: ScriptedViewer) -> None:
        with suppress(ConnectionClosed):
            while True:
                await viewer.send(Heartbeat(sent_at=1))
                await viewer.send(ViewerAck(task_id="tsk_x", offset=0))
                await asyncio.sleep(IDLE_SECONDS / 20)

    async with (
        running_bench(tmp_path, viewer_idle_seconds=IDLE_SECONDS) as bench,
        bench.viewer() as viewer,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(talk(viewer))
        assert await viewer.closed() == FOR_NOTHING


async def test_whoever_types_is_not_idle(tmp_path: Path) -> None:
    """Its time begins anew with each input: it ends when it has run out since the last one."""
    async with running_bench(tmp_path, viewer_idle_seconds=LONG_IDLE_SECONDS) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await handed(bench, identity, daemon)
            async with bench.viewer() as viewer:
                session = bench.session_of(viewer)
                assert isinstance(session, ViewerSession)
                for _ in range(3):
                    asked_at = session._pace.asked_at
                    await viewer.send(ViewerInput(task_id=task, input=b"x"))
                    await viewer.settle()
                    assert session._pace.asked_at > asked_at
                assert (await viewer.closed()).reason == FOR_NOTHING_FOR_LONG
                assert time.monotonic() - session._pace.asked_at >= LONG_IDLE_SECONDS


async def test_whoever_follows_something_stays_until_nothing_is_left(tmp_path: Path) -> None:
    async with running_bench(tmp_path, viewer_idle_seconds=LONG_IDLE_SECONDS) as bench:
        identity = await bench.enrolled()
        task_id = await bench.create(identity.workspace_id)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(bench.daemon(identity))
            watching = await stack.enter_async_context(bench.viewer())
            await watching.watch("*")
            following = await stack.enter_async_context(bench.viewer())
            await following.subscribe(task_id)
            idle = await stack.enter_async_context(bench.viewer())
            assert (await idle.closed()).reason == FOR_NOTHING_FOR_LONG
            # Both have been there for as long as the idle one, and longer.
            await watching.settle()
            await following.settle()
            await following.send(Unsubscribe(task_id=task_id))
            assert (await following.closed()).reason == FOR_NOTHING_FOR_LONG
            await watching.settle()
            assert bench.connected(identity.workspace_id)


async def test_an_idle_viewer_goes_and_the_task_that_it_started_stays(tmp_path: Path) -> None:
    """Nor does a daemon that has nothing to say ever count as idle."""
    async with running_bench(tmp_path, viewer_idle_seconds=IDLE_SECONDS) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            async with bench.viewer() as viewer:
                task_id = await handed(bench, identity, daemon)
                await daemon.running(task_id)
                await bench.becomes(task_id, TaskStatus.RUNNING)
                assert await viewer.closed() == FOR_NOTHING
            async with bench.viewer() as viewer:
                assert await viewer.closed() == FOR_NOTHING
            await daemon.settle()
            assert daemon.seen(Cancel) == []
            assert bench.row(task_id).status is TaskStatus.RUNNING
            await daemon.output(task_id, 0, b"still here")
            await daemon.ended(task_id, b"still here")
            await daemon.settled(task_id)
        assert bench.row(task_id).status is TaskStatus.COMPLETED
        assert await bench.stored(task_id) == b"still here"
