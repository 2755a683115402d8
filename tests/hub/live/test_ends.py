"""A task is over only when its status says so, and that only when the bytes are there (rule 3)."""

from __future__ import annotations

from typing import Any

import pytest

from arborlink.hub.live.clock import now_us
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Ack, Status, TaskStatusChanged
from tests.hub.live.bench import Bench
from tests.hub.live.peers import DaemonIdentity, spooled
from tests.hub.live.test_output import handed

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_end_with_every_byte_and_the_right_checksum_completes(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        await viewer.subscribe(task)
        await daemon.running(task)
        await viewer.status(task, TaskStatus.RUNNING)
        await daemon.output(task, 0, b"out")
        await daemon.output(task, 3, b"err", is_error=True)
        await daemon.ended(task, b"outerr")
        ack = await daemon.settled(task)
        assert ack == Ack(task_id=task, offset=6, credit=0, settled=True)
        fact = await viewer.status(task, TaskStatus.COMPLETED)
        assert fact.final_offset == 6
    shown = await bench.task(task)
    assert (shown["status"], shown["exitCode"], shown["outputSize"]) == ("completed", 0, 6)
    assert shown["startedAt"] and shown["finishedAt"]


@pytest.mark.parametrize(
    "changes",
    [{"checksum": "crc32:00000000"}, {"final_offset": 2}],
    ids=["wrong checksum", "final offset below what arrived"],
)
async def test_an_end_that_does_not_fit_the_output_is_never_green(
    bench: Bench, identity: DaemonIdentity, changes: dict[str, Any]
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
        await daemon.ended(task, b"abc", **changes)
        await daemon.settled(task)
    shown = await bench.task(task)
    assert (shown["status"], shown["reason"]) == ("failed", "corrupt_output")
    assert shown["error"] and shown["outputSize"] == 3
    assert await bench.stored(task) == b"abc"


async def test_an_end_waits_for_its_bytes(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.ended(task, b"abcdef")
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
        await daemon.settle()
        assert not any(ack.settled for ack in daemon.seen(Ack))
        assert (await bench.task(task))["status"] == "pending"
        await daemon.output(task, 3, b"def")
        await daemon.settled(task)
    assert bench.row(task).status is TaskStatus.COMPLETED


async def test_an_end_that_waits_for_its_first_byte_survives_somebody_looking(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        await daemon.ended(task, b"abc")
        outputs = bench.hub.daemons.outputs
        await bench.until(lambda: (o := outputs.find(task)) is not None and o.ending is not None)
        assert await bench.stored(task) == b""
        await viewer.subscribe(task)
        await viewer.settle()
        await viewer.socket.close()
        await daemon.output(task, 0, b"abc")
        await daemon.settled(task)
    assert bench.row(task).status is TaskStatus.COMPLETED


async def test_a_repeated_end_is_acknowledged_as_settled_and_changes_nothing(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.ended(task)
        await daemon.settled(task)
        before = bench.row(task)
        await daemon.ended(task, b"other", TaskStatus.FAILED)
        await daemon.settled(task)
        async with bench.daemon(identity, tasks=[spooled(task, 0)]) as again:
            await again.ended(task)
            await again.settled(task)
    assert bench.row(task) == before


async def test_a_command_without_output_completes(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.ended(task)
        await daemon.settled(task)
    assert (await bench.task(task))["outputSize"] == 0
    assert await bench.stored(task) == b""


async def test_a_start_that_is_reported_again_changes_nothing(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        await viewer.subscribe(task)
        await daemon.running(task)
        await viewer.status(task, TaskStatus.RUNNING)
        await daemon.running(task)
        await daemon.ended(task)
        await viewer.status(task, TaskStatus.COMPLETED)
        repeated = [f for f in viewer.seen(TaskStatusChanged) if f.status is TaskStatus.RUNNING]
        assert not repeated
        await daemon.running(task)
        await daemon.settle()
    assert bench.row(task).status is TaskStatus.COMPLETED


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (TaskStatus.FAILED, {"reason": "exit_code", "exit_code": 3}),
        (TaskStatus.FAILED, {"reason": "policy", "error": "forbidden here"}),
        (TaskStatus.CANCELLED, {"reason": "cancelled", "signal": 15}),
        (TaskStatus.LOST, {"reason": "daemon_restarted"}),
    ],
    ids=["exit code", "policy", "cancelled", "lost"],
)
async def test_every_way_to_end_is_stored_as_reported(
    bench: Bench, identity: DaemonIdentity, status: TaskStatus, changes: dict[str, Any]
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"abc")
        await daemon.ended(task, b"abc", status, **changes)
        await daemon.settled(task)
    row = bench.row(task)
    assert row.status is status
    assert {name: getattr(row, name) for name in changes} == changes


@pytest.mark.parametrize("status", [TaskStatus.PENDING, TaskStatus.EXPIRED])
async def test_what_a_daemon_cannot_know_is_refused(
    bench: Bench, identity: DaemonIdentity, status: TaskStatus
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.send(Status(task_id=task, status=status))
        assert (await daemon.closed()).code == 4400
    assert bench.row(task).status is TaskStatus.PENDING


async def test_an_end_makes_room_for_the_next_task(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon:
        for _ in range(20):
            task = await handed(bench, identity, daemon)
            await daemon.ended(task)
            await daemon.settled(task)
    assert bench.hub.store.task_counts(identity.workspace_id).dispatched == 0
    assert bench.hub.daemons.outputs.find(task) is None


YEAR_9999 = 253_402_300_799_000_000
HOUR_US = 3_600 * 1_000_000


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (YEAR_9999, YEAR_9999),
        (YEAR_9999, 1),
        (1, YEAR_9999),
        (0, 0),
        (HOUR_US, -HOUR_US),
        (-HOUR_US, -2 * HOUR_US),
        (2 * HOUR_US, HOUR_US),
    ],
    ids=["9999", "backwards", "forever", "1970", "end before start", "early", "late"],
)
async def test_a_task_starts_and_ends_when_that_can_be(
    bench: Bench, identity: DaemonIdentity, start: int, end: int
) -> None:
    """In the order made, started, ended, heard of; `start` and `end` below an hour: from now."""

    def at(time: int) -> int:
        return now_us() + time if abs(time) <= 2 * HOUR_US and time not in (0, 1) else time

    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        reported = at(end)
        await daemon.send(Status(task_id=task, status=TaskStatus.RUNNING, at=at(start)))
        await bench.becomes(task, TaskStatus.RUNNING)
        await daemon.ended(task, at=reported)
        await daemon.settled(task)
        row = await bench.becomes(task, TaskStatus.COMPLETED)
    assert row.started_at is not None and row.finished_at is not None
    assert row.created_at <= row.started_at <= row.finished_at <= now_us()
    assert row.reported_finished_at == reported


@pytest.mark.parametrize("minutes", [-90, -0.5, 0, 0.5, 90])
async def test_a_daemons_clock_does_not_count(
    bench: Bench, identity: DaemonIdentity, minutes: float
) -> None:
    """Ahead or behind: in order, and the daemon's own times are kept beside."""

    def theirs() -> int:
        return now_us() + round(minutes * 60_000_000)

    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        began = theirs()
        start = Status(task_id=task, status=TaskStatus.RUNNING, at=began, sent_at=theirs())
        await daemon.send(start)
        started = await bench.becomes(task, TaskStatus.RUNNING)
        ended = theirs()
        await daemon.ended(task, at=ended, sent_at=theirs())
        await daemon.settled(task)
        row = await bench.becomes(task, TaskStatus.COMPLETED)
    assert row.started_at is not None and row.finished_at is not None
    assert row.created_at <= row.started_at <= row.finished_at <= now_us()
    assert row.started_at == started.started_at
    reported = (began, ended) if minutes else (None, None)
    assert (row.reported_started_at, row.reported_finished_at) == reported
    shown = (await bench.client.get(f"/api/tasks/{task}")).json()
    assert (shown["reportedFinishedAt"] is None) == (not minutes)
    assert shown["createdAt"] <= shown["startedAt"] <= shown["finishedAt"]


async def test_an_end_that_can_be_is_as_its_daemon_says(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """A daemon that was away tells hours later when its task ended."""
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        started = now_us()
        await daemon.send(Status(task_id=task, status=TaskStatus.RUNNING, at=started))
        await bench.becomes(task, TaskStatus.RUNNING)
        ended = now_us()
        await daemon.ended(task, at=ended)
        await daemon.settled(task)
        row = await bench.becomes(task, TaskStatus.COMPLETED)
    assert (row.started_at, row.finished_at, row.reported_finished_at) == (started, ended, None)
