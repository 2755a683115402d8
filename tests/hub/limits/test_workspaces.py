"""How many tasks of one workspace run and wait, with the limits as they come."""

from __future__ import annotations

import asyncio
from pathlib import Path

from arborlink.protocol.messages import Command, Heartbeat
from tests.hub.live.bench import running_bench
from tests.hub.service.test_neighbours import account, machine

RUNNING, QUEUED = 16, 256


async def test_a_workspace_runs_sixteen_tasks_and_lets_256_wait(tmp_path: Path) -> None:
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        other = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            tasks = []
            for _ in range(RUNNING + QUEUED):
                tasks.append(await bench.create(identity.workspace_id))
                # Nothing is read meanwhile: what says nothing, either, is given up after a while.
                await daemon.send(Heartbeat(sent_at=1))
            handed = [(await daemon.expect(Command)).task_id for _ in range(RUNNING)]
            assert handed == tasks[:RUNNING]
            await daemon.settle()
            assert not daemon.seen(Command)
            body = {"command": "true", "ifOffline": "queue"}
            path = f"/api/workspaces/{identity.workspace_id}/tasks"
            refused = await bench.post(path, body, status=429)
            assert refused["code"] == "queue_full"
            # One place becomes free, and another workspace was never concerned.
            await daemon.ended(tasks[0])
            assert (await daemon.expect(Command)).task_id == tasks[RUNNING]
            await bench.create(identity.workspace_id)
            await bench.post(path, body, status=429)
            await bench.create(other.workspace_id)


async def test_an_account_has_as_many_workspaces_as_there_may_be(tmp_path: Path) -> None:
    async with running_bench(tmp_path, workspaces_per_user=3) as bench:
        made = [await bench.post("/api/workspaces", {"name": f"n{n}"}) for n in range(3)]
        refused = await bench.post("/api/workspaces", {"name": "n3"}, status=409)
        assert refused["code"] == "too_many_workspaces"
        assert (await bench.client.delete(f"/api/workspaces/{made[0]['id']}")).status_code == 204
        await bench.post("/api/workspaces", {"name": "n3"})
        await bench.post("/api/workspaces", {"name": "n4"}, status=409)


async def test_an_account_has_as_many_tokens_as_there_may_be(tmp_path: Path) -> None:
    async with running_bench(tmp_path, tokens_per_user=3) as bench:
        # The one that the bench came with, and one that ends.
        body = {"name": "n", "scopes": ["tasks:read"]}
        await bench.post("/api/tokens", body | {"expiresIn": 1e-6})
        kept = await bench.post("/api/tokens", body)
        newest = await bench.post("/api/tokens", body)
        refused = await bench.post("/api/tokens", body, status=409)
        assert refused["code"] == "too_many_tokens"
        assert (await bench.client.delete(f"/api/tokens/{kept['id']}")).status_code == 204
        last = await bench.post("/api/tokens", body)
        await bench.post("/api/tokens", body, status=409)
        listed = (await bench.client.get("/api/tokens")).json()["items"]
        assert [each["id"] for each in listed][1:] == [newest["id"], last["id"]]


async def test_an_account_has_so_many_unfinished_tasks_in_all_workspaces(tmp_path: Path) -> None:
    async with running_bench(tmp_path, unfinished_tasks_per_user=3) as bench:
        first, second = [(await bench.enrolled()).workspace_id for _ in range(2)]
        theirs = (await machine(bench, await account(bench, "other"))).workspace_id
        tasks = [await bench.create(each) for each in (first, second, first)]
        body = {"command": "true", "ifOffline": "queue"}
        for each in (first, second):
            refused = await bench.post(f"/api/workspaces/{each}/tasks", body, status=429)
            assert refused["code"] == "too_many_tasks"
        for _ in range(3):
            await bench.create(theirs)
        await bench.post(f"/api/tasks/{tasks[0]}/cancel", status=200)
        await bench.create(second)
        # Many at once keep to it, too.
        await bench.post(f"/api/tasks/{tasks[1]}/cancel", status=200)
        path = f"/api/workspaces/{first}/tasks"
        answers = await asyncio.gather(*(bench.client.post(path, json=body) for _ in range(8)))
        assert sorted(each.status_code for each in answers) == [201, *[429] * 7]
