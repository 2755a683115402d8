"""A disk that is nearly full: nothing new is taken, nothing accepted is lost (G30)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from arborlink.hub.live.reserve import Reserve
from arborlink.protocol import limits
from arborlink.protocol.errors import StorageLow
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Ack, Command
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, spooled

pytestmark = pytest.mark.asyncio

MIB = 1024 * 1024
NEEDED = 100 * MIB


class Disk:
    """A disk with as much room as a test says."""

    def __init__(self, free: int = 1000 * MIB) -> None:
        self.free = free

    def look(self, _folder: Path) -> int:
        return self.free


@asynccontextmanager
async def small_disk(folder: Path) -> AsyncIterator[tuple[Bench, Disk, DaemonIdentity]]:
    """A hub on such a disk, and a daemon's identity."""
    disk = Disk()
    async with running_bench(folder, min_free_disk_bytes=NEEDED) as bench:
        bench.hub.reserve.free = disk.look
        await bench.hub.reserve.look()
        yield bench, disk, await bench.enrolled()


async def becomes(bench: Bench, disk: Disk, free: int) -> None:
    """The disk has so much room, and the hub has seen it."""
    disk.free = free
    await bench.hub.reserve.look()


async def test_new_tasks_are_refused_by_name_until_there_is_room(tmp_path: Path) -> None:
    async with small_disk(tmp_path) as (bench, disk, identity):
        await becomes(bench, disk, NEEDED - 1)
        path = f"/api/workspaces/{identity.workspace_id}/tasks"
        body = {"command": "true", "ifOffline": "queue"}
        problem = await bench.post(path, body, 507)
        assert problem["code"] == "storage_low"
        assert f"{NEEDED - 1} bytes free" in problem["detail"]
        ready = await bench.client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["disk"]["ok"] is False
        assert f"{NEEDED - 1} bytes free" in ready.json()["reasons"][0]
        # Not at the first byte: it would come and go.
        await becomes(bench, disk, NEEDED)
        await bench.post(path, body, 507)
        await becomes(bench, disk, 2 * NEEDED)
        await bench.post(path, body)
        assert (await bench.client.get("/readyz")).status_code == 200


async def test_daemons_keep_their_output_meanwhile(tmp_path: Path) -> None:
    async with small_disk(tmp_path) as (bench, disk, identity):
        async with bench.daemon(identity) as daemon:
            task = await bench.create(identity.workspace_id)
            await daemon.expect(Command)
            await daemon.running(task)
            await daemon.output(task, 0, b"before ")
            await daemon.acked(task, 7)
            await becomes(bench, disk, 0)
            assert (await daemon.expect(Ack)).credit == 0
            # What was on its way is taken, and the end of a task as well.
            await daemon.output(task, 7, b"on its way")
            assert (await daemon.acked(task, 17)).credit == 0
        async with bench.daemon(identity, tasks=[spooled(task, 30)]) as daemon:
            assert daemon.positions() == {task: 17}
            assert daemon.welcome.tasks[0].credit == 0
            await becomes(bench, disk, 2 * NEEDED)
            ack = await daemon.expect(Ack)
            assert (ack.offset, ack.credit) == (17, limits.TASK_UNACKNOWLEDGED_BYTES)
            await daemon.output(task, 17, b", after")
            await daemon.ended(task, b"before on its way, after")
            await daemon.settled(task)
        assert bench.row(task).status is TaskStatus.COMPLETED


async def test_waiting_tasks_are_handed_over_when_there_is_room(tmp_path: Path) -> None:
    async with small_disk(tmp_path) as (bench, disk, identity):
        task = await bench.create(identity.workspace_id)
        await becomes(bench, disk, 0)
        async with bench.daemon(identity) as daemon:
            await daemon.settle()
            assert bench.row(task).instance_id is None
            await becomes(bench, disk, 2 * NEEDED)
            assert (await daemon.expect(Command)).task_id == task


async def test_a_disk_that_cannot_be_looked_at_is_low(tmp_path: Path) -> None:
    def gone(folder: Path) -> int:
        raise FileNotFoundError(2, "No such file or directory", str(folder))

    changes: list[str | None] = []
    reserve = Reserve(tmp_path, NEEDED, free=gone)

    async def note() -> None:
        changes.append(reserve.reason)

    reserve.on_change = note
    for _ in range(2):
        await reserve.look()
        with pytest.raises(StorageLow, match="cannot be looked at"):
            reserve.check()
    reserve.free = lambda _: 2 * NEEDED
    await reserve.look()
    reserve.check()
    assert [change is None for change in changes] == [False, True]
