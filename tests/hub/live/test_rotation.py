"""A connected daemon is given another token: nothing is interrupted, and nobody is locked out."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from arborlink.protocol.messages import Rotate, Rotated
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon, daemon_auth, dialled_daemon
from tests.hub.live.test_output import handed

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def rotate(bench: Bench, identity: DaemonIdentity) -> None:
    """Ask for it."""
    answer = await bench.post(f"/api/daemons/{identity.daemon_id}/rotate", status=202)
    assert answer["rotationRequestedAt"] is not None
    assert identity.auth_token not in str(answer)


async def is_done(bench: Bench, identity: DaemonIdentity) -> bool:
    """Whether the daemon has it, as the API says."""
    found = (await bench.client.get(f"/api/daemons/{identity.daemon_id}")).json()
    return found["rotationRequestedAt"] is None and found["tokenRotatedAt"] is not None


def comes_with(
    bench: Bench, identity: DaemonIdentity, token: str
) -> AbstractAsyncContextManager[ScriptedDaemon]:
    """The daemon, let in with this token."""
    return bench.daemon(identity._replace(auth_token=token))


async def is_refused(bench: Bench, identity: DaemonIdentity, token: str) -> bool:
    """Whether the daemon is refused for good with this token."""
    auth = daemon_auth(identity._replace(auth_token=token))
    async with dialled_daemon(bench.port, auth) as daemon:
        return (await daemon.closed()).code == 4501


async def test_the_connection_goes_on_and_the_old_token_is_void_once_it_is_confirmed(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.output(task, 0, b"before ")
        await rotate(bench, identity)
        offer = await daemon.expect(Rotate)
        assert not await is_done(bench, identity)
        await daemon.send(Rotated(rotation_id=offer.rotation_id))
        await daemon.output(task, 7, b"after")
        await daemon.acked(task, 12)
        assert await is_done(bench, identity)
        assert await is_refused(bench, identity, identity.auth_token)
        assert bench.connected(identity.workspace_id)
    async with comes_with(bench, identity, offer.auth_token):
        assert bench.connected(identity.workspace_id)


async def test_a_daemon_that_is_away_is_offered_one_when_it_comes(
    bench: Bench, identity: DaemonIdentity
) -> None:
    await rotate(bench, identity)
    async with bench.daemon(identity) as daemon:
        offer = await daemon.expect(Rotate)
    # It broke off before it has confirmed: either is good, and this one settles it.
    assert not await is_done(bench, identity)
    async with comes_with(bench, identity, offer.auth_token):
        assert await is_done(bench, identity)
    assert await is_refused(bench, identity, identity.auth_token)


async def test_a_daemon_that_does_not_know_about_it_keeps_its_token(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        await rotate(bench, identity)
        await daemon.expect(Rotate)
    async with bench.daemon(identity) as daemon:
        await daemon.expect(Rotate)
        assert not await is_done(bench, identity)


async def test_a_hub_that_was_restarted_accepts_what_it_offered_before(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            await rotate(bench, identity)
            offer = await daemon.expect(Rotate)
    async with running_bench(tmp_path) as bench:
        async with bench.daemon(identity) as daemon:
            later = await daemon.expect(Rotate)
            assert later.auth_token != offer.auth_token
            # What it stored, and could not confirm.
            await daemon.send(Rotated(rotation_id=offer.rotation_id))
            await bench.until(lambda: not _is_requested(bench, identity), "it to be settled")
        assert await is_refused(bench, identity, identity.auth_token)
        async with comes_with(bench, identity, offer.auth_token):
            assert bench.connected(identity.workspace_id)


def _is_requested(bench: Bench, identity: DaemonIdentity) -> bool:
    row = bench.hub.store.daemon(identity.daemon_id)
    return row is not None and row.rotation_requested_at is not None


async def test_what_was_never_offered_settles_nothing(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.send(Rotated(rotation_id="rot_nothing"))
        await daemon.output(task, 0, b"x")
        await daemon.acked(task, 1)
        assert not await is_done(bench, identity)
    async with bench.daemon(identity):
        assert bench.connected(identity.workspace_id)


async def test_removing_a_daemon_ends_its_connection_at_once_whatever_it_holds(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity) as daemon:
        await rotate(bench, identity)
        offer = await daemon.expect(Rotate)
        with bench.closing(daemon):
            response = await bench.client.delete(f"/api/daemons/{identity.daemon_id}")
        assert response.status_code == 204
        assert (await daemon.closed()).code == 4501
    for token in (identity.auth_token, offer.auth_token):
        assert await is_refused(bench, identity, token)
