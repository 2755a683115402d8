"""An output beyond its limit keeps its beginning and its end, and says exactly what is between."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Ack, Command, Gap, Output, ViewerAck
from arborlink.protocol.resources import GapInfo
from arborlink.testing.cells import stream
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon, ScriptedViewer, spooled

pytestmark = pytest.mark.asyncio

MIB = 1024 * 1024
FRAME = 64 * 1024
LIMIT = MIB


def cells(start: int, end: int) -> bytes:
    """Bytes that say themselves which they are."""
    return stream("long", start, end)


async def write(daemon: ScriptedDaemon, task: str, start: int, end: int) -> None:
    """Send output as fast as the hub makes it durable."""
    for offset in range(start, end, FRAME):
        await daemon.output(task, offset, cells(offset, min(end, offset + FRAME)), time=offset)
        await daemon.acked(task, min(end, offset + FRAME))


async def started(bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon) -> str:
    """A task that runs."""
    task = await bench.create(identity.workspace_id)
    await daemon.expect(Command, lambda command: command.task_id == task)
    await daemon.running(task)
    return task


async def read_with_gaps(viewer: ScriptedViewer, task: str, end: int) -> list[Gap]:
    """Read everything up to `end`, each byte of it either exact or in a gap; the gaps."""
    at, gaps = 0, list[Gap]()
    while at < end:
        message = await viewer.receive()
        if isinstance(message, Gap):
            assert message.start == at
            at = message.end
            gaps.append(message)
        elif isinstance(message, Output):
            assert message.offset == at
            assert message.output == cells(at, at + len(message.output))
            at += len(message.output)
            await viewer.send(ViewerAck(task_id=task, offset=at))
    return gaps


async def check(bench: Bench, task: str, end: int) -> GapInfo:
    """The output is exact but for one declared gap; that gap."""
    (gap,) = bench.row(task).gaps
    assert gap.reason == "size_limit"
    assert LIMIT // 16 <= gap.start < LIMIT // 16 + FRAME
    assert end - LIMIT <= gap.end <= end - LIMIT + 3 * LIMIT // 16 + FRAME
    response = await bench.client.get(f"/api/tasks/{task}/output")
    assert response.headers["Arbor-Gaps"] == f"{gap.start}-{gap.end};size_limit"
    expected = cells(0, gap.start) + bytes(gap.end - gap.start) + cells(gap.end, end)
    assert response.content == expected
    return gap


async def test_the_middle_is_dropped_and_the_end_is_verified(tmp_path: Path) -> None:
    end = 5 * MIB + 1000
    async with running_bench(tmp_path, stored_output_bytes_per_task=LIMIT) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
            task = await started(bench, identity, daemon)
            await write(daemon, task, 0, end)
            stem = bench.hub.daemons.outputs.stem(task)
            assert stem.with_suffix(".log").stat().st_blocks * 512 <= LIMIT + 2 * FRAME
            running = await bench.task(task)
            assert [gap["reason"] for gap in running["gaps"]] == ["size_limit"]
            await viewer.subscribe(task)
            shown = await read_with_gaps(viewer, task, end)
            await daemon.ended(task, cells(0, end))
            await daemon.settled(task)
            assert bench.row(task).status is TaskStatus.COMPLETED
        gap = await check(bench, task, end)
        # What is dropped grows behind the acknowledgement: a viewer may have been there before.
        assert shown[0].start == gap.start
        assert all(gap.start <= each.start < each.end <= gap.end for each in shown)


async def test_a_wrong_byte_is_noticed_although_it_was_dropped(tmp_path: Path) -> None:
    async with running_bench(tmp_path, stored_output_bytes_per_task=LIMIT) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            await write(daemon, task, 0, 3 * MIB)
            flipped = bytearray(cells(0, 3 * MIB))
            flipped[MIB] ^= 1
            await daemon.ended(task, bytes(flipped))
            await daemon.settled(task)
            row = bench.row(task)
    assert (row.status, row.reason) == (TaskStatus.FAILED, "corrupt_output")


async def test_a_restart_in_the_middle_of_it_loses_and_repeats_nothing(tmp_path: Path) -> None:
    end = 0
    async with running_bench(tmp_path, stored_output_bytes_per_task=LIMIT) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            await write(daemon, task, 0, 2 * MIB)
            end = 2 * MIB
    for _ in range(3):
        async with running_bench(tmp_path, stored_output_bytes_per_task=LIMIT) as bench:
            async with bench.daemon(identity, tasks=[spooled(task, end)]) as daemon:
                (position,) = daemon.welcome.tasks
                assert position.offset == end
                assert position.checksum == f"crc32:{zlib.crc32(cells(0, end)):08x}"
                await write(daemon, task, end, end + MIB)
                end += MIB
    async with running_bench(tmp_path, stored_output_bytes_per_task=LIMIT) as bench:
        async with bench.daemon(identity, tasks=[spooled(task, end)]) as daemon:
            await daemon.ended(task, cells(0, end))
            await daemon.expect(Ack, lambda ack: ack.settled)
            assert bench.row(task).status is TaskStatus.COMPLETED
        await check(bench, task, end)
