"""Output on its way in: appended exactly, acknowledged only when it is on disk (G5, B36, B39)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from arborlink.protocol import limits
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Ack, Command, ErrorMessage, Heartbeat, Output
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import Closed, DaemonIdentity, ScriptedDaemon, spooled

pytestmark = pytest.mark.asyncio(loop_scope="module")

KIB = 1024


async def handed(bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon) -> str:
    """A task whose command the daemon has."""
    task = await bench.create(identity.workspace_id)
    await daemon.expect(Command, lambda command: command.task_id == task)
    return task


async def refused(daemon: ScriptedDaemon) -> tuple[ErrorMessage, Closed]:
    """What the daemon is told, and how its connection is closed."""
    error = await daemon.expect(ErrorMessage)
    return error, await daemon.closed()


@contextmanager
def blocked_fsync(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The disk does not finish an fsync until the event is set."""
    real, go_on = os.fdatasync, threading.Event()

    def waiting(fd: int) -> None:
        assert go_on.wait(30)
        real(fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", waiting)
        try:
            yield go_on
        finally:
            go_on.set()


@pytest.mark.parametrize("json", [False, True], ids=["msgpack", "json"])
async def test_overlapping_output_is_trimmed_and_known_output_acknowledged_again(
    bench: Bench, identity: DaemonIdentity, json: bool
) -> None:
    async with bench.daemon(identity, json=json) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
        await daemon.output(task, 0, b"abc")
        assert (await daemon.acked(task, 3)).offset == 3
        await daemon.output(task, 1, b"bcdef")
        assert (await daemon.acked(task, 6)).credit == limits.TASK_UNACKNOWLEDGED_BYTES
        await daemon.output(task, 6, b"")
        await daemon.acked(task, 6)
        await daemon.ended(task, b"abcdef")
        await daemon.settled(task)
    assert await bench.stored(task) == b"abcdef"


async def test_known_output_with_other_bytes_changes_nothing(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
        await daemon.output(task, 0, b"xyz")
        await daemon.acked(task, 3)
        assert await bench.stored(task) == b"abc"


async def test_output_out_of_order_is_told_where_to_go_on_and_the_connection_begins_anew(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"abc")
        await daemon.output(task, 4, b"e")
        error, closed = await refused(daemon)
    assert (error.code, error.want, error.ref) == ("offset_out_of_order", 3, task)
    assert closed.code == 4400
    async with bench.daemon(identity, tasks=[spooled(task, 5)]) as daemon:
        await daemon.output(task, daemon.positions()[task], b"abcde"[daemon.positions()[task] :])
        await daemon.acked(task, 5)


async def test_output_beyond_the_credit_is_refused(tmp_path: Path) -> None:
    async with running_bench(tmp_path, task_unacknowledged_bytes=64 * KIB) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await handed(bench, identity, daemon)
            await daemon.output(task, 0, bytes(64 * KIB + 1))
            error, closed = await refused(daemon)
        assert (error.code, closed.code) == ("credit_exceeded", 4400)
        assert bench.row(task).status is TaskStatus.PENDING


async def test_output_beyond_what_the_connection_may_have_on_its_way_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bench(tmp_path, daemon_unacknowledged_bytes=100 * KIB) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            one = await handed(bench, identity, daemon)
            two = await handed(bench, identity, daemon)
            with blocked_fsync(monkeypatch):
                await daemon.output(one, 0, bytes(60 * KIB))
                await daemon.output(two, 0, bytes(60 * KIB))
                error, _ = await refused(daemon)
    assert (error.code, error.ref) == ("credit_exceeded", two)


async def test_output_of_another_workspaces_task_is_refused_and_harms_nobody(
    bench: Bench, identity: DaemonIdentity
) -> None:
    other = await bench.enrolled()
    async with bench.daemon(other) as owner, bench.daemon(identity) as daemon:
        task = await handed(bench, other, owner)
        mine = await handed(bench, identity, daemon)
        for unknown in (task, "tsk_unknown", "../../etc/passwd"):
            await daemon.output(unknown, 0, b"abc")
            error = await daemon.expect(ErrorMessage)
            assert (error.code, error.ref) == ("not_found", unknown)
            await daemon.ended(unknown)
            assert (await daemon.expect(ErrorMessage)).code == "not_found"
        await daemon.output(mine, 0, b"mine")
        await daemon.acked(mine, 4)
        assert await bench.stored(task) == b""


async def test_output_after_the_end_is_refused(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"abc")
        await daemon.ended(task, b"abc")
        await daemon.settled(task)
        await daemon.output(task, 3, b"more")
        error, _ = await refused(daemon)
    assert error.code == "output_after_end"
    assert await bench.stored(task) == b"abc"


async def test_output_beyond_a_reported_end_is_refused_before_the_end_is_stored(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.ended(task, b"abc")
        output = bench.hub.daemons.outputs.find
        await bench.until(lambda: (found := output(task)) is not None and found.ending is not None)
        await daemon.output(task, 0, b"abcd")
        error, _ = await refused(daemon)
    assert error.code == "output_after_end"


async def test_output_of_a_task_that_still_waits_is_refused(tmp_path: Path) -> None:
    async with running_bench(tmp_path, running_tasks_per_workspace=1) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            await handed(bench, identity, daemon)
            waiting = await bench.create(identity.workspace_id)
            await daemon.output(waiting, 0, b"abc")
            error, _ = await refused(daemon)
    assert error.code == "task_not_handed_over"


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [(0, 0, "empty_gap"), (5, 3, "empty_gap"), (1, 5, "offset_out_of_order")],
)
async def test_a_gap_that_cannot_be_is_refused(
    bench: Bench, identity: DaemonIdentity, start: int, end: int, code: str
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.gap(task, start, end)
        error, closed = await refused(daemon)
    assert (error.code, closed.code) == (code, 4400)


async def test_a_time_that_no_log_can_hold_is_refused_and_takes_nothing(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"abc", time=2**60)
        error, closed = await refused(daemon)
    assert (error.code, closed.code) == ("invalid_time", 4400)
    async with bench.daemon(identity, tasks=[spooled(task, 3)]) as daemon:
        assert daemon.positions() == {task: 0}


async def test_nothing_is_acknowledged_before_it_is_on_disk(
    bench: Bench, identity: DaemonIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        await viewer.subscribe(task)
        with blocked_fsync(monkeypatch):
            await daemon.output(task, 0, b"abc")
            assert await viewer.read(task, 3) == b"abc", "live viewers do not wait for the disk"
            await daemon.settle()
            assert not daemon.seen(Ack)
        assert (await daemon.acked(task, 3)).offset == 3


async def test_a_failed_fsync_acknowledges_nothing_and_the_bytes_come_again(
    bench: Bench, identity: DaemonIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fdatasync

    def failing(fd: int) -> None:
        raise OSError(5, "the disk is broken")

    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        monkeypatch.setattr(os, "fdatasync", failing)
        await daemon.output(task, 0, b"abc")
        closed = await daemon.closed()
        monkeypatch.setattr(os, "fdatasync", real)
        assert closed.code == 1013 and "retry in 5 seconds" in closed.reason
        assert not daemon.seen(Ack)
    async with bench.daemon(identity, tasks=[spooled(task, 3)]) as daemon:
        position = daemon.positions()[task]
        await daemon.output(task, position, b"abc"[position:])
        await daemon.ended(task, b"abc")
        await daemon.settled(task)
    assert bench.row(task).status is TaskStatus.COMPLETED
    assert await bench.stored(task) == b"abc"


async def test_one_broken_log_does_not_hold_up_the_others(
    bench: Bench, identity: DaemonIdentity
) -> None:
    other = await bench.enrolled()
    async with bench.daemon(identity) as daemon, bench.daemon(other) as neighbour:
        broken, healthy = (
            await handed(bench, identity, daemon),
            await handed(bench, other, neighbour),
        )
        await daemon.output(broken, 0, b"abc")
        await daemon.acked(broken, 3)
        output = bench.hub.daemons.outputs.find(broken)
        assert output is not None and output.writer is not None
        output.writer._failure = OSError(5, "as after a failed drop")
        await neighbour.output(healthy, 0, b"abc")
        bench.hub.daemons.flusher.hurry(output)
        output.writer.synced = -1
        await neighbour.acked(healthy, 3)
        await daemon.closed()
        await neighbour.output(healthy, 3, b"def")
        await neighbour.acked(healthy, 6)


async def test_a_loss_while_its_output_is_synced_leaves_no_file_open(
    bench: Bench, identity: DaemonIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = bench.hub.daemons.outputs
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        with blocked_fsync(monkeypatch):
            await daemon.output(task, 0, b"abc")
            await bench.until(lambda: (o := outputs.find(task)) is not None and o._syncing)
            await daemon.ended(task, b"a")
            row = await bench.becomes(task, TaskStatus.FAILED)
            assert row.reason == "corrupt_output"
            assert outputs.find(task) is not None
        await bench.until(lambda: outputs.find(task) is None, "the files to be closed")


async def test_many_small_messages_are_bounded_in_memory_too(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        await viewer.subscribe(task)
        await viewer.settle()
        for offset in range(2_000):
            await daemon.output(task, offset, b"x")
        await daemon.acked(task, 2_000)
        output = bench.hub.daemons.outputs.find(task)
        assert output is not None and len(output._tail) < 600
        assert await viewer.read(task, 2_000) == b"x" * 2_000


async def test_a_daemon_that_says_what_only_others_say_is_told_so(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity, json=True) as daemon:
        await daemon.socket.send('{"type": "futureThing", "x": 1}')
        assert (await daemon.expect(ErrorMessage)).code == "unknown_message"
        await daemon.send(Heartbeat(sent_at=1))
        await daemon.socket.send('{"type": "output", "taskId": "t", "offset": -1}')
        assert (await daemon.closed()).code == 4400


async def test_a_frame_above_its_limit_is_refused(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        message = Output(
            task_id=task, offset=0, is_error=False, time=0, output=bytes(1024 * KIB + 1)
        )
        await daemon.send(message)
        assert (await daemon.closed()).code == 4413
