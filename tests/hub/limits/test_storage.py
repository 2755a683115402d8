"""What is kept: of one output, of all of them, for how long, and on how full a disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from arborlink.hub.live.clock import now_us
from arborlink.hub.live.reserve import Reserve
from arborlink.hub.service.retention import Retention, RetentionLimits
from arborlink.protocol.errors import StorageLow
from arborlink.protocol.limits import MIB
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.test_long_output import started as begun
from tests.hub.live.test_long_output import write
from tests.hub.service.test_retention import files, finish, started

pytestmark = pytest.mark.asyncio

BLOCK_BYTES = 512
SECONDS = 100.0
SECONDS_US = round(SECONDS * 1_000_000)


@pytest.mark.parametrize("limit", [MIB, 2 * MIB])
async def test_an_output_at_its_limit_is_whole_and_one_above_it_loses_its_middle(
    tmp_path: Path, limit: int
) -> None:
    async with running_bench(tmp_path, stored_output_bytes_per_task=limit) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await begun(bench, identity, daemon)
            for end in (limit - 1, limit):
                await write(daemon, task, 0 if end < limit else end - 1, end)
                await daemon.settle()
                assert (await bench.task(task))["gaps"] == []
            output = bench.hub.daemons.outputs.find(task)
            assert output is not None
            await write(daemon, task, limit, limit + 1)
            await bench.until(lambda: bool(output.gaps()), "the middle to be dropped")
            (gap,) = (await bench.task(task))["gaps"]
            assert gap["reason"] == "size_limit" and gap["from"] > 0 and gap["to"] < limit


def retention(bench: Bench, limits: RetentionLimits, now: int) -> Retention:
    """As the hub's own, at this moment."""
    return bench.retention(limits, lambda: now)


def taken(bench: Bench) -> int:
    """What all output takes on the disk."""
    found = bench.hub.daemons.outputs.folder.glob("*/*")
    return sum(os.stat(path).st_blocks * BLOCK_BYTES for path in found)


async def test_a_task_is_kept_for_as_long_as_it_is_set_and_no_longer(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            await finish(bench, daemon, [task])
        ended = bench.row(task).finished_at
        assert ended is not None
        limits = RetentionLimits(SECONDS, 10**12)
        await retention(bench, limits, ended + SECONDS_US - 1).round()
        assert files(bench) == {task}
        await retention(bench, limits, now_us() + SECONDS_US + 1).round()
        assert files(bench) == set()


async def test_all_output_may_take_as_much_as_it_is_set_to_and_not_a_byte_more(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            tasks = [await started(bench, identity, daemon) for _ in range(3)]
            await finish(bench, daemon, tasks)
        rows = await bench.hub.store.usage()
        size, now = taken(bench) + sum(each.bytes for each in rows), now_us()
        for limit in (size + 1, size):
            await retention(bench, RetentionLimits(SECONDS, limit), now).round()
            assert files(bench) == set(tasks)
        await retention(bench, RetentionLimits(SECONDS, size - 1), now).round()
        assert files(bench) == set(tasks[1:])


async def test_the_hub_itself_keeps_to_what_is_set(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "retention_seconds": 7.0,
        "retention_bytes": 8,
        "retention_bytes_per_user": 10,
        "retention_bytes_per_workspace": 11,
        "task_variables_seconds": 12.0,
        "min_free_disk_bytes": 9,
    }
    async with running_bench(tmp_path, **settings) as bench:
        assert bench.hub.retention._limits == RetentionLimits(7.0, 8, 10, 11)
        assert bench.hub.forgetting._keep_seconds == 12.0
        assert bench.hub.reserve._needed == 9


async def test_a_disk_is_low_below_the_reserve_and_not_at_it(tmp_path: Path) -> None:
    needed = 1_000
    reserve = Reserve(tmp_path, needed)
    for free in (needed + 1, needed):
        reserve.free = lambda _, free=free: free  # type: ignore[misc]
        await reserve.look()
        reserve.check()
    reserve.free = lambda _: needed - 1
    await reserve.look()
    with pytest.raises(StorageLow, match="999 bytes free, of which 1000 are a reserve"):
        reserve.check()
