"""Connections that have to end: revoked, expired, stalled, or broken by a mistake of ours."""

from __future__ import annotations

import asyncio
import logging

import pytest

from arborlink.hub.live.session import Session
from arborlink.hub.live.uninterrupted import uninterrupted
from arborlink.protocol.errors import NotAuthenticated
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Output, ViewerAuth, ViewerWelcome
from tests.hub.live.bench import POLL_SECONDS, Bench
from tests.hub.live.peers import (
    DaemonIdentity,
    daemon_auth,
    dialled_daemon,
    dialled_viewer,
)
from tests.hub.live.test_output import handed
from tests.hub.live.test_viewers import append, numbered

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024


async def test_revoking_a_token_closes_what_it_holds_open_at_once_and_nothing_else(
    bench: Bench, identity: DaemonIdentity
) -> None:
    token = await bench.token(["tasks:read"])
    async with (
        bench.daemon(identity) as daemon,
        bench.viewer(token["secret"]) as viewer,
        bench.viewer() as other,
    ):
        task = await handed(bench, identity, daemon)
        await viewer.subscribe(task)
        await viewer.settle()
        with bench.closing(viewer):
            response = await bench.client.delete(f"/api/tokens/{token['id']}")
        assert response.status_code == 204
        assert (await viewer.closed()).code == 4501
        await daemon.output(task, 0, b"abc")
        await other.subscribe(task)
        assert await other.read(task, 3) == b"abc"
        assert not viewer.seen(Output)


async def test_removing_a_daemon_closes_its_connection_and_it_stays_out(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        with bench.closing(daemon):
            response = await bench.client.delete(f"/api/daemons/{identity.daemon_id}")
        assert response.status_code == 204
        assert (await daemon.closed()).code == 4501
    async with dialled_daemon(bench.port, daemon_auth(identity)) as daemon:
        assert (await daemon.closed()).code == 4501
    assert not bench.connected(identity.workspace_id)


async def test_a_token_that_expires_ends_its_connections(bench: Bench) -> None:
    lifetime = 1.0
    while True:
        body = {"name": "short", "scopes": ["tasks:read"], "expiresIn": lifetime}
        token = await bench.post("/api/tokens", body)
        auth = ViewerAuth(auth_token=token["secret"])
        async with dialled_viewer(bench.port, auth) as viewer:
            closed = await viewer.closed()
        if viewer.seen(ViewerWelcome):
            break
        # It had expired before it was used: here it takes longer than that to connect.
        lifetime *= 2
    assert closed.code == 4501 and "expired" in closed.reason


async def test_a_viewer_that_does_not_read_is_let_go_all_the_same(
    bench: Bench, identity: DaemonIdentity
) -> None:
    output = numbered(16 * MIB)
    async with bench.daemon(identity) as daemon, bench.viewer(max_queue=1) as stalled:
        session = bench.session_of(stalled)
        task = await handed(bench, identity, daemon)
        await stalled.subscribe(task, window=16 * MIB)
        for start in range(0, len(output), 4 * MIB):
            await append(daemon, task, start, output[start : start + 4 * MIB])
        await until_blocked(bench, session)
        session.fail(NotAuthenticated("as a revocation does it"))
        # Nothing else would end it: it goes on reading nothing, and a link that is closed has no
        # heartbeats that it could fail to answer.
        assert session.link.next_deadline() is None
        await gone(bench, session)
        await bench.until(lambda: not output_listeners(bench, task))
        stalled.socket.transport.abort()


async def gone(bench: Bench, session: Session) -> None:
    await bench.until(lambda: session not in bench.hub.sockets.sessions)


async def until_blocked(bench: Bench, session: Session) -> None:
    """Until nothing more can be sent to this peer."""
    sent, same = -1, 0
    while same < 20:
        rotation = session._rotation  # type: ignore[attr-defined]
        now = max(rotation.get(task).cursor.sent for task in rotation.task_ids())
        same, sent = (same + 1, sent) if now == sent else (0, now)
        await asyncio.sleep(POLL_SECONDS)


def output_listeners(bench: Bench, task: str) -> int:
    output = bench.hub.daemons.outputs.find(task)
    return 0 if output is None else len(output.listeners)


async def test_a_peer_that_vanishes_while_it_is_sent_to_is_no_mistake(
    bench: Bench, identity: DaemonIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        for _ in range(5):
            async with bench.viewer(max_queue=1) as viewer:
                session = bench.session_of(viewer)
                await viewer.subscribe(task, -1, window=16 * MIB)
                await viewer.settle()
                found = bench.hub.daemons.outputs.find(task)
                offset = found.end if found is not None else 0
                await append(daemon, task, offset, bytes(8 * MIB))
                await until_blocked(bench, session)
                viewer.socket.transport.abort()
                await gone(bench, session)
    serious = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not serious


async def test_a_mistake_of_ours_closes_one_connection_with_1011_and_is_logged(
    bench: Bench, identity: DaemonIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer, bench.viewer() as other:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"abc")
        await daemon.acked(task, 3)
        await other.subscribe(task)
        assert await other.read(task, 3) == b"abc"
        output = bench.hub.daemons.outputs.find(task)
        assert output is not None and output._reader is not None
        real, output._reader = output._reader, object()  # type: ignore[assignment]
        await viewer.subscribe(task)
        assert (await viewer.closed()).code == 1011
        output._reader = real
        await daemon.output(task, 3, b"def")
        assert await other.read(task, 3) == b"def"
    assert "because of a mistake" in caplog.text and "AttributeError" in caplog.text


async def test_a_mistake_during_the_handshake_closes_it_with_1011(
    bench: Bench, identity: DaemonIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.hub.store._execute(
        "UPDATE workspaces SET epoch = 9223372036854775807 WHERE id = :id",
        {"id": identity.workspace_id},
    )
    async with dialled_daemon(bench.port, daemon_auth(identity)) as daemon:
        assert (await daemon.closed()).code == 1011
    assert "because of a mistake" in caplog.text


async def test_work_that_was_begun_goes_on_when_it_is_cancelled() -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> int:
        begun.set()
        await go_on.wait()
        done.append(1)
        return 7

    async with asyncio.TaskGroup() as group:
        task = group.create_task(uninterrupted(work()))
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
    assert done == [1] and task.cancelled()
    go_on.set()
    assert await uninterrupted(work()) == 7


async def test_what_goes_wrong_in_uninterrupted_work_is_raised_as_it_is() -> None:
    async def work() -> None:
        raise NotAuthenticated("no")

    with pytest.raises(NotAuthenticated):
        await uninterrupted(work())


async def test_deleting_a_workspace_ends_its_daemon_and_its_watchers_hear_no_more(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        task = await handed(bench, identity, daemon)
        await viewer.watch(identity.workspace_id)
        await daemon.ended(task)
        await viewer.status(task, TaskStatus.COMPLETED)
        response = await bench.client.delete(f"/api/workspaces/{identity.workspace_id}")
        assert response.status_code == 204
        assert (await daemon.closed()).code in (1001, 4501)
        await viewer.settle()
