"""What the tasks of one account take, and what its daemons report, costs no other its history."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from arborlink.hub.live.clock import new_id, now_us
from arborlink.hub.live.output import TaskOutput
from arborlink.hub.service.retention import Retention, RetentionLimits
from arborlink.hub.store.base import WorkspaceRow
from arborlink.hub.store.base_access import UserRow
from arborlink.outputlog import OutputLog
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.limits import GIB, KIB, MIB
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon
from tests.hub.service.test_retention import SIZE, files, started

pytestmark = pytest.mark.asyncio

HOUR_US = 3_600 * 1_000_000
DAY_US = 24 * HOUR_US
DAYS = 30
YEAR_9999 = 253_402_300_799_000_000
# What a task takes with its output of SIZE bytes and its rows, about.
TASK_BYTES = SIZE + 8 * KIB


def retention(bench: Bench, size: int = 10**12, *, later: int = 0, **limits: int) -> Retention:
    """As the hub's own, with other limits, `later` µs from now."""
    kept = RetentionLimits(DAYS * 86_400, size, **limits)
    return bench.retention(kept, lambda: now_us() + later)


async def account(bench: Bench, name: str) -> str:
    """The id of a new member."""
    row = UserRow(id=new_id("usr"), username=name, role="member", created_at=now_us())
    return (await bench.hub.store.add_user(row)).id


async def machine(bench: Bench, owner_id: str, name: str = "w") -> DaemonIdentity:
    """A daemon of a new workspace of this account's."""
    row = WorkspaceRow(
        id=new_id("ws"), name=name, owner_id=owner_id, owner_name="", created_at=now_us()
    )
    row = await bench.hub.store.add_workspace(row)
    code = await bench.post(f"/api/workspaces/{row.id}/enrollment")
    given = await bench.post("/api/enroll", {"code": code["code"]})
    return DaemonIdentity(given["workspaceId"], given["daemonId"], given["authToken"])


async def end(bench: Bench, daemon: ScriptedDaemon, task: str, at: int, size: int = SIZE) -> None:
    """The task is over, at this time by the daemon's clock."""
    await daemon.ended(task, bytes(size), at=at)
    await daemon.settled(task)
    await bench.becomes(task, TaskStatus.COMPLETED)


@asynccontextmanager
async def neighbours(tmp_path: Path) -> AsyncIterator[tuple[Bench, ScriptedDaemon, str, list[str]]]:
    """The daemon and workspace of a hostile member, and three older tasks of another member's."""
    async with running_bench(tmp_path) as bench:
        theirs = await machine(bench, await account(bench, "neighbour"))
        ours = await machine(bench, await account(bench, "hostile"))
        async with bench.daemon(theirs) as daemon:
            history = [await started(bench, theirs, daemon) for _ in range(3)]
            for task in history:
                await end(bench, daemon, task, now_us())
        async with bench.daemon(ours) as daemon:
            yield bench, daemon, ours.workspace_id, history


def kept(output: TaskOutput) -> int:
    """How many bytes are kept of an output that is being written."""
    assert output.writer is not None
    return output.writer.stored_bytes


async def begin(bench: Bench, daemon: ScriptedDaemon, workspace_id: str) -> str:
    """A task of the hostile member's that runs and has written SIZE bytes."""
    return await started(bench, DaemonIdentity(workspace_id, "", ""), daemon)


@pytest.mark.parametrize("at", [YEAR_9999, 1, 0], ids=["year 9999", "year 1970", "no time"])
async def test_no_time_that_a_daemon_reports_moves_others_to_the_front(
    tmp_path: Path, at: int
) -> None:
    async with neighbours(tmp_path) as (bench, daemon, workspace_id, history):
        own = [await begin(bench, daemon, workspace_id) for _ in range(6)]
        for task in own:
            await end(bench, daemon, task, at)
        await retention(bench, 6 * TASK_BYTES).round()
        left = files(bench)
        assert set(history) <= left
        # Those of its own that ended first are gone, and no more of them than has to be.
        assert left - set(history) == set(own[-len(left - set(history)) :])
        assert len(left) == 6


async def test_an_end_in_the_far_future_is_not_kept_for_ever(tmp_path: Path) -> None:
    async with neighbours(tmp_path) as (bench, daemon, workspace_id, history):
        task = await begin(bench, daemon, workspace_id)
        before = now_us()
        await end(bench, daemon, task, YEAR_9999)
        row = bench.row(task)
        assert row.finished_at is not None and before <= row.finished_at <= now_us()
        assert row.reported_finished_at == YEAR_9999
        await retention(bench, later=DAYS * DAY_US - HOUR_US).round()
        assert task in files(bench)
        await retention(bench, later=DAYS * DAY_US + HOUR_US).round()
        assert not files(bench) & {task, *history}


