"""Every byte once and in order, while hub, connector and network are killed and cut."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from arborlink.client import Hub
from arborlink.testing.cell_reader import CellReader
from arborlink.testing.chaos_proxy import ChaosProxy
from tests.e2e.arbor import TOKEN, Arbor, cells, wait_until
from tests.e2e.storm import PACE_SECONDS, Watcher, storm

GIB = 1 << 30
MIB = 1 << 20


async def weather(
    tmp_path: Path, total: int, *, hub_kills: int, connector_kills: int, cuts: int, seed: int
) -> None:
    """Run one task of `total` bytes through all of these and check every copy."""
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    async with (
        ChaosProxy("127.0.0.1", arbor.port, seed) as daemon_side,
        ChaosProxy("127.0.0.1", arbor.port, seed + 1) as viewer_side,
    ):
        try:
            await asyncio.to_thread(arbor.start_hub)
            await asyncio.to_thread(arbor.start_daemon, through=daemon_side.port)
            viewer_url = f"http://127.0.0.1:{viewer_side.port}"

            struck: Counter[str] = Counter()

            async def restart_hub() -> None:
                arbor.kill_hub()
                struck["hubs killed"] += 1
                await asyncio.to_thread(arbor.start_hub)

            async def kill_connector() -> None:
                struck["connectors killed"] += await asyncio.to_thread(kill_and_await, arbor)

            async def cut(proxy: ChaosProxy) -> None:
                while (connections := proxy.cut()) == 0:
                    await asyncio.sleep(PACE_SECONDS)
                struck["cuts"] += 1
                struck["connections cut"] += connections

            faults: list[Callable[[], object]] = [
                *[restart_hub] * hub_kills,
                *[kill_connector] * connector_kills,
                *[lambda: cut(daemon_side), lambda: cut(viewer_side)] * (cuts // 2),
            ]
            random.Random(seed).shuffle(faults)
            async with Hub(arbor.url, TOKEN) as hub:
                task = await hub.run(*cells("storm", total), stdin="empty")
            steady, late, restless = Watcher("storm"), Watcher("storm"), Watcher("storm")

            async def join_late() -> None:
                await storm(lambda: steady.offset, total, [lambda: None, lambda: None])
                await late.follow(viewer_url, task.id)

            async with asyncio.TaskGroup() as group:
                group.create_task(steady.follow(viewer_url, task.id))
                group.create_task(restless.follow_in_pieces(viewer_url, task.id))
                group.create_task(join_late())
                group.create_task(storm(lambda: steady.offset, total, faults))
            for watcher in (steady, late, restless):
                assert (watcher.reader.finish(total), watcher.gaps) == ([], [])
                assert watcher.final_status == "completed"
            await asyncio.to_thread(_check_logs, arbor, task.id, total)
            print(f"{total} bytes, exact, through {dict(struck)}; {restless.reopened} reopenings")
            assert struck["hubs killed"] == hub_kills
            assert struck["connectors killed"] == connector_kills
            assert struck["cuts"] == cuts
            assert struck["connections cut"] >= cuts
        finally:
            await asyncio.to_thread(arbor.stop)


def kill_and_await(arbor: Arbor) -> int:
    """Kill the connector that runs and wait for its successor; 1 if there was one to kill."""
    wait_until(lambda: arbor.connector_pid() is not None, "a connector")
    before = arbor.connector_pid()
    arbor.kill_connector()
    wait_until(lambda: arbor.connector_pid() not in (None, before), "the next connector")
    return 1


def _check_logs(arbor: Arbor, task_id: str, total: int) -> None:
    reader = CellReader("storm")
    with arbor.popen("logs", task_id) as logs:
        assert logs.stdout is not None
        while piece := logs.stdout.read(MIB):
            reader.feed(piece)
    assert reader.finish(total) == []


async def test_a_small_storm(tmp_path: Path) -> None:
    await weather(tmp_path, 96 * MIB, hub_kills=2, connector_kills=3, cuts=6, seed=1)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
async def test_a_gigabyte_through_ten_hubs_ten_connectors_and_twenty_cuts(tmp_path: Path) -> None:
    await weather(tmp_path, GIB, hub_kills=10, connector_kills=10, cuts=20, seed=2)
