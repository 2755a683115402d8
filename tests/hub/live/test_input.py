"""Standard input on its way through the hub: once, in order, through restarts (G7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from arborlink.hub.live.input_relay import InputRelay
from arborlink.hub.live.session import error_message
from arborlink.protocol import limits
from arborlink.protocol.errors import Conflict, OffsetOutOfOrder, TooManyRequests
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import (
    INPUT_END_CAPABILITY,
    ErrorMessage,
    Input,
    InputAck,
    TaskStatusChanged,
    ViewerInput,
)
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon, spooled
from tests.hub.live.test_output import handed

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def started(bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon) -> str:
    """A task that runs."""
    task = await handed(bench, identity, daemon)
    await daemon.running(task)
    await bench.becomes(task, TaskStatus.RUNNING)
    return task


async def test_input_reaches_the_daemon_and_its_acknowledgement_the_viewer(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        await viewer.subscribe(task)
        await viewer.send(ViewerInput(task_id=task, offset=0, input=b"ab"))
        await viewer.send(ViewerInput(task_id=task, input=b"cd", eof=True))
        assert await daemon.expect(Input) == Input(task_id=task, offset=0, input=b"ab")
        assert await daemon.expect(Input) == Input(task_id=task, offset=2, input=b"cd", eof=True)
        await daemon.send(InputAck(task_id=task, offset=4))
        assert await viewer.expect(InputAck) == InputAck(task_id=task, offset=4)


async def test_repeated_input_is_dropped_and_input_out_of_order_is_told_where_to_go_on(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        for offset, data in ((0, b"abc"), (0, b"abc"), (2, b"cde"), (9, b"zzz")):
            await viewer.send(ViewerInput(task_id=task, offset=offset, input=data))
        error = await viewer.expect(ErrorMessage)
        assert (error.code, error.want, error.ref) == ("offset_out_of_order", 5, task)
        first, second = await daemon.expect(Input), await daemon.expect(Input)
        assert first.input + second.input == b"abcde"
        await daemon.settle()
        assert not daemon.seen(Input)


async def test_input_that_was_acknowledged_while_its_sender_was_away_is_acknowledged_again(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """A sender whose whole window was on its way sends nothing new before it hears of that."""
    async with bench.daemon(identity) as daemon:
        async with bench.viewer() as viewer:
            task = await handed(bench, identity, daemon)
            await viewer.send(ViewerInput(task_id=task, offset=0, input=b"abc"))
            await daemon.expect(Input)
        await daemon.send(InputAck(task_id=task, offset=3))
        await daemon.settle()
        async with bench.viewer() as viewer:
            await viewer.subscribe(task)
            await viewer.send(ViewerInput(task_id=task, offset=0, input=b"abc"))
            assert await viewer.expect(InputAck) == InputAck(task_id=task, offset=3)
        assert not daemon.seen(Input)


async def test_input_to_a_task_that_is_over_or_takes_none_is_refused(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        over = await handed(bench, identity, daemon)
        await daemon.ended(over)
        await daemon.settled(over)
        empty = await bench.create(identity.workspace_id, stdin="empty")
        for task, code in ((over, "task_over"), (empty, "input_closed")):
            await viewer.send(ViewerInput(task_id=task, offset=0, input=b"x"))
            error = await viewer.expect(ErrorMessage)
            assert (error.code, error.ref) == (code, task)


async def test_input_needs_permission(bench: Bench, identity: DaemonIdentity) -> None:
    task = await bench.create(identity.workspace_id)
    reader = await bench.token(["tasks:read"])
    async with bench.viewer(reader["secret"]) as viewer:
        await viewer.send(ViewerInput(task_id=task, offset=0, input=b"x"))
        assert (await viewer.expect(ErrorMessage)).code == "not_allowed"


async def test_the_answer_to_subscribe_says_where_the_input_ends(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        assert INPUT_END_CAPABILITY in viewer.welcome.capabilities
        task = await handed(bench, identity, daemon)
        await viewer.subscribe(task)
        assert (await viewer.expect(TaskStatusChanged)).input_end == 0
        await viewer.send(ViewerInput(task_id=task, input=b"abcdef"))
        await daemon.expect(Input)
        await daemon.send(InputAck(task_id=task, offset=2))
        await viewer.expect(InputAck)
        async with bench.viewer() as later:
            await later.subscribe(task)
            assert (await later.expect(TaskStatusChanged)).input_end == 6
            # Also how much of it the command has: who was away has not heard of that.
            assert (await later.expect(InputAck)).offset == 2


async def test_where_the_input_of_a_waiting_task_ends_is_known(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.viewer() as viewer:
        await viewer.subscribe(task)
        assert (await viewer.expect(TaskStatusChanged)).input_end == 0
        await viewer.send(ViewerInput(task_id=task, input=b"abc"))
        await viewer.subscribe(task)
        assert (await viewer.expect(TaskStatusChanged)).input_end == 3


async def test_after_a_restart_viewers_hear_where_the_input_ends_once_the_daemon_is_back(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
    async with running_bench(tmp_path) as bench, bench.viewer() as viewer:
        await viewer.subscribe(task)
        assert (await viewer.expect(TaskStatusChanged)).input_end is None
        async with bench.daemon(identity, tasks=[spooled(task, input_offset=2)]):
            told = await viewer.expect(TaskStatusChanged, lambda it: it.input_end is not None)
            assert told.input_end == 2


async def test_input_for_a_task_that_waits_follows_its_command(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.viewer() as viewer:
        await viewer.send(ViewerInput(task_id=task, offset=0, input=b"abc", eof=True))
        await viewer.settle()
    async with bench.daemon(identity) as daemon:
        assert await daemon.expect(Input) == Input(task_id=task, offset=0, input=b"abc", eof=True)


async def test_input_that_was_on_its_way_is_sent_again_from_where_the_command_has_read(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        await viewer.subscribe(task)
        await viewer.send(ViewerInput(task_id=task, offset=0, input=b"abcdef"))
        await daemon.expect(Input)
        async with bench.daemon(identity, tasks=[spooled(task, input_offset=2)]) as again:
            assert await again.expect(Input) == Input(task_id=task, offset=2, input=b"cdef")
            assert (await viewer.expect(InputAck)).offset == 2


async def test_after_a_restart_input_waits_for_the_daemon_and_goes_on_where_it_was(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await started(bench, identity, daemon)
            await bench.post(f"/api/tasks/{task}/input", {"text": "abc"}, status=200)
            await daemon.expect(Input)
    async with running_bench(tmp_path) as bench, bench.viewer() as viewer:
        await viewer.subscribe(task)
        await viewer.send(ViewerInput(task_id=task, offset=2, input=b"cdef"))
        error = await viewer.expect(ErrorMessage)
        assert (error.code, error.ref) == ("input_not_ready", task)
        async with bench.daemon(identity, tasks=[spooled(task, input_offset=2)]) as daemon:
            assert (await viewer.expect(InputAck)).offset == 2
            await viewer.send(ViewerInput(task_id=task, offset=2, input=b"cdef"))
            assert await daemon.expect(Input) == Input(task_id=task, offset=2, input=b"cdef")
            await daemon.send(InputAck(task_id=task, offset=6))
            assert (await viewer.expect(InputAck)).offset == 6


async def test_an_acknowledgement_after_the_end_leaves_nothing_behind(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.ended(task)
        await daemon.settled(task)
        await daemon.send(InputAck(task_id=task, offset=3))
        await daemon.settle()
    assert task not in bench.hub.daemons.inputs._relays


async def test_tasks_that_never_ran_leave_no_input_behind(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id, expiresIn=0.001)
    async with bench.viewer() as viewer:
        await viewer.subscribe(task)
        facts = [await viewer.expect(TaskStatusChanged)]
        if facts[-1].status is not TaskStatus.EXPIRED:
            await viewer.status(task, TaskStatus.EXPIRED)
    assert task not in bench.hub.daemons.inputs._relays


# ── the relay by itself ──────────────────────────────────────────────────────────────────────


async def test_a_full_window_takes_no_more_until_something_was_read() -> None:
    relay = InputRelay("t")
    frame = bytes(limits.INPUT_FRAME_BYTES)
    for number in range(limits.INPUT_WINDOW_BYTES // len(frame)):
        assert relay.accept(number * len(frame), frame, False) is not None
    with pytest.raises(TooManyRequests) as error:
        relay.accept(None, b"x", False)
    assert error.value.code == "input_window_full"
    told = error_message(error.value, "t")
    assert (told.want, told.retry_after) == (limits.INPUT_WINDOW_BYTES, 1)
    assert relay.acknowledge(1)
    assert relay.accept(None, b"x", False) is not None


async def test_a_closed_input_takes_repeats_and_nothing_new() -> None:
    relay = InputRelay("t")
    assert relay.accept(0, b"abc", True) is not None
    assert relay.accept(1, b"bc", True) is None
    for offset, data in ((3, b"d"), (None, b"d")):
        with pytest.raises(Conflict):
            relay.accept(offset, data, False)


async def test_the_end_of_input_alone_is_passed_on_once() -> None:
    relay = InputRelay("t")
    assert relay.accept(0, b"", False) is None
    assert relay.accept(0, b"", True) == Input(task_id="t", offset=0, eof=True)
    assert relay.accept(0, b"", True) is None
    assert list(relay.resume(0)) == [Input(task_id="t", offset=0, eof=True)]


async def test_resuming_sends_what_was_not_read_in_frames_with_the_end_in_the_last() -> None:
    relay = InputRelay("t")
    data = bytes(range(256)) * 600
    with pytest.raises(OffsetOutOfOrder) as error:
        relay.accept(1, b"x", False)
    assert error.value.want == 0
    relay.accept(0, data, True)
    frames = list(relay.resume(1_000))
    assert b"".join(frame.input for frame in frames) == data[1_000:]
    assert frames[0].offset == 1_000
    assert [frame.eof for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert not relay.acknowledge(500)
    assert relay.end == len(data)
