"""A search that takes as long as it may keeps no other request waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import apsw
import httpx2
import pytest

from arborlink.hub.access.budgets import LISTS_PER_USER
from arborlink.hub.service.tasks import SEARCHES_PER_USER
from arborlink.hub.store.readers import READS_AT_ONCE, STEPS_PER_CHECK
from arborlink.protocol.messages import Command, Subscribe, TaskStatusChanged
from tests.bounds import HANG_SECONDS, NEVER_SECONDS
from tests.hub.live.bench import Bench
from tests.hub.live.peers import DaemonIdentity
from tests.hub.store import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


def endless(connection: apsw.Connection) -> None:
    """Read without an end, as the worst search would."""
    connection.execute(ENDLESS).fetchall()


async def test_everything_else_goes_on_while_searches_take_their_time(
    bench: Bench, identity: DaemonIdentity
) -> None:
    readers = bench.hub.store.searches
    readers.seconds, seconds = NEVER_SECONDS, readers.seconds
    searches = [asyncio.create_task(readers.read(endless)) for _ in range(READS_AT_ONCE)]
    path = f"/api/tasks?workspace={identity.workspace_id}"
    waiting = asyncio.create_task(bench.client.get(f"{path}&search=true"))
    async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
        await viewer.send(Subscribe(workspace_id=identity.workspace_id))
        for count in range(1, 6):
            task = await bench.create(identity.workspace_id)
            assert (await daemon.expect(Command)).task_id == task
            assert (await viewer.expect(TaskStatusChanged)).task_id == task
            assert len((await bench.client.get(path)).json()["items"]) == count
            assert (await bench.task(task))["id"] == task
    assert not waiting.done() and not any(each.done() for each in searches)
    for each in searches:
        each.cancel()
    async with asyncio.timeout(HANG_SECONDS):
        assert len((await waiting).json()["items"]) == 5
    readers.seconds = seconds


async def test_a_search_beyond_its_budget_is_refused_and_the_next_is_served(
    bench: Bench, identity: DaemonIdentity
) -> None:
    count = STEPS_PER_CHECK // 10
    made = (rows.task(n, workspace_id=identity.workspace_id) for n in range(count))
    await asyncio.gather(*map(bench.hub.store.add_task, made))
    readers = bench.hub.store.searches
    readers.seconds, seconds = 0, readers.seconds
    path = f"/api/tasks?limit=500&workspace={identity.workspace_id}&search="
    refused = await bench.client.get(path + "tru")
    assert (refused.status_code, refused.json()["code"]) == (422, "read_too_slow")
    readers.seconds = seconds
    assert len((await bench.client.get(path + "tru")).json()["items"]) == count


@pytest.mark.parametrize("path", ["/api/tasks", "/api/workspaces", "/api/tokens"])
async def test_one_user_does_not_take_the_places_of_all_for_lists(
    bench: Bench, identity: DaemonIdentity, path: str
) -> None:
    async with running_lists(bench) as lists, asyncio.TaskGroup() as group:
        theirs = [group.create_task(bench.client.get(path)) for _ in range(LISTS_PER_USER)]
        places = bench.hub.access.budgets.lists
        await bench.until(lambda: places.held() == LISTS_PER_USER, "all lists to wait")
        refused = await bench.client.get(path)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_lists")
        assert int(refused.headers["retry-after"]) >= 1
        token = (await bench.post("/api/session/link"))["link"]
        origin = f"http://127.0.0.1:{bench.port}"
        async with httpx2.AsyncClient(
            base_url=origin, headers={"Origin": origin}, timeout=HANG_SECONDS
        ) as page:
            assert (await page.post("/api/session", json={"link": token})).status_code == 201
            waiting = group.create_task(page.get(path))
            await bench.until(lambda: places.held() == LISTS_PER_USER + 1, "one more to wait")
            for each in lists:
                each.cancel()
            answers = await asyncio.gather(*theirs, waiting)
    assert {each.status_code for each in answers} == {200}
    assert places.held() == 0


@asynccontextmanager
async def running_lists(bench: Bench) -> AsyncIterator[list[asyncio.Task[None]]]:
    """As many lists as are read at a time, which do not come to an end by themselves."""
    readers = bench.hub.store.lists
    readers.seconds, seconds = NEVER_SECONDS, readers.seconds
    reads = [asyncio.create_task(readers.read(endless)) for _ in range(READS_AT_ONCE)]
    try:
        yield reads
    finally:
        for each in reads:
            each.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
        readers.seconds = seconds


async def test_one_user_does_not_take_the_places_of_all(
    bench: Bench, identity: DaemonIdentity
) -> None:
    await bench.create(identity.workspace_id)
    credentials = {"username": "other", "password": "a long password"}
    await bench.post("/api/users", credentials | {"role": "owner"})
    readers = bench.hub.store.searches
    readers.seconds, seconds = NEVER_SECONDS, readers.seconds
    searches = [asyncio.create_task(readers.read(endless)) for _ in range(READS_AT_ONCE)]
    path = f"/api/tasks?workspace={identity.workspace_id}&search=true"
    theirs = [asyncio.create_task(bench.client.get(path)) for _ in range(SEARCHES_PER_USER)]
    places = bench.hub.tasks._searches._held
    await bench.until(lambda: places.total() == SEARCHES_PER_USER, "all searches to wait")
    refused = await bench.client.get(path)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_reads")
    origin = f"http://127.0.0.1:{bench.port}"
    async with httpx2.AsyncClient(
        base_url=origin, headers={"Origin": origin}, timeout=HANG_SECONDS
    ) as client:
        signed_in = await client.post("/api/session", json=credentials)
        assert signed_in.status_code == 201, signed_in.text
        waiting = asyncio.create_task(client.get(path))
        await bench.until(lambda: places.total() == SEARCHES_PER_USER + 1, "one more to wait")
        for each in searches:
            each.cancel()
        answers = await asyncio.gather(*theirs, waiting)
    assert {len(each.json()["items"]) for each in answers} == {1}
    assert not places
    readers.seconds = seconds
