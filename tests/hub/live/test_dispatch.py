"""Which task is handed to whom, when, and how many (design rule 4)."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from pathlib import Path
from typing import Any

import apsw
import pytest

from arborlink.hub.live import dispatcher as dispatching
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Cancel, Command
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon, spooled

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def commands(daemon: ScriptedDaemon, count: int) -> list[str]:
    """The tasks that are handed over next."""
    found = [await daemon.expect(Command) for _ in range(count)]
    return [command.task_id for command in found]


async def test_a_command_arrives_as_it_was_asked_for(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with bench.daemon(identity, json=True) as daemon:
        task = await bench.create(
            identity.workspace_id,
            "make",
            args=["-j", "ü"],
            cwd="src",
            env={"A": "1"},
            tty={"cols": 80, "rows": 24},
            timeout=3.5,
            onSpoolFull="drop_middle",
        )
        command = await daemon.expect(Command)
    assert (command.task_id, command.command, command.args) == (task, "make", ["-j", "ü"])
    assert (command.cwd, command.env, command.timeout) == ("src", {"A": "1"}, 3.5)
    assert command.tty is not None and command.on_spool_full == "drop_middle"


async def test_without_a_daemon_a_task_is_refused_unless_it_wants_to_wait(
    bench: Bench, identity: DaemonIdentity
) -> None:
    path = f"/api/workspaces/{identity.workspace_id}/tasks"
    refused = await bench.post(path, {"command": "true"}, status=409)
    assert refused["code"] == "workspace_unreachable"
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        assert await commands(daemon, 1) == [task]


async def test_waiting_tasks_are_handed_over_oldest_first_up_to_the_running_limit(
    tmp_path: Path,
) -> None:
    async with running_bench(tmp_path, running_tasks_per_workspace=2) as bench:
        identity = await bench.enrolled()
        tasks = [await bench.create(identity.workspace_id) for _ in range(4)]
        async with bench.daemon(identity) as daemon:
            assert await commands(daemon, 2) == tasks[:2]
            await daemon.settle()
            assert not daemon.seen(Command)
            await daemon.ended(tasks[1])
            assert await commands(daemon, 1) == [tasks[2]]
            await daemon.ended(tasks[0])
            assert await commands(daemon, 1) == [tasks[3]]


async def test_a_new_task_does_not_overtake_one_that_waits(tmp_path: Path) -> None:
    async with running_bench(tmp_path, running_tasks_per_workspace=1) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            first, second, third = [await bench.create(identity.workspace_id) for _ in range(3)]
            assert await commands(daemon, 1) == [first]
            await daemon.ended(first)
            assert await commands(daemon, 1) == [second]
            assert bench.row(third).instance_id is None


async def test_concurrent_creates_keep_to_both_limits(tmp_path: Path) -> None:
    settings = {"running_tasks_per_workspace": 3, "queued_tasks_per_workspace": 4}
    async with running_bench(tmp_path, **settings) as bench:
        identity = await bench.enrolled()
        path = f"/api/workspaces/{identity.workspace_id}/tasks"
        async with bench.daemon(identity) as daemon:
            async with asyncio.TaskGroup() as group:
                posts = [
                    group.create_task(bench.client.post(path, json={"command": "true"}))
                    for _ in range(20)
                ]
            statuses = [post.result().status_code for post in posts]
            assert sorted(set(statuses)) == [201, 429]
            counts = bench.hub.store.task_counts(identity.workspace_id)
            assert counts.dispatched == 3
            assert counts.queued <= 4
            assert statuses.count(201) == counts.dispatched + counts.queued
            refused = next(p.result() for p in posts if p.result().status_code == 429)
            assert refused.json()["code"] == "queue_full"
            assert refused.headers["Retry-After"] == str(refused.json()["retryAfter"]) == "10"
            await commands(daemon, 3)
            await daemon.settle()
            assert not daemon.seen(Command)


async def test_the_queue_is_bounded_while_the_daemon_is_away(tmp_path: Path) -> None:
    async with running_bench(tmp_path, queued_tasks_per_workspace=2) as bench:
        identity = await bench.enrolled()
        for _ in range(2):
            await bench.create(identity.workspace_id)
        body = {"command": "true", "ifOffline": "queue"}
        path = f"/api/workspaces/{identity.workspace_id}/tasks"
        assert (await bench.post(path, body, status=429))["code"] == "queue_full"


async def test_a_request_that_is_repeated_while_the_first_is_stored_makes_one_task(
    bench: Bench, identity: DaemonIdentity
) -> None:
    body = {"command": "true", "ifOffline": "queue"}
    path = f"/api/workspaces/{identity.workspace_id}/tasks"
    async with bench.daemon(identity) as daemon:
        async with asyncio.TaskGroup() as group:
            posts = [
                group.create_task(bench.post(path, body, headers={"Idempotency-Key": "k1"}))
                for _ in range(5)
            ]
        ids = {post.result()["id"] for post in posts}
        assert len(ids) == 1
        assert await commands(daemon, 1) == list(ids)
        await daemon.settle()
        assert not daemon.seen(Command)


async def test_a_repeated_request_gets_its_task_although_there_is_no_room_for_another(
    bench: Bench, identity: DaemonIdentity
) -> None:
    path = f"/api/workspaces/{identity.workspace_id}/tasks"
    headers = {"Idempotency-Key": "k2"}
    async with bench.daemon(identity):
        first = await bench.post(path, {"command": "true"}, headers=headers)
    repeated = await bench.post(path, {"command": "true"}, headers=headers)
    assert repeated["id"] == first["id"]
    other = await bench.post(path, {"command": "false"}, status=409, headers=headers)
    assert other["code"] == "idempotency_key_reused"


async def test_a_task_that_waits_too_long_expires(bench: Bench, identity: DaemonIdentity) -> None:
    task = await bench.create(identity.workspace_id, expiresIn=0.001)
    stays = await bench.create(identity.workspace_id)
    row = await bench.becomes(task, TaskStatus.EXPIRED)
    assert row.reason == "expired" and row.error
    async with bench.daemon(identity) as daemon:
        assert await commands(daemon, 1) == [stays]
        await daemon.settle()
        assert not daemon.seen(Command)


async def test_a_task_that_waits_is_cancelled_without_a_daemon(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    assert (await bench.post(f"/api/tasks/{task}/cancel", status=200))["status"] == "cancelled"
    async with bench.daemon(identity) as daemon:
        await daemon.settle()
        assert not daemon.seen(Command)
    again = await bench.post(f"/api/tasks/{task}/cancel", status=200)
    assert again["status"] == "cancelled"


async def test_a_cancel_reaches_the_daemon_even_if_who_asked_leaves_at_once(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        await commands(daemon, 1)
        row = bench.row(task)
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(bench.hub.tasks.cancel(owner(bench), row.id, 1.5))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asking.cancel()
        assert await daemon.expect(Cancel) == Cancel(task_id=task, grace_seconds=1.5)


def owner(bench: Bench) -> Any:
    return bench.hub.access.authenticate_token(
        bench.client.headers["Authorization"].removeprefix("Bearer ")
    )


async def test_a_task_whose_daemon_goes_before_the_command_is_sent_waits_for_the_next(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    recorded = await bench.hub.store.dispatch_task(task, "i1")
    await bench.hub.daemons.dispatcher.hand_over(recorded)
    assert bench.row(task).instance_id is None
    async with bench.daemon(identity, instance="i2") as other:
        assert await commands(other, 1) == [task]


async def test_a_task_that_is_recorded_for_a_supervisor_that_was_replaced_goes_to_the_new_one(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity, instance="i1", tasks=[]) as daemon:
        await commands(daemon, 1)
        await daemon.ended(task)
        await daemon.settled(task)
        async with bench.daemon(identity, instance="i2") as newer:
            waiting = await bench.create(identity.workspace_id)
            await commands(newer, 1)
            await bench.hub.store.dispatch_task(waiting, None)
            stale = await bench.hub.store.dispatch_task(waiting, "i1")
            await bench.hub.daemons.dispatcher.hand_over(stale)
            assert await commands(newer, 1) == [waiting]
    assert bench.row(waiting).instance_id == "i2"


async def test_a_task_that_runs_is_never_handed_over_again_whatever_its_record_says(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await bench.create(identity.workspace_id)
    async with bench.daemon(identity) as daemon:
        await commands(daemon, 1)
        await daemon.running(task)
        await bench.becomes(task, TaskStatus.RUNNING)
        await bench.hub.store._execute(
            "UPDATE tasks SET instance_id = NULL WHERE id = :id", {"id": task}
        )
        following = await bench.create(identity.workspace_id)
        await bench.hub.daemons.dispatcher.kick(identity.workspace_id)
        assert await commands(daemon, 1) == [following]
        async with bench.daemon(identity, tasks=[spooled(task), spooled(following)]) as again:
            await again.settle()
            assert not again.seen(Command)


async def test_locks_of_workspaces_that_nobody_uses_cost_nothing(bench: Bench) -> None:
    dispatcher = bench.hub.daemons.dispatcher
    for number in range(100):
        async with dispatcher.lock(f"ws_{number}"):
            pass
    gc.collect()
    assert len(dispatcher._locks) < 10


async def test_a_store_that_refuses_does_not_end_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dispatching, "EXPIRY_CHECK_SECONDS", 0.01)
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        task = await bench.create(identity.workspace_id, expiresIn=0.2)
        bench.hub.store._writer._closing = True  # every write is Unavailable from now on
        await bench.until(lambda: "could not be given up" in caplog.text)
        bench.hub.store._writer._closing = False
        await bench.becomes(task, TaskStatus.EXPIRED)


async def test_a_request_reads_no_more_of_a_long_queue_than_its_length(tmp_path: Path) -> None:
    waiting = 200
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        # SQLite counts each statement from when it was prepared.
        steps: Counter[int] = Counter()

        def count(event: dict[str, Any]) -> None:
            steps[event["id"]] = event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]

        async def read_by_request() -> int:
            before = steps.total()
            await bench.create(identity.workspace_id)
            return steps.total() - before

        bench.hub.store._reading.trace_v2(apsw.SQLITE_TRACE_PROFILE, count)
        alone = await read_by_request()
        for _ in range(waiting):
            await bench.create(identity.workspace_id)
        among_many = await read_by_request()
        bench.hub.store._reading.trace_v2(0)
    # It counts them in an index. To read them takes thirty steps for each, each time.
    assert among_many - alone < 10 * waiting
