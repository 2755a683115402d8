"""What was kept long enough goes, the first to have ended first; what is not over stays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from arborlink.hub.live.clock import now_us
from arborlink.hub.service.retention import ORPHAN_SECONDS, Retention, RetentionLimits
from arborlink.outputlog import OutputLog
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Command, ErrorMessage, Output
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon

pytestmark = pytest.mark.asyncio

DAY_US = 86_400 * 1_000_000
SIZE = 200_000


def retention(bench: Bench, *, days: float = 1, size: int = 10**9, later: int = 0) -> Retention:
    """As the hub's own, with other limits, `later` µs from now."""
    limits = RetentionLimits(days * 86_400, size)
    return bench.retention(limits, lambda: now_us() + later)


async def started(bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon) -> str:
    """A task that runs and has written something."""
    task = await bench.create(identity.workspace_id)
    await daemon.expect(Command, lambda command: command.task_id == task)
    await daemon.running(task)
    await daemon.output(task, 0, bytes(SIZE))
    await daemon.acked(task, SIZE)
    return task


async def finish(bench: Bench, daemon: ScriptedDaemon, tasks: Sequence[str]) -> None:
    """The tasks end, one after another."""
    for task in tasks:
        await daemon.ended(task, bytes(SIZE), at=now_us())
        await daemon.settled(task)
        await bench.becomes(task, TaskStatus.COMPLETED)


def files(bench: Bench) -> set[str]:
    """The tasks that have files."""
    return {path.stem for path in bench.hub.daemons.outputs.folder.glob("*/*")}


async def test_old_tasks_go_and_running_ones_stay(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            ended, running = [await started(bench, identity, daemon) for _ in range(2)]
            await finish(bench, daemon, [ended])
            await retention(bench).round()
            assert files(bench) == {ended, running}
            await retention(bench, later=2 * DAY_US).round()
            assert files(bench) == {running}
            for path in ("", "/output", "/segments"):
                response = await bench.client.get(f"/api/tasks/{ended}{path}")
                assert response.status_code == 404
            assert bench.row(running).status is TaskStatus.RUNNING
            await daemon.output(running, SIZE, b"more")
            await daemon.acked(running, SIZE + 4)


async def test_a_daemon_with_a_slow_clock_does_not_lose_its_tasks(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            await daemon.ended(task, bytes(SIZE), at=1)
            await daemon.settled(task)
            await retention(bench).round()
            assert files(bench) == {task}


async def test_the_first_to_end_go_when_there_is_too_much(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            tasks = [await started(bench, identity, daemon) for _ in range(5)]
            first, second, running, fourth, fifth = tasks
            await finish(bench, daemon, [fourth, second, first, fifth])
            await retention(bench, size=4 * SIZE).round()
            assert files(bench) == {first, running, fifth}
            await retention(bench, size=1).round()
            assert files(bench) == {running}
            assert bench.hub.store.known_tasks(tasks) == {running}


async def test_who_follows_a_task_that_goes_is_told(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
            task = await started(bench, identity, daemon)
            await finish(bench, daemon, [task])
            await viewer.subscribe(task)
            await viewer.expect(Output)
            await retention(bench, later=2 * DAY_US).round()
            error = await viewer.expect(ErrorMessage)
            assert (error.code, error.ref) == ("task_removed", task)
            await viewer.subscribe(task)
            assert (await viewer.expect(ErrorMessage)).code == "not_found"
            assert bench.hub.daemons.outputs.find(task) is None


async def test_files_without_a_task_go_after_a_while(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            stem = bench.hub.daemons.outputs.stem("tsk_gone")
            stem.parent.mkdir(exist_ok=True)
            OutputLog.create(stem, "0" * 32).close()
            await retention(bench).round()
            assert files(bench) == {task, "tsk_gone"}
            for path in stem.parent.iterdir():
                state = path.stat()
                os.utime(path, (state.st_atime, state.st_mtime - 2 * ORPHAN_SECONDS))
            await retention(bench).round()
            assert files(bench) == {task}


async def test_a_crash_between_row_and_files_leaves_files_only(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            assert await bench.hub.store.delete_tasks([task]) == set()
            await finish(bench, daemon, [task])
            assert await bench.hub.store.delete_tasks([task]) == {task}
            assert await bench.hub.store.delete_tasks([task]) == set()
    async with running_bench(tmp_path) as bench:
        assert files(bench) == {task}
        await retention(bench, later=2 * DAY_US).round()
        assert files(bench) == set()
