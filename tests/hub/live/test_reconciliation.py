"""What a daemon that comes back is asked for, is given, and is told to forget."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from arborlink.hub.store.base import TaskChanges
from arborlink.protocol.lifecycle import TaskEvent, TaskStatus
from arborlink.protocol.messages import Cancel, Command, Gap, Input, Status
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, daemon_auth, dialled_daemon, spooled

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER_LOG_ID = "f" * 32


async def started(
    bench: Bench, identity: DaemonIdentity, output: bytes = b"", *, beside: Sequence[str] = ()
) -> str:
    """A task that was started on a connection that is gone; `beside`: others that run."""
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity, tasks=[spooled(other) for other in beside]) as daemon:
        await daemon.expect(Command, lambda command: command.task_id == task)
        await daemon.running(task)
        if output:
            await daemon.output(task, 0, output)
            await daemon.acked(task, len(output))
        await bench.becomes(task, TaskStatus.RUNNING)
    await bench.until(lambda: not bench.connected(identity.workspace_id))
    return task


async def test_a_known_task_goes_on_at_the_durable_offset(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await started(bench, identity, b"abc")
    async with bench.daemon(identity, tasks=[spooled(task, 6)]) as daemon:
        (position,) = daemon.welcome.tasks
        assert (position.task_id, position.offset) == (task, 3)
        assert position.credit == 4 * 1024 * 1024
        assert position.checksum == "crc32:352441c2"


async def test_a_command_is_sent_again_only_to_the_supervisor_that_never_heard_of_it(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        await daemon.expect(Command)
    async with bench.daemon(identity) as same:
        assert (await same.expect(Command)).task_id == task
    async with bench.daemon(identity, tasks=[spooled(task)]) as journalled:
        await journalled.settle()
        assert not journalled.seen(Command)
    async with bench.daemon(identity, instance="i2") as other:
        await other.settle()
        assert not other.seen(Command)
    assert bench.row(task).status is TaskStatus.LOST


async def test_what_never_started_is_handed_over_again_with_its_input(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        await daemon.expect(Command)
        await bench.post(f"/api/tasks/{task}/input", {"text": "abc"}, status=200)
    auth = daemon_auth(identity, instance="i2", never_started=[task, "tsk_other"])
    async with dialled_daemon(bench.port, auth) as other:
        assert (await other.expect(Command)).task_id == task
        assert (await other.expect(Input)).input == b"abc"
    # The same instance says so again, for its connector knows no better: it was told already.
    async with dialled_daemon(bench.port, auth) as same:
        assert (await same.expect(Command)).task_id == task
        await same.running(task)
        await bench.becomes(task, TaskStatus.RUNNING)
    later = daemon_auth(identity, instance="i3", never_started=[task])
    async with dialled_daemon(bench.port, later) as third:
        await third.settle()
        assert not third.seen(Command)
    assert bench.row(task).status is TaskStatus.LOST


async def test_what_never_started_and_is_to_be_cancelled_is(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        await daemon.expect(Command)
    await bench.post(f"/api/tasks/{task}/cancel", status=200)
    auth = daemon_auth(identity, instance="i2", never_started=[task])
    async with dialled_daemon(bench.port, auth) as other:
        await other.settle()
        assert not other.seen(Command)
    assert bench.row(task).status is TaskStatus.CANCELLED


async def test_a_task_that_a_new_supervisor_still_has_can_report_its_own_loss(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await started(bench, identity, b"abc")
    journal = [spooled(task, 6, status=TaskStatus.LOST)]
    async with bench.daemon(identity, instance="i2", tasks=journal) as daemon:
        assert daemon.positions() == {task: 3}
        await daemon.output(task, 3, b"def")
        await daemon.ended(task, b"abcdef", TaskStatus.LOST, reason="daemon_restarted")
        await daemon.settled(task)
    row = bench.row(task)
    assert (row.status, row.reason) == (TaskStatus.LOST, "daemon_restarted")
    assert await bench.stored(task) == b"abcdef"


async def test_unknown_foreign_and_finished_tasks_are_not_asked_for(
    bench: Bench, identity: DaemonIdentity
) -> None:
    other = await bench.enrolled()
    foreign = await bench.create(other.workspace_id)
    over = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        await daemon.expect(Command)
        await daemon.ended(over)
        await daemon.settled(over)
    journal = [spooled("tsk_unknown", 5), spooled(foreign, 5), spooled(over, 5)]
    async with bench.daemon(identity, tasks=journal) as daemon:
        assert daemon.positions() == {}
        await daemon.ended(over)
        await daemon.settled(over)
    assert bench.row(foreign).status is TaskStatus.PENDING


async def test_two_logs_are_never_joined(bench: Bench, identity: DaemonIdentity) -> None:
    task = await started(bench, identity, b"abc")
    journal = [spooled(task, 6, log_id=OTHER_LOG_ID)]
    async with bench.daemon(identity, tasks=journal) as daemon:
        assert daemon.positions() == {}
    row = bench.row(task)
    assert (row.status, row.reason) == (TaskStatus.LOST, "corrupt_output")
    assert await bench.stored(task) == b"abc"


async def test_two_logs_are_not_joined_either_when_an_older_database_forgot_the_first(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await started(bench, identity, b"abc")
    await bench.hub.store._execute("UPDATE tasks SET log_id = NULL WHERE id = :id", {"id": task})
    journal = [spooled(task, 6, log_id=OTHER_LOG_ID)]
    async with bench.daemon(identity, tasks=journal) as daemon:
        assert daemon.positions() == {}
    assert bench.row(task).reason == "corrupt_output"
    assert await bench.stored(task) == b"abc"


async def test_a_daemon_that_never_names_its_log_goes_on_all_the_same(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        await daemon.expect(Command)
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
    async with bench.daemon(identity, tasks=[spooled(task, 3)]) as daemon:
        assert daemon.positions() == {task: 3}


async def test_a_cancel_that_was_asked_for_meanwhile_is_passed_on(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await started(bench, identity)
    asked = await bench.post(f"/api/tasks/{task}/cancel", status=200)
    assert asked["cancelRequested"] and asked["status"] == "running"
    async with bench.daemon(identity, tasks=[spooled(task)]) as daemon:
        assert (await daemon.expect(Cancel)).task_id == task


async def test_bytes_that_the_spool_lost_become_a_gap(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await started(bench, identity, b"abc")
    async with bench.daemon(identity, tasks=[spooled(task, 9, start=6)]) as daemon:
        await daemon.gap(task, 3, 6, "spool_pruned")
        await daemon.output(task, 6, b"xyz")
        await daemon.ended(task, b"x" * 9, checksum=None)
        await daemon.settled(task)
        await daemon.settle()
    row = bench.row(task)
    assert row.status is TaskStatus.COMPLETED
    assert [(gap.start, gap.end, gap.reason) for gap in row.gaps] == [(3, 6, "spool_pruned")]
    assert await bench.stored(task) == b"abc\0\0\0xyz"


async def test_a_gap_that_is_known_is_acknowledged_again(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await started(bench, identity)
    async with bench.daemon(identity, tasks=[spooled(task, 6)]) as daemon:
        await daemon.gap(task, 0, 6)
        await daemon.acked(task, 6)
        await daemon.gap(task, 0, 6)
        await daemon.acked(task, 6)
        assert not daemon.seen(Gap)


async def test_tasks_that_the_daemon_has_although_they_wait_here_are_not_sent_again(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """An older database says that the task was never handed over (guarantee G37)."""
    task = await started(bench, identity, b"abc")
    await bench.hub.store._execute(
        "UPDATE tasks SET instance_id = NULL, status = 'pending' WHERE id = :id", {"id": task}
    )
    async with bench.daemon(identity, tasks=[spooled(task, 3)]) as daemon:
        await daemon.settle()
        assert not daemon.seen(Command)
        await daemon.ended(task, b"abc")
        await daemon.settled(task)


async def test_a_report_of_a_task_that_was_never_handed_over_is_refused(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with running_with_limit(bench, identity) as waiting, bench.daemon(identity) as daemon:
        await daemon.expect(Command)
        await daemon.send(Status(task_id=waiting, status=TaskStatus.RUNNING))
        assert (await daemon.closed()).code == 4400
        assert bench.row(waiting).status is TaskStatus.PENDING
        async with bench.daemon(identity):
            assert bench.connected(identity.workspace_id)


class running_with_limit:
    """Sixteen tasks fill the workspace; entering gives the one that has to wait."""

    def __init__(self, bench: Bench, identity: DaemonIdentity) -> None:
        self._bench = bench
        self._workspace_id = identity.workspace_id

    async def __aenter__(self) -> str:
        for _ in range(16):
            await self._bench.create(self._workspace_id)
        return await self._bench.create(self._workspace_id)

    async def __aexit__(self, *_: object) -> None:
        return None


async def test_one_damaged_log_does_not_keep_the_daemon_away(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        damaged = await started(bench, identity, b"abc")
        healthy = await started(bench, identity, b"abc", beside=[damaged])
        stem = bench.hub.daemons.outputs.stem(damaged)
    stem.with_suffix(".idx").write_bytes(b"\0" * 64)
    async with running_bench(tmp_path) as bench:
        journal = [spooled(damaged, 3), spooled(healthy, 3)]
        async with bench.daemon(identity, tasks=journal) as daemon:
            assert daemon.positions() == {healthy: 3}
        row = bench.row(damaged)
        assert (row.status, row.reason) == (TaskStatus.LOST, "corrupt_output")
        # Members read this: where the hub keeps outputs is not for them.
        assert row.error is not None and str(tmp_path) not in row.error


async def test_one_damaged_log_does_not_keep_a_new_supervisor_away(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        damaged = await started(bench, identity, b"abc")
        stem = bench.hub.daemons.outputs.stem(damaged)
    stem.with_suffix(".idx").write_bytes(b"\0" * 64)
    async with running_bench(tmp_path) as bench:
        async with bench.daemon(identity, instance="i2"):
            assert bench.row(damaged).status is TaskStatus.LOST


async def test_a_log_whose_creation_a_crash_cut_short_begins_anew(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        task = await started(bench, identity)
        stem = bench.hub.daemons.outputs.stem(task)
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".idx").write_bytes(b"")
    async with running_bench(tmp_path) as bench:
        async with bench.daemon(identity, tasks=[spooled(task, 3)]) as daemon:
            assert daemon.positions() == {task: 0}
            await daemon.output(task, 0, b"abc")
            await daemon.ended(task, b"abc")
            await daemon.settled(task)
        assert await bench.stored(task) == b"abc"


async def test_any_text_names_a_log_and_the_same_text_joins_it_again(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    journal = [spooled(task, 3, log_id="my log")]
    async with bench.daemon(identity, tasks=journal) as daemon:
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
    async with bench.daemon(identity, tasks=journal) as again:
        assert again.positions() == {task: 3}


async def test_a_failed_fsync_of_a_recovered_log_is_not_taken_for_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        task = await started(bench, identity, b"abc")
    real, failures = os.fdatasync, [OSError(5, "the disk is broken")]

    def failing_once(fd: int) -> None:
        if failures:
            raise failures.pop()
        real(fd)

    async with running_bench(tmp_path) as bench:
        monkeypatch.setattr(os, "fdatasync", failing_once)
        auth = daemon_auth(identity, tasks=[spooled(task, 6)])
        async with dialled_daemon(bench.port, auth) as daemon:
            assert (await daemon.closed()).code == 1013
        async with bench.daemon(identity, tasks=[spooled(task, 6)]) as again:
            assert again.positions() == {task: 3}
            await again.output(task, 3, b"def")
            await again.ended(task, b"abcdef")
            await again.settled(task)


async def test_a_loss_is_told_even_to_those_who_watch_while_it_is_stored(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await started(bench, identity)
    async with bench.viewer() as viewer:
        await viewer.subscribe(task)
        await viewer.settle()
        async with bench.daemon(identity, instance="i2"):
            await viewer.status(task, TaskStatus.LOST)


async def test_an_end_that_is_stored_when_the_connection_breaks_is_still_told(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await started(bench, identity)
    async with bench.viewer() as viewer:
        await viewer.subscribe(task)
        await viewer.settle()
        async with bench.daemon(identity, tasks=[spooled(task)]):
            row = bench.row(task)
            session = bench.hub.daemons.presence.session(identity.workspace_id)
            assert session is not None
            settlement = session._daemons.settlement
            report = Status(task_id=task, status=TaskStatus.COMPLETED, final_offset=0)
            async with asyncio.TaskGroup() as group:
                settling = group.create_task(settlement.settle(settlement.ended(row, report)))
                await asyncio.sleep(0)
                settling.cancel()
        await viewer.status(task, TaskStatus.COMPLETED)
    assert bench.hub.daemons.outputs.find(task) is None


async def test_an_end_of_an_older_connection_is_not_believed_on_a_newer_one(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        await daemon.expect(Command)
        await daemon.running(task)
        await bench.becomes(task, TaskStatus.RUNNING)
        await daemon.ended(task, b"abc")
        outputs = bench.hub.daemons.outputs
        await bench.until(lambda: getattr(outputs.find(task), "ending", None) is not None)
    journal = [spooled(task, 3, status=TaskStatus.LOST)]
    async with bench.daemon(identity, instance="i2", tasks=journal) as daemon:
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
        await daemon.settle()
        assert bench.row(task).status is TaskStatus.RUNNING
        await daemon.ended(task, b"abc", TaskStatus.LOST)
        await daemon.settled(task)
    assert bench.row(task).status is TaskStatus.LOST


async def test_a_task_that_is_lost_meanwhile_does_not_keep_the_daemon_away(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await started(bench, identity)
    changes = TaskChanges(reason="daemon_restarted")
    async with asyncio.TaskGroup() as group:
        group.create_task(bench.hub.store.transition_task(task, TaskEvent.LOSE, changes))
        async with bench.daemon(identity, instance="i2") as daemon:
            await daemon.settle()
