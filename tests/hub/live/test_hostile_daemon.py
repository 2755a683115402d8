"""A daemon may report anything: of others' tasks it is not heard, and of its own nothing that is
stored is changed by it."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from arborlink.protocol.lifecycle import TaskStatus, is_final
from arborlink.protocol.messages import Command, DaemonWelcome
from tests.hub.hostile import END, LIES, STORED, Lie, Neighbour, Scene, answer_to, auths, neighbour
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import (
    LOG_ID,
    DaemonIdentity,
    ScriptedDaemon,
    dialled_daemon,
    spooled,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEEDS = range(12)
LIES_AT_ONCE = 40


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub with one place a workspace, so that a second task waits."""
    folder = tmp_path_factory.mktemp("hub")
    async with running_bench(folder, running_tasks_per_workspace=1) as bench:
        yield bench


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def beside(bench: Bench) -> AsyncIterator[Neighbour]:
    async with neighbour(bench) as made:
        yield made


@asynccontextmanager
async def scene(bench: Bench, beside: Neighbour) -> AsyncIterator[tuple[ScriptedDaemon, Scene]]:
    """A daemon that was just enrolled, with a task in each state."""
    identity = await bench.enrolled()
    async with bench.daemon(identity) as daemon:
        over = await started(bench, identity, daemon)
        await daemon.ended(over, STORED)
        await daemon.settled(over)
        task = await started(bench, identity, daemon)
        waiting = await bench.create(identity.workspace_id)
        yield daemon, Scene(task, over, waiting, beside)


async def started(bench: Bench, identity: DaemonIdentity, daemon: ScriptedDaemon) -> str:
    """A task that runs and has written something."""
    task = await bench.create(identity.workspace_id)
    await daemon.expect(Command, lambda command: command.task_id == task)
    await daemon.running(task)
    await daemon.output(task, 0, STORED)
    await daemon.acked(task, END)
    return task


async def check(bench: Bench, of: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """What was stored of its own tasks is stored still, and nothing is of the neighbour's."""
    for task in (of.task, of.over):
        assert (await bench.stored(task))[:END] == STORED
    assert bench.row(of.over).status is TaskStatus.COMPLETED
    assert bench.row(of.waiting).status is TaskStatus.PENDING
    await of.neighbour.check()
    assert "because of a mistake" not in caplog.text


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
async def test_a_lie_changes_nothing_of_others(
    bench: Bench, beside: Neighbour, lie: Lie, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    async with scene(bench, beside) as (daemon, of):
        assert await answer_to(daemon, lie.messages(of)) in lie.answers
        await check(bench, of, caplog)


@pytest.mark.parametrize("seed", SEEDS)
async def test_many_lies_one_after_another_change_nothing_of_others(
    bench: Bench, beside: Neighbour, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    chosen = random.Random(seed)
    async with scene(bench, beside) as (daemon, of):
        lies = [chosen.choice(LIES) for _ in range(LIES_AT_ONCE)]
        await answer_to(daemon, [message for lie in lies for message in lie.messages(of)])
        await check(bench, of, caplog)


async def test_what_a_daemon_claims_when_it_comes_is_of_its_own_tasks_alone(
    bench: Bench, beside: Neighbour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    identity = await bench.enrolled()
    async with bench.daemon(identity) as daemon:
        task = await started(bench, identity, daemon)
    of = Scene(task, task, task, beside)
    claims = auths(identity, of)
    for claim, auth in claims.items():
        async with dialled_daemon(bench.port, auth) as daemon:
            welcome = await daemon.expect(DaemonWelcome)
            assert {each.task_id for each in welcome.tasks} <= {task}, claim
        assert (await bench.stored(task))[:END] == STORED, claim
        await beside.check()
        shown = (await bench.client.get(f"/api/workspaces/{beside.identity.workspace_id}")).json()
        assert shown["host"] == "h" and shown["state"] == "connected", claim
    assert len(claims) == 8 and "because of a mistake" not in caplog.text


async def test_bytes_of_two_logs_are_not_joined_by_a_borrowed_name(
    bench: Bench, beside: Neighbour
) -> None:
    """The neighbour's log has the same name; it is the task's id that says whose it is."""
    identity = await bench.enrolled()
    async with bench.daemon(identity, instance="i1") as daemon:
        task = await started(bench, identity, daemon)
        # It is written beside the output, which is acknowledged first.
        await bench.until(lambda: bench.row(task).log_id is not None, "the name of its log")
    assert bench.row(task).log_id == bench.row(beside.task).log_id == LOG_ID
    other = "f" * 32
    async with bench.daemon(
        identity, instance="i1", tasks=[spooled(task, 10**6, log_id=other)]
    ) as daemon:
        assert daemon.positions() == {}
    row = bench.row(task)
    assert is_final(row.status) and row.reason == "corrupt_output"
    assert await bench.stored(task) == STORED
    await beside.check()
