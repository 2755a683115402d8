"""Memory and descriptors after many tasks, viewers and reconnections: the slope is zero."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from arborlink.client import Hub
from arborlink.testing.cell_reader import CellReader
from tests.e2e.arbor import TOKEN, Arbor, cells, wait_until

MIB = 1 << 20
SECONDS = float(os.environ.get("ARBOR_SOAK_SECONDS", "600"))
WARM_UP_ROUNDS = 20
VIEWERS = 4
TASK_BYTES = 4 * MIB
# What an allocator keeps for itself may differ between two looks; a leak passes this soon.
ALLOWED_GROWTH_BYTES = 16 * MIB


def resident(pid: int) -> int:
    """Bytes in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    """Open files and sockets."""
    return len(os.listdir(f"/proc/{pid}/fd"))


async def one_round(arbor: Arbor, number: int) -> None:
    """A task with several viewers, each with a connection of its own."""
    key = f"soak-{number}"
    async with Hub(arbor.url, TOKEN) as hub:
        task = await hub.run(*cells(key, TASK_BYTES), stdin="empty", if_offline="queue")

        async def watch() -> None:
            reader = CellReader(key)
            async with Hub(arbor.url, TOKEN) as own:
                async for item in (await own.task(task.id)).output():
                    reader.feed(getattr(item, "data", b""), getattr(item, "offset", None))
            assert reader.finish(TASK_BYTES) == []

        async with asyncio.TaskGroup() as group:
            for _ in range(VIEWERS):
                group.create_task(watch())
        assert (await task.wait()).status == "completed"
    if number % 10 == 0:
        arbor.kill_connector()


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_nothing_leaks(arbor: Arbor) -> None:
    for number in range(WARM_UP_ROUNDS):
        await one_round(arbor, -1 - number)
    assert arbor.hub is not None and arbor.daemon is not None
    pids = {"hub": arbor.hub.pid, "supervisor": arbor.daemon.pid}
    wait_until(lambda: arbor.connector_pid() is not None, "a connector")
    before = {name: (resident(pid), descriptors(pid)) for name, pid in pids.items()}

    end, rounds = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        rounds += 1
        await one_round(arbor, rounds)

    for name, pid in pids.items():
        judge(name, pid, *before[name], rounds)


def judge(name: str, pid: int, memory: int, files: int, rounds: int) -> None:
    """Descriptors are back where they were, memory is about where it was."""
    wait_until(lambda: descriptors(pid) <= files + 1, f"the {name}'s descriptors")
    growth = resident(pid) - memory
    print(f"{name}: {memory >> 10} KiB, {growth >> 10:+} KiB after {rounds} rounds")
    assert growth < ALLOWED_GROWTH_BYTES
