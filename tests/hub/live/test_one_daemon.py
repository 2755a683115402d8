"""At most one daemon a workspace, and whose word counts (design rule 5)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from arborlink.hub.live.daemon_session import DaemonSession
from arborlink.protocol.errors import ConnectionReplaced
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Command, Output, Status
from tests.hub.live.bench import Bench
from tests.hub.live.peers import (
    LOG_ID,
    Closed,
    DaemonIdentity,
    ScriptedDaemon,
    daemon_auth,
    dialled_daemon,
    spooled,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_newer_connection_of_the_same_supervisor_takes_over(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as older:
        await older.expect(Command)
        await older.running(task)
        await older.output(task, 0, b"abc")
        await older.acked(task, 3)
        async with bench.daemon(identity, tasks=[spooled(task, 3)]) as newer:
            assert (await older.closed()).code == 4409
            assert newer.welcome.epoch > older.welcome.epoch
            assert newer.positions() == {task: 3}
            await newer.output(task, 3, b"def")
            await newer.ended(task, b"abcdef")
            await newer.settled(task)
    assert bench.row(task).status is TaskStatus.COMPLETED
    assert await bench.stored(task) == b"abcdef"


async def test_a_new_supervisor_takes_over_and_unfinished_tasks_are_lost(
    bench: Bench, identity: DaemonIdentity
) -> None:
    running, sent = [await bench.create(identity.workspace_id) for _ in range(2)]
    async with bench.daemon(identity, instance="i1") as older, bench.viewer() as viewer:
        await older.running(running)
        await older.output(running, 0, b"abc")
        await older.acked(running, 3)
        await viewer.subscribe(running)
        async with bench.daemon(identity, instance="i2") as newer:
            assert (await older.closed()).code == 4409
            assert newer.positions() == {}
            fact = await viewer.status(running, TaskStatus.LOST)
    assert (fact.reason, fact.final_offset) == ("daemon_restarted", 3)
    assert bench.row(sent).status is TaskStatus.LOST
    assert await bench.stored(running) == b"abc"


async def test_another_daemon_is_refused_for_good_and_disturbs_nobody(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """The store knows one daemon a workspace; a second can only come from a restored backup."""
    async with bench.daemon(identity) as served:
        other = await bench.enrolled()
        for workspace, daemon in ((other, None), (identity, other.daemon_id)):
            await bench.hub.store._execute(
                "UPDATE workspaces SET daemon_id = :daemon WHERE id = :id",
                {"daemon": daemon, "id": workspace.workspace_id},
            )
        async with dialled_daemon(bench.port, daemon_auth(identity)) as second:
            closed = await second.closed()
        assert closed.code == 4509 and "Remove that one first" in closed.reason
        await served.settle()
        assert bench.connected(identity.workspace_id)


async def test_frames_of_a_replaced_connection_change_nothing(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as older:
        await older.expect(Command)
        session = bench.hub.daemons.presence.session(identity.workspace_id)
        assert session is not None
        async with bench.daemon(identity, tasks=[spooled(task)]) as newer:
            await session.handle(
                Output(task_id=task, offset=0, is_error=False, time=0, output=b"stale")
            )
            await session.handle(
                Status(task_id=task, status=TaskStatus.FAILED, log_id=LOG_ID, final_offset=5)
            )
            await newer.output(task, 0, b"fresh")
            await newer.ended(task, b"fresh")
            await newer.settled(task)
    assert bench.row(task).status is TaskStatus.COMPLETED
    assert await bench.stored(task) == b"fresh"


async def test_what_was_recorded_of_an_old_connection_adds_nothing_on_a_new_one(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """Somebody between daemon and hub plays it back, with the credentials that are in it."""
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        await daemon.running(task)
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
    async with bench.daemon(identity, tasks=[spooled(task, 6)]) as daemon:
        await daemon.output(task, 3, b"def")
        await daemon.acked(task, 6)
        async with bench.daemon(identity) as replay:
            await replay.running(task)
            await replay.output(task, 0, b"abc")
            await replay.acked(task, 6)
            assert (await daemon.closed()).code == 4409
            async with bench.daemon(identity, tasks=[spooled(task, 6)]) as back:
                assert back.positions() == {task: 6}
                await back.ended(task, b"abcdef")
                await back.settled(task)
                await replay.closed()
    assert bench.row(task).status is TaskStatus.COMPLETED
    assert await bench.stored(task) == b"abcdef"


async def test_reports_that_a_replaced_connection_left_in_its_queue_change_nothing(
    bench: Bench, identity: DaemonIdentity
) -> None:
    tasks = [await bench.create(identity.workspace_id) for _ in range(12)]
    async with bench.daemon(identity) as older:
        for _ in tasks:
            await older.expect(Command)
        session = bench.hub.daemons.presence.session(identity.workspace_id)
        assert session is not None
        for task in tasks:
            report = Status(task_id=task, status=TaskStatus.FAILED, log_id=LOG_ID, final_offset=0)
            await session.handle(report)
        assert bench.hub.daemons.presence.leave(session), "a successor is about to enter"
        await bench.until(session._reports.empty)
        await older.settle()
        session.fail(ConnectionReplaced("as a takeover does it"))
        await older.closed()
        async with bench.daemon(identity, tasks=[spooled(task) for task in tasks]) as newer:
            failed = [t for t in tasks if bench.row(t).status is TaskStatus.FAILED]
            assert len(failed) <= 1, "only what was being stored when it was replaced"
            for task in set(tasks) - set(failed):
                await newer.ended(task)
                await newer.settled(task)


async def test_the_late_close_of_a_replaced_connection_leaves_the_successor_present(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with AsyncExitStack() as stack:
        older = await stack.enter_async_context(bench.daemon(identity))
        async with bench.daemon(identity) as newer, bench.viewer() as viewer:
            await viewer.watch(identity.workspace_id)
            await stack.aclose()
            await newer.settle()
            await bench.until(lambda: len(sessions_of(bench, identity)) == 1)
            assert bench.connected(identity.workspace_id)
            row = bench.hub.store.workspace(identity.workspace_id)
            assert row is not None and row.last_seen_at is None
        assert older.socket.close_code is not None
    await bench.until(lambda: not bench.connected(identity.workspace_id))


def sessions_of(bench: Bench, identity: DaemonIdentity) -> list[DaemonSession]:
    return [
        session
        for session in bench.hub.sockets.sessions
        if isinstance(session, DaemonSession) and session.workspace_id == identity.workspace_id
    ]


async def test_many_connections_at_once_leave_exactly_one_which_is_the_newest(
    bench: Bench, identity: DaemonIdentity
) -> None:
    running = await bench.create(identity.workspace_id)
    async with AsyncExitStack() as stack:
        dialled: list[ScriptedDaemon] = []

        async def dial(number: int) -> None:
            journal = [spooled(running)] if number % 2 else []
            auth = daemon_auth(identity, tasks=journal)
            dialled.append(await stack.enter_async_context(dialled_daemon(bench.port, auth)))

        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(dial(number))
        closes: list[Closed] = []
        async with asyncio.TaskGroup() as group:
            for daemon in dialled:
                group.create_task(note_close(daemon, closes))
            await bench.until(lambda: len(closes) == 5, "five to be replaced")
            session = bench.hub.daemons.presence.session(identity.workspace_id)
            assert session is not None
            await bench.until(lambda: sessions_of(bench, identity) == [session])
            session.close(1000, "the last one")
        row = bench.hub.store.workspace(identity.workspace_id)
        assert row is not None and session.epoch == row.epoch
    assert {closed.code for closed in closes[:5]} == {4409}


async def note_close(daemon: ScriptedDaemon, closes: list[Closed]) -> None:
    closes.append(await daemon.closed())


async def test_a_session_of_an_older_epoch_never_takes_the_place_of_a_newer_one(
    bench: Bench, identity: DaemonIdentity
) -> None:
    presence = bench.hub.daemons.presence
    async with bench.daemon(identity):
        older = presence.session(identity.workspace_id)
        assert older is not None
        async with bench.daemon(identity):
            newer = presence.session(identity.workspace_id)
            with pytest.raises(ConnectionReplaced):
                presence.enter(older)
            assert presence.session(identity.workspace_id) is newer
