"""A daemon that was here a moment ago is waited for; nobody else is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from arborlink.hub.live.presence import Presence
from arborlink.hub.live.returning import MAX_WAITING
from arborlink.protocol.messages import Command
from tests.bounds import NEVER_SECONDS
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity

pytestmark = pytest.mark.asyncio(loop_scope="module")

# For something that must not happen.
A_WHILE_SECONDS = 0.2
SHORT_SECONDS = 0.5
BODY = {"command": "true"}


@asynccontextmanager
async def patient_bench(folder: Path) -> AsyncIterator[Bench]:
    """A hub whose grace never runs out: what is answered was not waiting for that."""
    async with running_bench(folder) as bench:
        # Beyond what the setting allows.
        bench.hub.daemons.presence._returning._grace = NEVER_SECONDS
        yield bench


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    async with patient_bench(tmp_path_factory.mktemp("hub")) as bench:
        yield bench


@asynccontextmanager
async def asked(
    bench: Bench, identity: DaemonIdentity, **headers: str
) -> AsyncIterator[asyncio.Task[Any]]:
    """A request to run something now, which the hub does not answer for a while."""
    path = f"/api/workspaces/{identity.workspace_id}/tasks"
    async with asyncio.TaskGroup() as group:
        request = group.create_task(bench.client.post(path, json=BODY, headers=headers))
        done, _ = await asyncio.wait([request], timeout=A_WHILE_SECONDS)
        assert not done, request.result().text
        yield request


async def refused_at_once(bench: Bench, identity: DaemonIdentity) -> None:
    """It is refused, and nothing is waited for: not even a turn of the event loop passes."""
    waiting = bench.hub.daemons.presence.until_back(identity.workspace_id)
    with pytest.raises(StopIteration):
        waiting.send(None)
    path = f"/api/workspaces/{identity.workspace_id}/tasks"
    assert (await bench.post(path, BODY, status=409))["code"] == "workspace_unreachable"


async def been_here(bench: Bench, identity: DaemonIdentity) -> None:
    async with bench.daemon(identity):
        pass
    await bench.until(lambda: not bench.connected(identity.workspace_id))


async def test_a_task_waits_for_a_daemon_whose_connection_was_just_lost(
    bench: Bench, identity: DaemonIdentity
) -> None:
    await been_here(bench, identity)
    async with asked(bench, identity) as request, bench.daemon(identity) as daemon:
        answer = await request
        command = await daemon.expect(Command)
        assert (answer.status_code, answer.json()["id"]) == (201, command.task_id)
        await daemon.settle()
        assert not daemon.seen(Command)


async def test_a_request_that_is_repeated_while_it_waits_starts_one_task(
    bench: Bench, identity: DaemonIdentity
) -> None:
    await been_here(bench, identity)
    key = {"Idempotency-Key": f"k-{identity.workspace_id}"}
    async with (
        asked(bench, identity, **key) as first,
        asked(bench, identity, **key) as second,
        bench.daemon(identity) as daemon,
    ):
        answers = [await first, await second]
        assert [answer.status_code for answer in answers] == [201, 201]
        (task_id,) = {answer.json()["id"] for answer in answers}
        assert (await daemon.expect(Command)).task_id == task_id
        await daemon.settle()
        assert not daemon.seen(Command)


async def test_a_daemon_that_does_not_come_back_is_waited_for_once(tmp_path: Path) -> None:
    async with running_bench(tmp_path, reconnect_grace_seconds=SHORT_SECONDS) as bench:
        identity = await bench.enrolled()
        before_it_left = time.monotonic()
        await been_here(bench, identity)
        path = f"/api/workspaces/{identity.workspace_id}/tasks"
        assert (await bench.post(path, BODY, status=409))["code"] == "workspace_unreachable"
        assert time.monotonic() - before_it_left >= SHORT_SECONDS
        await refused_at_once(bench, identity)


async def test_a_grace_of_nothing_is_none(tmp_path: Path) -> None:
    async with running_bench(tmp_path, reconnect_grace_seconds=0) as bench:
        identity = await bench.enrolled()
        await been_here(bench, identity)
        await refused_at_once(bench, identity)


async def test_daemons_of_before_a_restart_are_expected_back(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity, stranger = await bench.enrolled(), await bench.enrolled()
        async with bench.daemon(identity):
            await bench.hub.drain()
    async with patient_bench(tmp_path) as bench:
        await refused_at_once(bench, stranger)
        async with asked(bench, identity) as request, bench.daemon(identity) as daemon:
            assert (await request).status_code == 201
            await daemon.expect(Command)


async def test_daemons_of_a_hub_that_was_killed_are_expected_back(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """Nobody noted that they went: the next hub finds them as they were."""
    stranger = await bench.enrolled()
    async with bench.daemon(identity), asyncio.TaskGroup() as group:
        next_one = Presence(bench.hub.store, grace_seconds=NEVER_SECONDS)
        await next_one.until_back(stranger.workspace_id)
        waiting = group.create_task(next_one.until_back(identity.workspace_id))
        done, _ = await asyncio.wait([waiting], timeout=A_WHILE_SECONDS)
        assert not done
        session = bench.hub.daemons.presence.session(identity.workspace_id)
        assert session is not None
        next_one.enter(session)
        await waiting


async def test_a_drain_ends_the_waiting(tmp_path: Path) -> None:
    async with patient_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        await been_here(bench, identity)
        async with asked(bench, identity) as request:
            await bench.hub.drain()
            assert (await request).json()["code"] == "unavailable"


async def test_a_workspace_that_is_removed_meanwhile_is_not_found(
    bench: Bench, identity: DaemonIdentity
) -> None:
    await been_here(bench, identity)
    async with asked(bench, identity) as request:
        path = f"/api/workspaces/{identity.workspace_id}"
        assert (await bench.client.delete(path)).status_code == 204
        # In place of the end of its grace.
        bench.hub.daemons.presence._returning.give_up()
        assert (await request).status_code == 404


async def without_its_daemon(bench: Bench, identity: DaemonIdentity) -> None:
    assert (await bench.client.delete(f"/api/daemons/{identity.daemon_id}")).status_code == 204


async def quarantined(bench: Bench, identity: DaemonIdentity) -> None:
    store = bench.hub.store
    await store.quarantine_daemon(identity.workspace_id, identity.daemon_id, 1)


@pytest.mark.parametrize(
    "barred", [without_its_daemon, quarantined], ids=lambda each: each.__name__
)
async def test_a_daemon_that_may_not_come_back_is_not_waited_for(
    bench: Bench, identity: DaemonIdentity, barred: Callable[..., Any]
) -> None:
    await been_here(bench, identity)
    await barred(bench, identity)
    await refused_at_once(bench, identity)


async def test_only_so_many_wait_for_one_workspace(bench: Bench, identity: DaemonIdentity) -> None:
    await been_here(bench, identity)
    presence = bench.hub.daemons.presence
    async with asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(presence.until_back(identity.workspace_id))
            for _ in range(MAX_WAITING)
        ]
        counted = presence._returning._waiting
        await bench.until(lambda: counted[identity.workspace_id] == MAX_WAITING)
        await refused_at_once(bench, identity)
        assert not any(task.done() for task in waiting)
        async with bench.daemon(identity):
            await asyncio.gather(*waiting)
