"""The SDK and a real hub that wants to be left alone for a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from arborlink.client import Chunk, Gap, Hub, TooManyRequests
from arborlink.protocol.messages import Command
from arborlink.testing.hub import TOKEN
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, spooled
from tests.ports import free_port

Output = AsyncGenerator[Chunk | Gap, None]


class Waits(list[tuple[float, float, str]]):
    """When a wait was announced, for how long, and why.

    While it is `busy` a hub gives nothing back to who asks too often, until a wait is announced: so
    there is one, however slowly it is asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self._busy: Bench | None = None

    def busy(self, bench: Bench) -> None:
        """Stop the time of a hub's budgets until the next wait."""
        bench.stop_time_for_budgets()
        self._busy = bench

    def note(self, seconds: float, why: str) -> None:
        """For `on_wait`."""
        self.append((time.monotonic(), seconds, why))
        if self._busy is not None:
            self._busy.start_time_for_budgets()


async def started(bench: Bench, identity: DaemonIdentity) -> str:
    """A task with three bytes of output, which goes on."""
    async with bench.daemon(identity) as daemon:
        task = await bench.create(identity.workspace_id)
        await daemon.expect(Command)
        await daemon.running(task)
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
    return task


async def test_a_restart_is_waited_for_as_asked_and_nothing_is_lost(tmp_path: Path) -> None:
    waits, states = Waits(), list[tuple[float, bool]]()

    def connected(state: bool) -> None:
        states.append((time.monotonic(), state))

    port = free_port()
    async with running_bench(tmp_path, port=port) as bench:
        identity = await bench.enrolled()
        task = await started(bench, identity)
        hub = Hub(f"http://127.0.0.1:{port}", TOKEN, on_connection=connected, on_wait=waits.note)
        await hub.__aenter__()
        output = (await hub.task(task)).output()
        first = await anext(output)
    async with running_bench(tmp_path, port=port) as bench, aclosing(output):
        async with bench.daemon(identity, tasks=[spooled(task, 3)]) as daemon:
            await daemon.output(task, 3, b"def")
            second = await anext(output)
    await hub.__aexit__(None, None, None)
    assert isinstance(first, Chunk) and isinstance(second, Chunk)
    assert first.data + second.data == b"abcdef"
    ((announced, seconds, why),) = waits
    assert why == "the hub is restarting" and 1.0 <= seconds <= 2.0
    assert [state for _, state in states][:3] == [True, False, True]
    assert states[2][0] - announced >= 1.0


async def test_a_connection_that_there_is_no_room_for_comes_back_when_the_hub_says(
    tmp_path: Path,
) -> None:
    waits = Waits()
    few = {"address_requests_burst": 1, "address_requests_per_second": 1}
    async with running_bench(tmp_path) as bench:
        task = await started(bench, await bench.enrolled())
    async with (
        running_bench(tmp_path, **few) as bench,
        Hub(f"http://127.0.0.1:{bench.port}", TOKEN, on_wait=waits.note) as hub,
    ):
        waits.busy(bench)
        handle = await hub.task(task)
        async with aclosing(handle.output()) as one, aclosing(handle.output()) as other:
            for reader in (one, other):
                item = await anext(reader)
                assert isinstance(item, Chunk) and item.data == b"abc"
    ((announced, seconds, why),) = waits
    assert why == "the hub is busy" and seconds >= 1.0
    assert time.monotonic() - announced >= 1.0


async def test_a_call_waits_within_its_bound_and_then_says_for_how_long_it_should(
    tmp_path: Path,
) -> None:
    slow = {"requests_burst": 2, "requests_per_second": 1}
    waits = Waits()
    async with running_bench(tmp_path, **slow) as bench:
        url = f"http://127.0.0.1:{bench.port}"
        waits.busy(bench)
        async with Hub(url, TOKEN, on_wait=waits.note) as hub:
            for _ in range(3):
                await hub.me()
        assert [why for _, _, why in waits] == ["the hub is busy"]
        waits.busy(bench)
        async with Hub(url, TOKEN, retry_seconds=0.5) as hub:
            with pytest.raises(TooManyRequests) as caught:
                await asyncio.gather(*(hub.me() for _ in range(4)))
        assert caught.value.retry_after is not None and caught.value.retry_after >= 1