async def test_what_runs_cannot_be_removed_and_pushes_no_other_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with neighbours(tmp_path) as (bench, daemon, workspace_id, history):
        running = [await begin(bench, daemon, workspace_id) for _ in range(10)]
        await retention(bench, 7 * TASK_BYTES).round()
        assert files(bench) == {*history, *running}
        assert "not over" in caplog.text


async def test_what_runs_keeps_no_more_than_the_share_of_its_account(tmp_path: Path) -> None:
    """Its outputs lose their middle, with a gap, and go on; the neighbour's do not."""
    size, frame = 3 * MIB, 256 * KIB
    async with neighbours(tmp_path) as (bench, daemon, workspace_id, history):
        running = [await begin(bench, daemon, workspace_id) for _ in range(2)]
        for task in running:
            for offset in range(SIZE, size, frame):
                await daemon.output(task, offset, bytes(min(frame, size - offset)))
                await daemon.acked(task, min(offset + frame, size))
        outputs = [bench.hub.daemons.outputs.get(task) for task in running]
        await retention(bench, 7 * MIB).round()
        assert not any(output.gaps() for output in outputs), "there is room"
        await retention(bench, 5 * MIB).round()
        # What is cut off is whole records: of the first, and at the other end.
        share = 5 * MIB // 4 + SIZE + frame
        await bench.until(lambda: all(kept(each) <= share for each in outputs), "the middle to go")
        for task in running:
            await daemon.ended(task, bytes(size))
            await daemon.settled(task)
            row = await bench.becomes(task, TaskStatus.COMPLETED)
            assert [gap.reason for gap in row.gaps] == ["size_limit"]
        assert set(history) <= files(bench)
        await retention(bench, 5 * MIB).round()
        assert files(bench) == {*history, *running}


