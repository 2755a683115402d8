"""Another daemon takes a workspace over: it gets nothing that was meant for the one before."""

from __future__ import annotations

import pytest

from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Command, SpooledTask
from tests.hub.live.bench import Bench
from tests.hub.live.peers import LOG_ID, DaemonIdentity, daemon_auth, dialled_daemon
from tests.hub.live.test_output import handed

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = {"SECRET": "of the first machine"}


async def taken_over(bench: Bench, identity: DaemonIdentity) -> DaemonIdentity:
    """Another daemon in the place of this one."""
    assert (await bench.client.delete(f"/api/daemons/{identity.daemon_id}")).status_code == 204
    code = await bench.post(f"/api/workspaces/{identity.workspace_id}/enrollment")
    given = await bench.post("/api/enroll", {"code": code["code"]})
    return DaemonIdentity(given["workspaceId"], given["daemonId"], given["authToken"])


async def test_what_waited_is_not_sent_to_another_machine(
    bench: Bench, identity: DaemonIdentity
) -> None:
    early = await bench.create(identity.workspace_id, env=SECRET)
    async with bench.daemon(await taken_over(bench, identity)) as other:
        row = await bench.becomes(early, TaskStatus.EXPIRED)
        assert row.reason == "daemon_replaced" and "Another daemon" in (row.error or "")
        late = await bench.create(identity.workspace_id)
        assert (await other.expect(Command)).task_id == late
        assert not other.seen(Command)


async def test_what_was_handed_over_and_not_started_is_not_sent_again(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity, instance="same") as daemon:
        task = await bench.create(identity.workspace_id, env=SECRET)
        assert (await daemon.expect(Command)).task_id == task
        other = await taken_over(bench, identity)
    # The instance of a daemon is its own word.
    async with bench.daemon(other, instance="same") as taker:
        await taker.settle()
        assert not taker.seen(Command)
        row = await bench.becomes(task, TaskStatus.LOST)
        assert row.reason == "daemon_replaced"


@pytest.mark.parametrize("is_running", [True, False])
async def test_another_daemon_does_not_claim_tasks_of_the_one_before(
    bench: Bench, identity: DaemonIdentity, is_running: bool
) -> None:
    if is_running:
        async with bench.daemon(identity, instance="same") as daemon:
            task = await handed(bench, identity, daemon)
    else:
        task = await bench.create(identity.workspace_id, env=SECRET)
    other = await taken_over(bench, identity)
    claim = SpooledTask(task_id=task, log_id=LOG_ID, start=0, end=5, status=TaskStatus.RUNNING)
    for claims in ((claim,), ()):
        async with bench.daemon(other, instance="same", tasks=claims) as taker:
            await taker.settle()
            assert not taker.seen(Command)
    assert bench.row(task).reason == "daemon_replaced"


async def test_the_daemon_before_is_refused_and_closed(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as before:
        with bench.closing(before):
            await taken_over(bench, identity)
        assert (await before.closed()).code == 4501
    async with dialled_daemon(bench.port, daemon_auth(identity)) as again:
        assert (await again.closed()).code == 4501


async def test_a_first_daemon_gets_what_waited_for_it(bench: Bench) -> None:
    workspace = await bench.post("/api/workspaces", {"name": "first"})
    task = await bench.create(workspace["id"], env=SECRET)
    code = await bench.post(f"/api/workspaces/{workspace['id']}/enrollment")
    given = await bench.post("/api/enroll", {"code": code["code"]})
    identity = DaemonIdentity(given["workspaceId"], given["daemonId"], given["authToken"])
    async with bench.daemon(identity) as daemon:
        assert (await daemon.expect(Command)).task_id == task


async def test_a_daemon_that_comes_back_gets_what_waited_for_it(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id, env=SECRET)
    async with bench.daemon(identity) as daemon:
        assert (await daemon.expect(Command)).task_id == task
