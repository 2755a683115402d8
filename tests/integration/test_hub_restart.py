"""The hub goes and comes back on the same data, in the middle of tasks; nobody misses a byte."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from arborlink.outputlog import LogReader
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Command, Output, TaskStatusChanged, ViewerAck
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import (
    Closed,
    DaemonIdentity,
    Peer,
    ScriptedDaemon,
    ScriptedViewer,
    spooled,
)
from tests.ports import free_port

KIB = 1024


def cells(size: int) -> bytes:
    """Bytes of which every stretch says where it is from."""
    return b"".join(b"%07d\n" % number for number in range(size // 8))


async def start(bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon) -> str:
    task = await bench.create(identity.workspace_id)
    await daemon.expect(Command, lambda command: command.task_id == task)
    await daemon.running(task)
    await bench.becomes(task, TaskStatus.RUNNING)
    return task


async def send_from(daemon: ScriptedDaemon, task: str, output: bytes, until: int) -> None:
    """What the hub does not have yet, up to an offset."""
    offset = daemon.positions().get(task, 0)
    for at in range(offset, until, 32 * KIB):
        await daemon.output(task, at, output[at : min(until, at + 32 * KIB)])
    await daemon.acked(task, until)


async def test_a_task_goes_on_exactly_over_any_number_of_restarts(tmp_path: Path) -> None:
    output = cells(640 * KIB)
    task, seen, port = "", b"", free_port()
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
    for turn in range(1, 6):
        until = len(output) * turn // 5
        async with running_bench(tmp_path, port=port) as bench:
            journal = [spooled(task, until)] if task else []
            async with (
                bench.daemon(identity, tasks=journal) as daemon,
                bench.viewer() as viewer,
            ):
                if not task:
                    task = await start(bench, identity, daemon)
                await viewer.subscribe(task, len(seen))
                await send_from(daemon, task, output, until)
                seen += await viewer.read(task, until - len(seen))
                if turn == 5:
                    await daemon.ended(task, output)
                    await daemon.settled(task)
                    await viewer.status(task, TaskStatus.COMPLETED)
    assert seen == output
    async with running_bench(tmp_path) as bench:
        assert await bench.stored(task) == output
        assert (await bench.task(task))["outputSize"] == len(output)


async def test_a_drain_asks_every_peer_to_come_back_soon_and_takes_nothing_new(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with (
            bench.daemon(identity) as daemon,
            bench.viewer() as viewer,
            bench.viewer(json=True) as other,
            asyncio.TaskGroup() as group,
        ):
            task = await start(bench, identity, daemon)
            await viewer.subscribe(task)
            closes = [group.create_task(peer.closed()) for peer in (daemon, viewer, other)]
            await bench.hub.drain()
            # It was over because they had gone, and not because its own time was.
            assert not bench.hub.sockets.sessions
            for close in closes:
                assert await close == Closed(1012, "the hub is restarting; retry in 1 seconds")
            body = {"command": "true"}
            path = f"/api/workspaces/{identity.workspace_id}/tasks"
            assert (await bench.post(path, body, status=503))["code"] == "unavailable"
            assert bench.row(task).status is TaskStatus.RUNNING


async def test_whatever_arrived_before_a_stop_is_on_disk_after_it(tmp_path: Path) -> None:
    output = cells(256 * KIB)
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await start(bench, identity, daemon)
            for at in range(0, len(output), 32 * KIB):
                await daemon.output(task, at, output[at : at + 32 * KIB])
            await daemon.settle()
            await bench.hub.drain()
        stem = bench.hub.daemons.outputs.stem(task)
    with LogReader(stem) as reader:
        assert reader.end() == len(output)
    async with running_bench(tmp_path) as bench:
        async with bench.daemon(identity, tasks=[spooled(task, len(output))]) as daemon:
            assert daemon.positions() == {task: len(output)}
            await daemon.ended(task, output)
            await daemon.settled(task)


async def test_the_first_logs_of_a_hub_are_durable_by_name_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power loss must not take the folder of a log whose bytes were acknowledged."""
    real, synced = os.fsync, set[str]()

    def noting(fd: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{fd}"))
        real(fd)

    monkeypatch.setattr(os, "fsync", noting)
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await start(bench, identity, daemon)
            await daemon.output(task, 0, b"abc")
            await daemon.acked(task, 3)
            folder = bench.hub.daemons.outputs.stem(task).parent
    assert {str(folder), str(folder.parent), str(folder.parent.parent)} <= synced


async def test_tasks_that_wait_outlive_the_hub_and_are_handed_over_in_order(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        tasks = [await bench.create(identity.workspace_id) for _ in range(3)]
    async with running_bench(tmp_path) as bench, bench.daemon(identity) as daemon:
        handed = [(await daemon.expect(Command)).task_id for _ in tasks]
        assert handed == tasks


async def test_a_workspace_whose_hub_was_away_is_unreachable_and_its_tasks_believed_running(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await start(bench, identity, daemon)
    async with running_bench(tmp_path) as bench:
        shown = (await bench.client.get(f"/api/workspaces/{identity.workspace_id}")).json()
        assert shown["state"] == "unreachable" and shown["since"]
        assert (await bench.task(task))["status"] == "running"


async def test_a_storm_of_cuts_on_every_side_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Daemon and viewers are cut in the middle of frames that are on their way, again and again."""
    output = cells(512 * KIB)
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await start(bench, identity, daemon)
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(read_all(bench, task, cut)) for cut in (0, 3, 7)]
            group.create_task(write_all(bench, identity, task, output))
    assert [reader.result() for reader in readers] == [output] * 3


async def write_all(bench: Bench, identity: DaemonIdentity, task: str, output: bytes) -> None:
    """A daemon that is cut after every few frames, without having heard of any of them."""
    position = 0
    while position < len(output):
        journal = [spooled(task, len(output))]
        async with bench.daemon(identity, tasks=journal) as daemon:
            position = daemon.positions()[task]
            for at in range(position, min(position + 40 * KIB, len(output)), 4 * KIB):
                await daemon.output(task, at, output[at : at + 4 * KIB])
            if position < len(output):
                await daemon.settle()
                cut(daemon)
                continue
            await daemon.ended(task, output)
            await daemon.settled(task)


async def read_all(bench: Bench, task: str, cut_after: int) -> bytes:
    """What a viewer sees that is cut after so many frames, and comes back where it was."""
    seen, over = b"", False
    while not over:
        async with bench.viewer() as viewer:
            await viewer.subscribe(task, len(seen), window=64 * KIB)
            more, over = await read_some(viewer, task, len(seen), cut_after)
            seen += more
            cut(viewer)
    return seen


async def read_some(
    viewer: ScriptedViewer, task: str, start: int, frames: int
) -> tuple[bytes, bool]:
    """So many frames (0: all there are), and whether that was the end of the task."""
    seen, count, end = b"", 0, None
    while (not frames or count < frames) and (end is None or start + len(seen) < end):
        message = await viewer.receive()
        if isinstance(message, TaskStatusChanged) and message.status is TaskStatus.COMPLETED:
            end = message.final_offset
        elif isinstance(message, Output):
            assert message.offset == start + len(seen)
            seen += message.output
            count += 1
            await viewer.send(ViewerAck(task_id=task, offset=start + len(seen)))
    return seen, end is not None and start + len(seen) == end


def cut(peer: Peer) -> None:
    peer.socket.transport.abort()
