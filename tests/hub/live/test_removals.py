"""What is deleted ends at once for everybody who has it open, whatever deletes it, and for nobody
else: connections, subscriptions, tickets and what is kept in memory. Requests are in
`test_open_requests`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx2
import pytest
import pytest_asyncio

from arborlink.client import Chunk, Hub
from arborlink.protocol.errors import NotFound
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import ErrorMessage, Output, TaskStatusChanged, ViewerAuth
from arborlink.testing.hub import TOKEN
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import (
    DaemonIdentity,
    ScriptedViewer,
    daemon_auth,
    dialled_daemon,
    dialled_viewer,
)
from tests.hub.live.test_open_requests import long_task
from tests.hub.live.test_output import handed
from tests.hub.live.test_output_route import stored
from tests.hub.live.test_sign_out import PASSWORD, browser, member

pytestmark = pytest.mark.asyncio(loop_scope="module")

OUTPUT: Final = b"a secret of this workspace\n"
RACES: Final = 49


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub at which one may come in vain as often as one likes."""
    folder = tmp_path_factory.mktemp("hub")
    async with running_bench(folder, failed_authentications_per_minute=100_000.0) as bench:
        yield bench


async def delete(bench: Bench, path: str) -> None:
    response = await bench.client.delete(path)
    assert response.status_code == 204, response.text


async def delete_workspace(bench: Bench, identity: DaemonIdentity) -> None:
    await delete(bench, f"/api/workspaces/{identity.workspace_id}")


async def removal(viewer: ScriptedViewer, ref: str) -> str:
    """The code of the error with which the hub ends what `ref` names."""
    return (await viewer.expect(ErrorMessage, lambda error: error.ref == ref)).code


async def test_a_token_of_a_deleted_workspace_has_no_connection_left(
    bench: Bench, identity: DaemonIdentity
) -> None:
    other = await bench.enrolled()
    task = await stored(bench, identity, OUTPUT)
    here = await bench.token(["tasks:read"], identity.workspace_id)
    there = await bench.token(["tasks:read"], other.workspace_id)
    async with (
        bench.viewer(here["secret"]) as viewer,
        bench.viewer(here["secret"]) as idle,
        bench.viewer(there["secret"]) as neighbour,
    ):
        await viewer.subscribe(task)
        assert await viewer.read(task, len(OUTPUT)) == OUTPUT
        with bench.closing(viewer, idle):
            await delete_workspace(bench, identity)
        assert (await viewer.closed()).code == (await idle.closed()).code == 4501
        await neighbour.settle()
    headers = {"Authorization": f"Bearer {here['secret']}"}
    assert (await bench.client.get("/api/me", headers=headers)).status_code == 401


async def test_who_follows_or_watches_a_deleted_workspace_is_told_by_name(
    bench: Bench, identity: DaemonIdentity
) -> None:
    other = await bench.enrolled()
    kept = await stored(bench, other, OUTPUT)
    task = await stored(bench, identity, OUTPUT)
    queued = await bench.create(identity.workspace_id)
    async with bench.viewer() as follower, bench.viewer() as watcher, bench.viewer() as of_all:
        for each in (task, queued, kept):
            await follower.subscribe(each)
        await watcher.watch(identity.workspace_id)
        await watcher.watch(other.workspace_id)
        await of_all.watch("*")
        for viewer in (follower, watcher, of_all):
            await viewer.settle()
        await delete_workspace(bench, identity)
        ended = [await follower.expect(ErrorMessage) for _ in range(2)]
        assert {error.ref for error in ended} == {task, queued}
        assert {error.code for error in ended} == {"task_removed"}
        assert await removal(watcher, identity.workspace_id) == "workspace_removed"
        assert await removal(of_all, identity.workspace_id) == "workspace_removed"
        for viewer in (follower, watcher, of_all):
            await viewer.settle()
            named = [error.ref for error in viewer.seen(ErrorMessage)]
            assert not {kept, other.workspace_id} & set(named), named
        # Each goes on with what is left.
        another = await bench.create(other.workspace_id)
        for viewer in (watcher, of_all):
            await viewer.status(another, TaskStatus.PENDING)
        await follower.subscribe(task)
        assert await removal(follower, task) == "not_found"
    assert bench.hub.daemons.outputs.find(task) is None


async def test_a_member_hears_nothing_of_what_was_never_theirs(
    bench: Bench, identity: DaemonIdentity
) -> None:
    account = await member(bench, "unconcerned")
    user = {"username": account["username"], "password": PASSWORD}
    async with browser(bench, user) as here, here.viewer() as viewer, bench.viewer() as owner:
        mine = (await here.client.post("/api/workspaces", json={"name": "mine"})).json()["id"]
        for each in (viewer, owner):
            await each.watch("*")
            await each.settle()
        await delete_workspace(bench, identity)
        await removal(owner, identity.workspace_id)
        await viewer.settle()
        assert not viewer.seen(ErrorMessage)
        await delete(bench, f"/api/workspaces/{mine}")
        assert await removal(viewer, mine) == "workspace_removed"


