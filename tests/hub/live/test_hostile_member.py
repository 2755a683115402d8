"""A member may ask for anything: what is not theirs stays as it was, and is not told of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from arborlink.protocol.messages import (
    Cancel,
    ErrorMessage,
    Subscribe,
    Unsubscribe,
    ViewerAck,
    ViewerInput,
    ViewerResize,
)
from tests.hub.hostile import NEW_TASK, SAME_KEY, TRICKS, Neighbour, Trick, neighbour
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.test_sign_out import browser

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 3
FLOOD = 500


@dataclass(frozen=True)
class Member:
    """Who is hostile: signed in with a browser, and what is theirs."""

    client: httpx2.AsyncClient
    bench: Bench
    names: dict[str, str]
    # What no answer may have in it, but for what was asked for by name.
    foreign: frozenset[str]

    async def ask(self, trick: Trick) -> httpx2.Response:
        """Do it; what is answered must be allowed, and tell nothing."""
        asked = trick.filled(self.names)
        answer = await self.client.request(
            asked.method, asked.path, json=asked.body, headers=asked.headers
        )
        assert answer.status_code in trick.statuses, (trick.name, answer.text)
        said = json.dumps([asked.path, asked.body, asked.headers])
        for thing in self.foreign:
            assert thing in said or thing not in answer.text, (trick.name, thing)
        return answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub at which one may be wrong as often as one likes."""
    folder = tmp_path_factory.mktemp("hub")
    rates: dict[str, Any] = {
        "failed_authentications_per_minute": 100_000.0,
        "viewer_requests_burst": 100_000,
        "user_viewer_requests_burst": 100_000,
    }
    async with running_bench(folder, **rates) as bench:
        yield bench


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def beside(bench: Bench) -> AsyncIterator[Neighbour]:
    async with neighbour(bench) as made:
        path = f"/api/workspaces/{made.identity.workspace_id}/tasks"
        await bench.post(path, NEW_TASK, headers={"Idempotency-Key": SAME_KEY})
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def eve(bench: Bench, beside: Neighbour) -> AsyncIterator[Member]:
    account = await bench.post("/api/users", {"username": "eve"})
    owner = (await bench.client.get("/api/me")).json()["userId"]
    async with browser(bench, {"link": account["link"]["link"]}) as here:
        mine = (await here.client.post("/api/workspaces", json={"name": "mine"})).json()["id"]
        names = {
            "workspace": beside.identity.workspace_id,
            "task": beside.task,
            "daemon": beside.identity.daemon_id,
            "owner": owner,
            "mine": mine,
            "myself": account["id"],
        }
        foreign = {beside.identity.workspace_id, beside.task, beside.queued, owner}
        foreign |= {beside.identity.daemon_id, "quietly"}
        yield Member(here.client, bench, names, frozenset(foreign))


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
async def test_a_trick_changes_and_tells_nothing_of_others(
    beside: Neighbour, eve: Member, trick: Trick
) -> None:
    await eve.ask(trick)
    await beside.check()


async def test_what_a_trick_made_is_the_members_own(beside: Neighbour, eve: Member) -> None:
    made = {trick.name: trick for trick in TRICKS}
    for name in ("a task there, named in the body", "the owner's key"):
        task = (await eve.ask(made[name])).json()
        assert task["workspaceId"] == eve.names["mine"], name
        assert task["createdBy"] == eve.names["myself"], name
    token = (await eve.ask(made["a token of the owner's"])).json()
    link = (await eve.ask(made["a link of the owner's"])).json()
    headers = {"Authorization": f"Bearer {token['secret']}"}
    me = (await eve.bench.client.get("/api/me", headers=headers)).json()
    assert (me["userId"], me["role"]) == (eve.names["myself"], "member")
    async with browser(eve.bench, {"link": link["link"]}) as there:
        assert (await there.client.get("/api/me")).json()["userId"] == eve.names["myself"]
    await beside.check()


async def test_all_tricks_at_once_keep_nobody_from_working(beside: Neighbour, eve: Member) -> None:
    for _ in range(ROUNDS):
        async with asyncio.TaskGroup() as group:
            for trick in TRICKS:
                group.create_task(eve.ask(trick))
            group.create_task(beside.write(b"meanwhile\n"))
        await beside.check()


async def test_a_viewer_of_a_member_hears_nothing_of_others(
    bench: Bench, beside: Neighbour, eve: Member
) -> None:
    ticket = (await eve.client.post("/api/ws-ticket")).json()["ticket"]
    task, workspace = beside.task, beside.identity.workspace_id
    async with bench.viewer(ticket) as viewer:
        for _ in range(FLOOD):
            await viewer.watch("*")
            await viewer.send(Subscribe(task_id=task, offset=-1))
            await viewer.send(Subscribe(workspace_id=workspace))
            await viewer.send(ViewerAck(task_id=task, offset=10**9))
            await viewer.send(ViewerInput(task_id=task, input=b"rm -rf", eof=True))
            await viewer.send(ViewerResize(task_id=task, cols=1, rows=1))
            await viewer.send(Cancel(task_id=task, grace_seconds=0))
            await viewer.send(Unsubscribe(task_id=task, workspace_id=workspace))
        await beside.write(b"while somebody asks\n")
        await viewer.settle()
        others = [each for each in viewer.skipped if not isinstance(each, ErrorMessage)]
        assert not any(name in repr(each) for each in others for name in eve.foreign)
        assert {error.code for error in viewer.seen(ErrorMessage)} == {"not_found"}
    await beside.check()
