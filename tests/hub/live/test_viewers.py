"""Viewers: cursors into outputs, facts about what they may see, and nothing that harms others."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from msgspec import structs
from websockets.exceptions import ConnectionClosed

from arborlink.hub.live import session as sessions
from arborlink.protocol.errors import TooManyRequests
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import (
    Cancel,
    Command,
    ErrorMessage,
    Gap,
    Heartbeat,
    Output,
    Resize,
    Subscribe,
    TaskStatusChanged,
    Unsubscribe,
    ViewerAck,
    ViewerResize,
    WorkspaceChanged,
)
from arborlink.protocol.resources import Task, Terminal, TerminalSize
from tests.bounds import HANG_SECONDS
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon, ScriptedViewer
from tests.hub.live.test_output import handed

pytestmark = pytest.mark.asyncio(loop_scope="module")

KIB = 1024
MIB = 1024 * KIB


async def written(
    bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon, output: bytes
) -> str:
    """A running task with output that is on disk."""
    task = await handed(bench, identity, daemon)
    await daemon.running(task)
    await append(daemon, task, 0, output)
    await bench.becomes(task, TaskStatus.RUNNING)
    return task


async def append(daemon: ScriptedDaemon, task: str, offset: int, output: bytes) -> None:
    """More output, in frames, until it is on disk."""
    for start in range(0, len(output), 64 * KIB):
        piece = output[start : start + 64 * KIB]
        await daemon.output(task, offset + start, piece)
        if (start + len(piece)) % MIB == 0 or start + len(piece) == len(output):
            await daemon.acked(task, offset + start + len(piece))


async def refusal(viewer: ScriptedViewer) -> tuple[str, str | None]:
    """What the viewer is told, and about what."""
    error = await viewer.expect(ErrorMessage)
    return error.code, error.ref


def numbered(size: int) -> bytes:
    """Bytes of which every stretch of a few says where it is from."""
    return b"".join(b"%07d\n" % number for number in range(size // 8))


@pytest.mark.parametrize("json", [False, True], ids=["msgpack", "json"])
@pytest.mark.parametrize(
    ("offset", "first"), [(0, 0), (3, 3), (-2, 8), (-100, 0), (10, 10)], ids=str
)
async def test_a_subscription_begins_where_it_is_asked_to(
    bench: Bench, identity: DaemonIdentity, offset: int, first: int, json: bool
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer(json=json) as viewer:
        task = await written(bench, identity, daemon, b"0123456789")
        await viewer.subscribe(task, offset)
        await viewer.status(task, TaskStatus.RUNNING)
        await daemon.output(task, 10, b"abc")
        assert await viewer.read(task, 13 - first) == b"0123456789abc"[first:]


async def test_a_viewer_that_is_behind_is_told_where_the_output_ends(
    bench: Bench, identity: DaemonIdentity
) -> None:
    output = numbered(MIB)
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await written(bench, identity, daemon, output)
        await viewer.subscribe(task, 0, window=32 * KIB)
        behind = await viewer.expect(Output)
        assert behind.end == MIB
        await append(daemon, task, MIB, b"more")
        await viewer.send(ViewerAck(task_id=task, offset=behind.offset + len(behind.output)))
        assert (await viewer.expect(Output)).end == MIB + 4

        await viewer.subscribe(task, -4)
        assert (await viewer.expect(Output)).end is None
        await daemon.output(task, MIB + 4, b"live")
        newest = await viewer.expect(Output)
        assert (bytes(newest.output), newest.end) == (b"live", None)


async def test_what_a_daemon_says_of_the_end_is_not_passed_on(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await written(bench, identity, daemon, b"abc")
        await viewer.subscribe(task, 3)
        await viewer.status(task, TaskStatus.RUNNING)
        lie = Output(task_id=task, offset=3, is_error=False, time=0, output=b"def", end=10**12)
        await daemon.send(lie)
        heard = await viewer.expect(Output)
        assert (bytes(heard.output), heard.end) == (b"def", None)


async def test_a_subscription_beyond_the_end_of_a_finished_task_is_refused(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await written(bench, identity, daemon, b"abc")
        await daemon.ended(task, b"abc")
        await daemon.settled(task)
        await viewer.subscribe(task, 4)
        error = await viewer.expect(ErrorMessage)
        assert (error.code, error.want, error.ref) == ("offset_beyond_end", 3, task)
        await viewer.subscribe(task, 3)
        await viewer.status(task, TaskStatus.COMPLETED)
        assert bench.hub.daemons.outputs.find(task) is not None
    await bench.until(lambda: bench.hub.daemons.outputs.find(task) is None)


async def test_a_viewer_that_saw_more_than_a_crashed_hub_kept_waits_for_the_rest(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await written(bench, identity, daemon, b"abc")
        await viewer.subscribe(task, 5)
        await viewer.settle()
        await daemon.output(task, 3, b"defgh")
        assert await viewer.read(task, 3) == b"fgh"


async def test_a_refused_subscription_leaves_the_one_there_was(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await written(bench, identity, daemon, b"abc")
        await viewer.subscribe(task)
        assert await viewer.read(task, 3) == b"abc"
        await viewer.subscribe(task, 100 * MIB)
        assert await refusal(viewer) == ("offset_beyond_end", task)
        await daemon.output(task, 3, b"def")
        assert await viewer.read(task, 3) == b"def"


async def test_a_new_subscription_to_a_task_takes_the_place_of_the_old(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await written(bench, identity, daemon, b"abcdef")
        await viewer.subscribe(task, 3)
        assert await viewer.read(task, 3) == b"def"
        await viewer.subscribe(task, 0)
        assert await viewer.read(task, 6) == b"abcdef"
        await daemon.output(task, 6, b"x")
        assert await viewer.read(task, 1) == b"x"
        await viewer.settle()
        assert not viewer.seen(Output)


async def test_a_viewer_that_waits_for_a_task_without_output_sees_its_first_byte(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.viewer() as viewer, bench.viewer() as second:
        task = await bench.create(identity.workspace_id)
        await viewer.subscribe(task)
        await second.subscribe(task, -100)
        await second.settle()
        assert await bench.stored(task) == b""
        async with bench.daemon(identity) as daemon:
            await daemon.output(task, 0, b"abc")
            assert await viewer.read(task, 3) == await second.read(task, 3) == b"abc"
            await daemon.ended(task, b"abc")
            await viewer.status(task, TaskStatus.COMPLETED)


@pytest.mark.parametrize("window", [32 * KIB, 256 * KIB, None], ids=str)
async def test_never_more_than_the_window_is_unacknowledged(
    bench: Bench, identity: DaemonIdentity, window: int | None
) -> None:
    allowed = window or 256 * KIB
    output = numbered(1 * MIB)
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await written(bench, identity, daemon, output)
        await viewer.subscribe(task, window=window)
        first = await viewer.read(task, allowed, acknowledge=False)
        await viewer.settle()
        await viewer.settle()
        assert not viewer.seen(Output), "the window is used up"
        await viewer.send(ViewerAck(task_id=task, offset=10_000))
        second = await viewer.read(task, 10_000, acknowledge=False)
        await viewer.settle()
        await viewer.settle()
        assert not viewer.seen(Output)
        await viewer.send(ViewerAck(task_id=task, offset=allowed + 10_000))
        rest = await viewer.read(task, len(output) - allowed - 10_000)
    assert first + second + rest == output


@pytest.mark.parametrize("window", [1, 32 * KIB - 1, 16 * MIB + 1])
async def test_a_window_out_of_bounds_is_malformed(
    bench: Bench, identity: DaemonIdentity, window: int
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.viewer() as viewer:
        await viewer.subscribe(task, window=window)
        assert (await viewer.closed()).code == 4400


async def test_a_stalled_viewer_neither_slows_another_nor_fills_the_hub(
    bench: Bench, identity: DaemonIdentity
) -> None:
    output = numbered(8 * MIB)
    async with (
        bench.daemon(identity) as daemon,
        bench.viewer() as healthy,
        bench.viewer(max_queue=1) as stalled,
        bench.viewer(max_queue=1) as greedy,
    ):
        task = await handed(bench, identity, daemon)
        await stalled.subscribe(task)
        await greedy.subscribe(task, window=16 * MIB)
        await healthy.subscribe(task)
        for start in range(0, len(output), 2 * MIB):
            await append(daemon, task, start, output[start : start + 2 * MIB])
            piece = await healthy.read(task, 2 * MIB)
            assert piece == output[start : start + 2 * MIB]
        found = bench.hub.daemons.outputs.find(task)
        assert found is not None and found._tail_bytes <= 256 * KIB
        assert sum(len(frame) for frame in found._frames.values()) <= 300 * KIB
        assert await greedy.read(task, len(output)) == output
        assert await stalled.read(task, len(output)) == output


async def test_a_gap_is_delivered_in_its_place(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await written(bench, identity, daemon, b"abc")
        await daemon.gap(task, 3, 1 * MIB)
        await daemon.output(task, 1 * MIB, b"xyz")
        await daemon.acked(task, 1 * MIB + 3)
        await viewer.subscribe(task)
        assert await viewer.read(task, 3, acknowledge=False) == b"abc"
        gap = await viewer.expect(Gap)
        assert (gap.start, gap.end, gap.reason) == (3, 1 * MIB, "spool_full")
        message = await viewer.expect(Output)
        assert (message.offset, message.output) == (1 * MIB, b"xyz")
        await viewer.send(ViewerAck(task_id=task, offset=1 * MIB + 3))
        await viewer.settle()
        assert not viewer.seen(ErrorMessage)


async def test_stdout_and_stderr_keep_their_order_and_their_names(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        parts = [(b"one", False), (b"two", True), (b"three", False)]
        offset = 0
        for data, is_error in parts:
            await daemon.output(task, offset, data, is_error=is_error, time=offset)
            offset += len(data)
        await daemon.acked(task, offset)
        await viewer.subscribe(task)
        messages = [await viewer.expect(Output) for _ in parts]
        assert [(message.output, message.is_error) for message in messages] == parts
        assert [message.time for message in messages] == [0, 3, 6]


async def test_an_acknowledgement_of_bytes_never_sent_is_answered_and_harms_nobody(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await written(bench, identity, daemon, b"abc")
        await viewer.send(ViewerAck(task_id=task, offset=3))
        await viewer.subscribe(task)
        await viewer.send(ViewerAck(task_id=task, offset=999))
        assert await refusal(viewer) == ("ack_beyond_sent", task)
        await daemon.output(task, 3, b"def")
        await viewer.expect(Output, lambda output: output.offset == 3)


async def test_what_the_hub_does_not_speak_is_answered(bench: Bench) -> None:
    async with bench.viewer(json=True) as viewer:
        await viewer.socket.send('{"type": "selfDestruct"}')
        assert await refusal(viewer) == ("unknown_message", "selfDestruct")
        await viewer.send(Subscribe())
        assert (await refusal(viewer))[0] == "invalid_input"
        await viewer.send(Subscribe(task_id="tsk_unknown"))
        assert await refusal(viewer) == ("not_found", "tsk_unknown")
        await viewer.send(Unsubscribe(task_id="tsk_unknown", workspace_id="ws_unknown"))
        await viewer.send(ViewerResize(task_id="tsk_unknown", cols=1, rows=1))
        assert await refusal(viewer) == ("not_found", "tsk_unknown")
        await viewer.send(Cancel(task_id="tsk_unknown"))
        assert await refusal(viewer) == ("not_found", "tsk_unknown")
        await viewer.settle()
        await viewer.socket.send("{")
        assert (await viewer.closed()).code == 4400


async def test_a_viewer_that_says_what_only_a_daemon_says_is_told_that_it_is_unknown(
    bench: Bench,
) -> None:
    async with bench.viewer(json=True) as viewer:
        await viewer.socket.send('{"type": "status", "taskId": "t", "status": "completed"}')
        assert await refusal(viewer) == ("unknown_message", "status")


async def test_subscriptions_are_limited_and_make_room_again(tmp_path: Path) -> None:
    async with running_bench(tmp_path, subscriptions_per_connection=3) as bench:
        identity = await bench.enrolled()
        tasks = [await bench.create(identity.workspace_id) for _ in range(3)]
        async with bench.viewer() as viewer:
            await viewer.watch(identity.workspace_id)
            await viewer.subscribe(tasks[0])
            await viewer.subscribe(tasks[1])
            await viewer.subscribe(tasks[2])
            error = await viewer.expect(ErrorMessage)
            assert (error.code, error.ref) == ("too_many_subscriptions", tasks[2])
            await viewer.subscribe(tasks[1])
            await viewer.watch(identity.workspace_id)
            await viewer.settle()
            assert not viewer.seen(ErrorMessage)
            await viewer.send(Unsubscribe(task_id=tasks[0]))
            await viewer.subscribe(tasks[2])
            await viewer.settle()
            assert not viewer.seen(ErrorMessage)


async def test_a_workspaces_watcher_hears_of_its_state_and_its_tasks(
    bench: Bench, identity: DaemonIdentity
) -> None:
    waiting = await bench.create(identity.workspace_id)
    async with bench.viewer() as viewer:
        await viewer.watch(identity.workspace_id)
        state = await viewer.expect(WorkspaceChanged)
        assert (state.workspace_id, state.state) == (identity.workspace_id, "never_connected")
        await viewer.status(waiting, TaskStatus.PENDING)
        async with bench.daemon(identity) as daemon:
            await viewer.expect(WorkspaceChanged, lambda fact: fact.state == "connected")
            await daemon.running(waiting)
            await viewer.status(waiting, TaskStatus.RUNNING)
        away = await viewer.expect(WorkspaceChanged, lambda fact: fact.state == "unreachable")
        assert away.since is not None
        await viewer.settle()
        assert bench.row(waiting).status is TaskStatus.RUNNING
        await viewer.send(Unsubscribe(workspace_id=identity.workspace_id))
        await viewer.settle()
        await bench.post(f"/api/tasks/{waiting}/cancel", status=200)
        viewer.skipped.clear()
        await viewer.settle()
        assert not viewer.seen(TaskStatusChanged)


async def test_whoever_watches_everything_hears_only_of_what_the_token_may_see(
    bench: Bench, identity: DaemonIdentity
) -> None:
    other = await bench.enrolled()
    limited = await bench.token(["tasks:read"], identity.workspace_id)
    async with bench.viewer(limited["secret"]) as viewer:
        await viewer.watch("*")
        await viewer.settle()
        seen = {fact.workspace_id for fact in viewer.seen(WorkspaceChanged)}
        assert seen == {identity.workspace_id}
        foreign = await bench.create(other.workspace_id)
        mine = await bench.create(identity.workspace_id)
        await viewer.status(mine, TaskStatus.PENDING)
        await viewer.settle()
        assert foreign not in {fact.task_id for fact in viewer.seen(TaskStatusChanged)}
        await viewer.subscribe(foreign)
        assert await refusal(viewer) == ("not_found", foreign)
        await viewer.send(Cancel(task_id=mine))
        assert await refusal(viewer) == ("not_allowed", mine)


async def test_a_refused_watcher_hears_nothing_ever(bench: Bench, identity: DaemonIdentity) -> None:
    other = await bench.enrolled()
    limited = await bench.token(["tasks:read"], identity.workspace_id)
    blind = await bench.token(["tasks:write"])
    for secret, code in ((limited["secret"], "not_found"), (blind["secret"], "not_allowed")):
        async with bench.viewer(secret) as viewer:
            await viewer.watch(other.workspace_id)
            assert (await refusal(viewer))[0] == code
            await bench.create(other.workspace_id)
            await viewer.settle()
            assert not viewer.seen(TaskStatusChanged)


async def test_a_terminal_is_resized_by_its_viewer(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await bench.create(identity.workspace_id, tty={"cols": 80, "rows": 24})
        await daemon.running(task)
        await bench.becomes(task, TaskStatus.RUNNING)
        await viewer.send(ViewerResize(task_id=task, cols=100, rows=30))
        assert await daemon.expect(Resize) == Resize(task_id=task, cols=100, rows=30)
        # Whoever comes later draws what the program writes as wide as it writes it.
        async with bench.viewer() as late:
            await late.send(Subscribe(task_id=task, offset=0))
            told = await late.expect(TaskStatusChanged)
            assert isinstance(told.task, Task)
            assert told.task.tty == TerminalSize(cols=100, rows=30)
        await viewer.send(Cancel(task_id=task, grace_seconds=2))
        assert (await daemon.expect(Cancel)).grace_seconds == 2


async def test_a_terminal_is_never_larger_than_its_bound(
    bench: Bench, identity: DaemonIdentity
) -> None:
    body = {"command": "true", "tty": {"cols": 5_000, "rows": 5_000}, "ifOffline": "queue"}
    refused = await bench.post(f"/api/workspaces/{identity.workspace_id}/tasks", body, status=422)
    assert refused["code"] == "invalid_input" and "tty.cols" in str(refused)
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await bench.create(identity.workspace_id, tty={"cols": 80, "rows": 24})
        await daemon.running(task)
        await bench.becomes(task, TaskStatus.RUNNING)
        larger = {"type": "resize", "taskId": task, "cols": 5_000, "rows": 5_000}
        await viewer.socket.send(msgspec.msgpack.encode(larger))
        assert await daemon.expect(Resize) == Resize(task_id=task, cols=1_000, rows=500)
        assert (await bench.task(task))["tty"] == {"cols": 1_000, "rows": 500}
        header = (await bench.stored(task, format="asciicast")).splitlines()[0]
        assert b'"width":1000,"height":500' in header


async def test_a_size_that_an_earlier_version_stored_is_read_as_the_bound(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id, tty={"cols": 80, "rows": 24})
    database = apsw.Connection(str(bench.hub.settings.data_dir / "hub.sqlite3"))
    database.set_busy_timeout(round(1_000 * HANG_SECONDS))
    database.execute('UPDATE tasks SET tty = \'{"cols":5000,"rows":4999}\' WHERE id = ?', (task,))
    database.close()
    assert (await bench.task(task))["tty"] == {"cols": 1_000, "rows": 500}
    async with bench.daemon(identity):
        again = await bench.post(f"/api/tasks/{task}/rerun")
    assert again["tty"] == {"cols": 1_000, "rows": 500}


@pytest.mark.parametrize(
    ("options", "body", "stdin"),
    [
        ({}, None, "empty"),
        ({}, {}, "empty"),
        ({}, {"stdin": "open"}, "open"),
        ({"stdin": "empty"}, None, "empty"),
        ({"stdin": "empty"}, {"stdin": "open"}, "open"),
        ({"tty": {"cols": 80, "rows": 24}}, None, "open"),
    ],
)
async def test_a_rerun_says_whether_it_waits_for_input(
    bench: Bench,
    identity: DaemonIdentity,
    options: dict[str, Any],
    body: dict[str, object] | None,
    stdin: str,
) -> None:
    """What the first one was sent is not kept."""
    async with bench.daemon(identity) as daemon:
        task = await bench.create(identity.workspace_id, **options)
        again = await bench.post(f"/api/tasks/{task}/rerun", body)
        assert again["stdin"] == stdin
        command = await daemon.expect(Command, lambda c: c.task_id == again["id"])
        assert command.stdin == stdin
        input_path = f"/api/tasks/{again['id']}/input"
        await bench.post(input_path, {"text": "more"}, status=200 if stdin == "open" else 409)


async def test_a_rerun_has_one_pipe_and_the_line_settings_of_the_task_before(
    bench: Bench, identity: DaemonIdentity
) -> None:
    terminal = {"cols": 80, "rows": 24, "modes": {"VERASE": 8}}
    first = await bench.create(identity.workspace_id, tty=terminal, mergeStderr=True)
    async with bench.daemon(identity) as daemon:
        await daemon.expect(Command)
        await daemon.running(first)
        await bench.becomes(first, TaskStatus.RUNNING)
        async with bench.viewer() as viewer:
            await viewer.send(ViewerResize(task_id=first, cols=100, rows=30))
            await daemon.expect(Resize)
        again = await bench.post(f"/api/tasks/{first}/rerun")
        command = await daemon.expect(Command)
    assert (command.task_id, command.merge_stderr) == (again["id"], again["mergeStderr"])
    assert command.merge_stderr
    assert command.tty == Terminal(cols=100, rows=30, modes={"VERASE": 8})


async def test_facts_for_a_viewer_that_does_not_read_are_bounded(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.viewer(max_queue=1) as viewer:
        await viewer.watch(identity.workspace_id)
        await viewer.settle()
        row = bench.row(task)
        for n in range(5_000):
            bench.hub.daemons.facts.task_changed(structs.replace(row, id=f"tsk_{n}"))
        closed = await viewer.closed()
        assert closed.code == 4429 and "retry in 1 seconds" in closed.reason


async def test_of_changes_that_wait_the_newest_of_each_task_is_sent(
    bench: Bench, identity: DaemonIdentity
) -> None:
    tasks = [await bench.create(identity.workspace_id) for _ in range(2)]
    async with bench.viewer() as viewer:
        await viewer.watch(identity.workspace_id)
        await viewer.settle()
        viewer.skipped.clear()
        # Nothing is sent while the loop is busy here.
        for n in range(5_000):
            for task in tasks:
                size = TerminalSize(cols=1 + n, rows=1)
                bench.hub.daemons.facts.task_changed(structs.replace(bench.row(task), tty=size))
        await viewer.settle()
        told = [fact.task for fact in viewer.seen(TaskStatusChanged)]
        assert [isinstance(each, Task) and each.tty for each in told] == [size, size]


async def test_answers_to_a_viewer_that_does_not_read_them_are_bounded(
    bench: Bench, identity: DaemonIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_WAITING_MESSAGES", 1_000)
    task = await bench.create(identity.workspace_id, args=["x" * 2_000])
    async with bench.viewer(max_queue=1) as viewer:
        session = bench.session_of(viewer)
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(ask_for_ever(viewer, task))
            await bench.until(lambda: session not in bench.hub.sockets.sessions)
            asking.cancel()
        assert isinstance(session.link.failure, TooManyRequests)


async def ask_for_ever(viewer: ScriptedViewer, task_id: str) -> None:
    with suppress(ConnectionClosed):
        while True:
            await viewer.subscribe(task_id)


async def test_heartbeats_are_answered_both_ways(bench: Bench) -> None:
    async with bench.viewer(json=True) as viewer:
        await viewer.send(Heartbeat(sent_at=12.5))
        assert (await viewer.expect(Heartbeat)).echo == 12.5


async def test_many_outputs_take_turns(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        tasks = [await written(bench, identity, daemon, bytes(512 * KIB)) for _ in range(3)]
        for task in tasks:
            await viewer.subscribe(task)
        got = dict.fromkeys(tasks, 0)
        while any(size < 512 * KIB for size in got.values()):
            message = await viewer.expect(Output)
            got[message.task_id] += len(message.output)
            assert max(got.values()) - min(got.values()) <= 512 * KIB
            await viewer.send(ViewerAck(task_id=message.task_id, offset=got[message.task_id]))
