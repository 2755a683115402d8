"""Copies of a daemon that replace each other are all refused until a person decides."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from arborlink.protocol.messages import DaemonWelcome, WorkspaceChanged
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import (
    Closed,
    DaemonIdentity,
    ScriptedDaemon,
    daemon_auth,
    dialled_daemon,
)
from tests.hub.live.test_one_daemon import sessions_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

RACES = 1_000
RACERS = 8


async def quarantine(bench: Bench, identity: DaemonIdentity) -> list[Closed]:
    """Two copies come back in turns until neither is let in; how they were closed."""
    async with AsyncExitStack() as stack:
        peers: list[ScriptedDaemon] = []
        for instance in "ababa":
            auth = daemon_auth(identity, instance=instance)
            peers.append(await stack.enter_async_context(dialled_daemon(bench.port, auth)))
            if len(peers) < 5:
                await peers[-1].expect(DaemonWelcome)
        return [await peer.closed() for peer in peers]


def is_quarantined(fact: WorkspaceChanged) -> bool:
    return fact.workspace is not UNSET and fact.workspace.attention is not None


async def workspace(bench: Bench, identity: DaemonIdentity) -> dict[str, Any]:
    response = await bench.client.get(f"/api/workspaces/{identity.workspace_id}")
    found: dict[str, Any] = response.json()
    return found


async def release(bench: Bench, identity: DaemonIdentity) -> dict[str, Any]:
    path = f"/api/daemons/{identity.daemon_id}/release"
    released: dict[str, Any] = await bench.post(path, status=200)
    return released


async def test_two_copies_are_both_refused_for_good_and_loudly(
    bench: Bench, identity: DaemonIdentity, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench.viewer() as viewer:
        await viewer.watch(identity.workspace_id)
        with caplog.at_level(logging.ERROR):
            closes = await quarantine(bench, identity)
        assert [closed.code for closed in closes] == [4409, 4409, 4409, 4509, 4509]
        assert all("copies of this daemon" in closed.reason for closed in closes[3:])
        await viewer.expect(WorkspaceChanged, is_quarantined)
    assert identity.workspace_id in caplog.text and "quarantined" in caplog.text
    shown = await workspace(bench, identity)
    assert shown["state"] == "unreachable"
    assert shown["attention"]["code"] == "quarantined"
    for instance in ("a", "b", "c"):
        async with dialled_daemon(bench.port, daemon_auth(identity, instance=instance)) as copy:
            assert (await copy.closed()).code == 4509


async def test_a_person_lets_it_in_again_and_copies_are_found_again(
    bench: Bench, identity: DaemonIdentity
) -> None:
    for _ in range(2):
        await quarantine(bench, identity)
        assert (await release(bench, identity))["attention"] is None
    async with bench.daemon(identity):
        assert (await workspace(bench, identity))["state"] == "connected"


async def test_another_daemon_is_not_quarantined(bench: Bench, identity: DaemonIdentity) -> None:
    await quarantine(bench, identity)
    response = await bench.client.delete(f"/api/daemons/{identity.daemon_id}")
    assert response.status_code == 204
    assert (await workspace(bench, identity))["attention"] is None
    code = await bench.post(f"/api/workspaces/{identity.workspace_id}/enrollment")
    given = await bench.post("/api/enroll", {"code": code["code"]})
    fresh = identity._replace(daemon_id=given["daemonId"], auth_token=given["authToken"])
    async with bench.daemon(fresh):
        pass


async def test_only_who_may_change_the_workspace_releases_it(
    bench: Bench, identity: DaemonIdentity
) -> None:
    await quarantine(bench, identity)
    token = await bench.token(["tasks:read", "tasks:write"])
    refused = await bench.client.post(
        f"/api/daemons/{identity.daemon_id}/release",
        headers={"Authorization": f"Bearer {token['secret']}"},
    )
    assert refused.status_code == 403
    assert (await bench.client.post("/api/daemons/dmn_none/release")).status_code == 404
    assert (await workspace(bench, identity))["attention"] is not None


async def test_a_restarted_hub_remembers(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        await quarantine(bench, identity)
    async with running_bench(tmp_path) as bench:
        async with dialled_daemon(bench.port, daemon_auth(identity)) as copy:
            assert (await copy.closed()).code == 4509
        await release(bench, identity)
        async with bench.daemon(identity):
            pass


async def test_copied_credentials_that_race_never_both_serve(
    tmp_path: Path,
) -> None:
    """Many times at once, each as a supervisor of its own: every epoch has one holder at most."""
    async with running_bench(tmp_path, unauthenticated_connections_per_address=64) as bench:
        await race_for(bench, await bench.enrolled())


async def race_for(bench: Bench, identity: DaemonIdentity) -> None:
    rng = random.Random(1)
    epochs: list[int] = []
    codes: list[int] = []

    async def race(instance: str) -> None:
        for _ in range(RACES // RACERS):
            auth = daemon_auth(identity, instance=instance)
            async with dialled_daemon(bench.port, auth) as peer:
                if rng.random() < 0.5:
                    closed = await peer.closed()
                    codes.append(closed.code)
                    epochs.extend(each.epoch for each in peer.seen(DaemonWelcome))
                serving = [s for s in sessions_of(bench, identity) if s.link.state.value == "open"]
                assert len(serving) <= 1

    async with asyncio.TaskGroup() as group:
        for number in range(RACERS):
            group.create_task(race(f"copy {number}"))
    assert epochs and len(epochs) == len(set(epochs))
    assert set(codes) <= {4409, 4509} and 4509 in codes
    assert not bench.connected(identity.workspace_id)