async def test_an_account_that_is_alone_loses_nothing_of_what_runs(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await machine(bench, await account(bench, "alone"))
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            for offset in range(SIZE, 3 * MIB, SIZE):
                await daemon.output(task, offset, bytes(SIZE))
                await daemon.acked(task, offset + SIZE)
            output = bench.hub.daemons.outputs.get(task)
            await retention(bench, MIB).round()
            await bench.hub.daemons.flusher.flush()
            assert output.gaps() == [] and output.stored_limit == GIB
            await retention(bench, 10 * MIB, user_bytes=MIB).round()
            await bench.until(lambda: bool(output.gaps()), "the middle to go")
            # Once there is room again, all that comes is kept.
            await retention(bench, 10 * MIB).round()
            assert output.stored_limit == GIB


async def test_the_files_of_a_deleted_workspace_push_no_task_out(tmp_path: Path) -> None:
    async with neighbours(tmp_path) as (bench, daemon, workspace_id, history):
        for _ in range(10):
            await end(bench, daemon, await begin(bench, daemon, workspace_id), now_us())
        response = await bench.client.delete(f"/api/workspaces/{workspace_id}")
        assert response.status_code == 204
        assert len(files(bench)) == 13
        await retention(bench, 4 * TASK_BYTES).round()
        assert set(history) <= files(bench) and len(files(bench)) <= 4


async def test_tasks_without_output_take_room_of_their_own_account(tmp_path: Path) -> None:
    """A row counts with all its texts; a database of small tasks pushes no other's out."""
    async with neighbours(tmp_path) as (bench, daemon, workspace_id, history):
        own = []
        for n in range(20):
            task = await bench.create(workspace_id, "c", args=["a" * 60 * KIB, str(n)])
            await bench.becomes(task, TaskStatus.PENDING)
            own.append(task)
        for task in own[:16]:
            await daemon.ended(task, status=TaskStatus.FAILED, at=now_us())
            await daemon.settled(task)
        await retention(bench, 3 * TASK_BYTES + 12 * 60 * KIB).round()
        known = bench.hub.store.known_tasks([*history, *own])
        assert set(history) <= known and set(own[16:]) <= known
        assert 4 < len(known & set(own)) < 16


async def test_one_machine_pushes_no_other_of_the_same_account_out(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        owner_id = await account(bench, "mia")
        quiet, loud = [await machine(bench, owner_id, name) for name in ("quiet", "loud")]
        async with bench.daemon(quiet) as daemon:
            task = await started(bench, quiet, daemon)
            await end(bench, daemon, task, now_us())
        async with bench.daemon(loud) as daemon:
            own = [await started(bench, loud, daemon) for _ in range(6)]
            for each in own:
                await end(bench, daemon, each, YEAR_9999)
        await retention(bench, 3 * TASK_BYTES).round()
        assert files(bench) == {task, *own[-2:]}


@pytest.mark.parametrize("limit", ["user_bytes", "workspace_bytes"])
async def test_an_account_and_a_workspace_have_a_limit_of_their_own(
    tmp_path: Path, limit: str
) -> None:
    async with neighbours(tmp_path) as (bench, daemon, workspace_id, history):
        own = [await begin(bench, daemon, workspace_id) for _ in range(5)]
        for task in own:
            await end(bench, daemon, task, now_us())
        await retention(bench, **{limit: 4 * TASK_BYTES}).round()
        assert files(bench) == {*history, *own[1:]}


async def test_every_removal_is_a_line_of_the_log_and_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with neighbours(tmp_path) as (bench, daemon, workspace_id, _history):
        own = [await begin(bench, daemon, workspace_id) for _ in range(4)]
        for task in own:
            await end(bench, daemon, task, now_us())
        keeper = retention(bench, user_bytes=2 * TASK_BYTES)
        await keeper.round()
        lines = [record for record in caplog.records if record.message == "task removed"]
        gone = {record.__dict__["task"]: record.__dict__ for record in lines}
        assert set(own[:2]) <= gone.keys() and len(gone) == 3
        line, owner = gone[own[0]], bench.hub.store.workspace(workspace_id)
        assert owner is not None
        assert (line["workspace"], line["user"]) == (workspace_id, owner.owner_id)
        assert line["reason"] == "user" and SIZE <= line["bytes"] < TASK_BYTES
        assert keeper.removals.tasks == {"user": 3}
        assert keeper.removals.bytes["user"] == sum(each["bytes"] for each in gone.values())
    text = (tmp_path / "hub.sqlite3").read_bytes()
    assert own[0].encode() not in text, "what was deleted is overwritten"


async def test_thousands_of_removals_leave_others_their_turn(tmp_path: Path) -> None:
    """No step is longer than a batch: requests are answered in between."""
    async with neighbours(tmp_path) as (bench, _daemon, workspace_id, history):
        like = bench.row(history[0])
        made = [
            msgspec.structs.replace(like, id=new_id("tsk"), workspace_id=workspace_id)
            for _ in range(2_000)
        ]
        await asyncio.gather(*map(bench.hub.store.add_task, made))
        removing = asyncio.create_task(retention(bench, 7 * TASK_BYTES).round())
        answered = 0
        while not removing.done():
            assert (await bench.client.get("/api/tasks?limit=1")).status_code == 200
            answered += 1
        await removing
        assert answered > 3
        known = bench.hub.store.known_tasks([*history, *(row.id for row in made)])
        assert set(history) <= known and len(known) < 1_000


async def test_files_of_no_task_that_are_young_stay_while_there_is_room(tmp_path: Path) -> None:
    async with neighbours(tmp_path) as (bench, _daemon, _workspace_id, history):
        stem = bench.hub.daemons.outputs.stem(new_id("tsk"))
        stem.parent.mkdir(exist_ok=True)
        OutputLog.create(stem, "0" * 32).close()
        assert stem.with_suffix(".idx").stat().st_mtime <= time.time()
        await retention(bench).round()
        assert files(bench) == {*history, stem.name}


async def test_what_the_hub_itself_removes_is_a_figure(tmp_path: Path) -> None:
    async with running_bench(tmp_path, retention_bytes=2 * TASK_BYTES) as bench:
        identity = await machine(bench, await account(bench, "mia"))
        async with bench.daemon(identity) as daemon:
            for task in [await started(bench, identity, daemon) for _ in range(4)]:
                await end(bench, daemon, task, now_us())
        await bench.hub.retention.round()
        text = (await bench.client.get("/metrics")).text
        assert 'arbor_removed_tasks_total{cause="total"} 2.0' in text
        assert 'arbor_removed_tasks_total{cause="age"} 0.0' in text
        (size,) = re.findall(r'arbor_removed_bytes_total{cause="total"} (\S+)', text)
        assert 2 * SIZE <= float(size) < 2 * TASK_BYTES