async def test_no_byte_is_sent_of_a_deleted_workspace(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """Of an output that is longer than the viewer's window the rest would still be to come."""
    task = await long_task(bench, identity.workspace_id)
    async with bench.viewer() as viewer:
        await viewer.subscribe(task)
        await viewer.read(task, 64 * 1024, acknowledge=False)
        session = bench.session_of(viewer)
        await delete_workspace(bench, identity)
        assert session.next_bulk() is None
        assert await removal(viewer, task) == "task_removed"
        viewer.skipped.clear()
        await viewer.settle()
        assert not viewer.seen(Output) and not viewer.seen(TaskStatusChanged)


async def test_a_daemon_of_a_deleted_workspace_is_sent_away_for_good(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, OUTPUT)
        await daemon.ended(task, OUTPUT)
        await daemon.settled(task)
        with bench.closing(daemon):
            await delete_workspace(bench, identity)
        closed = await daemon.closed()
        assert closed.code == 4501 and "removed" in closed.reason
    async with dialled_daemon(bench.port, daemon_auth(identity)) as daemon:
        assert (await daemon.closed()).code == 4501


async def test_nothing_of_a_deleted_workspace_is_kept_in_memory(
    bench: Bench, identity: DaemonIdentity
) -> None:
    daemons, acceptance = bench.hub.daemons, bench.hub.sockets.acceptance
    async with bench.daemon(identity, instance="i1") as daemon:
        running = await handed(bench, identity, daemon)
        await daemon.output(running, 0, OUTPUT)
        await daemon.acked(running, len(OUTPUT))
    waiting = await bench.create(identity.workspace_id)
    before = daemons.presence.all_reconnects()
    async with bench.daemon(identity, instance="i2"):
        pass
    await bench.until(lambda: not bench.connected(identity.workspace_id))
    assert daemons.presence.all_reconnects() == before + 1
    assert {running, waiting} & daemons.inputs._relays.keys()
    await delete_workspace(bench, identity)
    assert not {running, waiting} & daemons.inputs._relays.keys()
    assert daemons.outputs.find(running) is None
    assert identity.workspace_id not in acceptance._contests._contests
    assert identity.workspace_id not in daemons.presence._returning._left
    assert identity.daemon_id not in daemons.presence._connections
    # A counter never goes down.
    assert daemons.presence.all_reconnects() == before + 1


async def test_a_daemon_that_is_removed_during_its_handshake_is_not_let_in(bench: Bench) -> None:
    for index in range(RACES):
        identity = await bench.enrolled()
        path = ("/api/workspaces/" + identity.workspace_id, "/api/daemons/" + identity.daemon_id)

        async def remove(path: str = path[index % 2]) -> None:
            await delete(bench, path)

        async with dialled_daemon(bench.port, daemon_auth(identity)) as daemon:
            for _ in range(index % 7):
                await asyncio.sleep(0)
            async with asyncio.TaskGroup() as group:
                group.create_task(remove())
            assert (await daemon.closed()).code == 4501
        assert bench.hub.daemons.presence.session(identity.workspace_id) is None


async def test_a_session_whose_time_is_over_ends_what_it_holds_open(bench: Bench) -> None:
    account = await member(bench, "overdue")
    user = {"username": account["username"], "password": PASSWORD}
    async with browser(bench, user) as old, old.viewer() as viewer, bench.viewer() as other:
        await bench.hub.store._execute(
            "UPDATE sessions SET expires_at = 1 WHERE user_id = :id", {"id": account["id"]}
        )
        # It is deleted with the next sign-in of anybody.
        with bench.closing(viewer):
            async with browser(bench, user):
                pass
        assert (await viewer.closed()).code == 4501
        await other.settle()


async def test_a_program_that_reads_is_told_by_the_name_of_the_error(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with (
        bench.daemon(identity) as daemon,
        Hub(f"http://127.0.0.1:{bench.port}", TOKEN) as hub,
    ):
        task = await handed(bench, identity, daemon)
        await daemon.running(task)
        await daemon.output(task, 0, OUTPUT)
        await daemon.acked(task, len(OUTPUT))
        read = b""
        await delete(bench, f"/api/daemons/{identity.daemon_id}")
        await daemon.closed()
        await bench.until(lambda: not bench.connected(identity.workspace_id))
        with pytest.raises(NotFound) as caught:
            async for piece in (await hub.task(task)).output():
                assert isinstance(piece, Chunk)
                read += piece.data
                await delete_workspace(bench, identity)
        assert (read, caught.value.code) == (OUTPUT, "task_removed")


async def test_a_key_of_a_deleted_workspace_makes_a_new_task_elsewhere(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """What the key made is gone, and so is the key."""
    other = await bench.enrolled()
    body, headers = {"command": "true", "ifOffline": "queue"}, {"Idempotency-Key": "of two"}
    path = f"/api/workspaces/{identity.workspace_id}/tasks"
    made = await bench.post(path, body, headers=headers)
    await delete_workspace(bench, identity)
    assert (await bench.post(path, body, 404, headers=headers))["code"] == "not_found"
    there = f"/api/workspaces/{other.workspace_id}/tasks"
    again = await bench.post(there, body, headers=headers)
    assert again["id"] != made["id"] and again["workspaceId"] == other.workspace_id


async def ticket_of(client: httpx2.AsyncClient, **headers: str) -> str:
    return str((await client.post("/api/ws-ticket", headers=headers)).json()["ticket"])


async def test_a_ticket_of_what_was_deleted_is_worth_nothing(
    bench: Bench, identity: DaemonIdentity
) -> None:
    token = await bench.token(["tasks:read"], identity.workspace_id)
    headers = {"Authorization": f"Bearer {token['secret']}"}
    tickets = [await ticket_of(bench.client, **headers)]
    await delete_workspace(bench, identity)
    account = await member(bench, "ticket")
    user = {"username": account["username"], "password": PASSWORD}
    async with browser(bench, user) as here, browser(bench, user) as there:
        tickets += [await ticket_of(each.client) for each in (here, there)]
        await here.client.delete("/api/session")
        await delete(bench, f"/api/users/{account['id']}")
    for each in tickets:
        async with dialled_viewer(bench.port, ViewerAuth(auth_token=each)) as viewer:
            assert (await viewer.closed()).code == 4501
