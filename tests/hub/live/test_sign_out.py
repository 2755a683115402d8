"""What a session, a password or an account held open ends with it, at once, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.bounds import HANG_SECONDS
from tests.hub.live.bench import Bench
from tests.hub.live.peers import DaemonIdentity, ScriptedViewer

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse"
NEW_PASSWORD = "another horse"


class SignedIn:
    """A browser with a cookie."""

    def __init__(self, bench: Bench, client: httpx2.AsyncClient) -> None:
        self.bench = bench
        self.client = client

    @asynccontextmanager
    async def viewer(self) -> AsyncIterator[ScriptedViewer]:
        """Its page's live connection."""
        ticket = (await self.client.post("/api/ws-ticket")).json()["ticket"]
        async with self.bench.viewer(ticket) as viewer:
            await viewer.settle()
            yield viewer


@asynccontextmanager
async def browser(bench: Bench, credential: dict[str, str]) -> AsyncIterator[SignedIn]:
    """A browser that signed in with this."""
    url = f"http://127.0.0.1:{bench.port}"
    async with httpx2.AsyncClient(
        verify=False, base_url=url, headers={"Origin": url}, timeout=HANG_SECONDS
    ) as client:
        response = await client.post("/api/session", json=credential)
        assert response.status_code == 201, response.text
        yield SignedIn(bench, client)


async def member(bench: Bench, name: str) -> dict[str, Any]:
    """A new member's account."""
    body = {"username": name, "password": PASSWORD}
    made: dict[str, Any] = await bench.post("/api/users", body)
    return made


async def test_signing_out_everywhere_closes_all_browsers_and_no_token(bench: Bench) -> None:
    user = {"username": (await member(bench, "everywhere"))["username"], "password": PASSWORD}
    async with (
        browser(bench, user) as here,
        browser(bench, user) as there,
        here.viewer() as first,
        there.viewer() as second,
        bench.viewer() as owner,
    ):
        token = await here.client.post("/api/tokens", json={"name": "n", "scopes": ["admin"]})
        async with bench.viewer(token.json()["secret"]) as program:
            with bench.closing(first, second):
                response = await here.client.delete("/api/session?everywhere=1")
            assert response.status_code == 204
            for viewer in (first, second):
                assert (await viewer.closed()).code == 4501
            assert (await there.client.get("/api/me")).status_code == 401
            await program.settle()
            await owner.settle()


async def test_signing_out_closes_this_browser_alone(bench: Bench) -> None:
    user = {"username": (await member(bench, "alone"))["username"], "password": PASSWORD}
    async with (
        browser(bench, user) as here,
        browser(bench, user) as there,
        here.viewer() as first,
        there.viewer() as second,
    ):
        with bench.closing(first):
            assert (await here.client.delete("/api/session")).status_code == 204
        assert (await first.closed()).code == 4501
        await second.settle()
        listed = (await there.client.get("/api/sessions")).json()["items"]
        assert [each["current"] for each in listed] == [True]


async def test_a_new_password_closes_the_other_browsers(bench: Bench) -> None:
    account = await member(bench, "password")
    user = {"username": account["username"], "password": PASSWORD}
    async with (
        browser(bench, user) as here,
        browser(bench, user) as there,
        here.viewer() as first,
        there.viewer() as second,
    ):
        with bench.closing(second):
            response = await here.client.patch(
                f"/api/users/{account['id']}",
                json={"password": NEW_PASSWORD, "currentPassword": PASSWORD},
            )
        assert response.status_code == 200, response.text
        assert (await second.closed()).code == 4501
        await first.settle()


async def enrolled_by(here: SignedIn, workspace_id: str) -> DaemonIdentity:
    """A daemon of this workspace, which this browser enrolled."""
    code = await here.client.post(f"/api/workspaces/{workspace_id}/enrollment")
    given = await here.bench.post("/api/enroll", {"code": code.json()["code"]})
    return DaemonIdentity(workspace_id, given["daemonId"], given["authToken"])


async def test_a_removed_account_closes_all_it_held_with_its_machines(bench: Bench) -> None:
    account = await member(bench, "removed")
    user = {"username": account["username"], "password": PASSWORD}
    async with browser(bench, user) as here, here.viewer() as viewer:
        workspace = (await here.client.post("/api/workspaces", json={"name": "hers"})).json()
        identity = await enrolled_by(here, workspace["id"])
        async with bench.daemon(identity) as daemon:
            with bench.closing(viewer, daemon):
                response = await bench.client.delete(f"/api/users/{account['id']}")
            assert response.status_code == 204
            assert (await viewer.closed()).code == 4501
            assert (await daemon.closed()).code == 4501
        shown = (await bench.client.get(f"/api/workspaces/{workspace['id']}")).json()
        assert shown["daemonId"] is None, "what the next owner sends does not go to that machine"
        change = shown["daemonChange"]
        assert (change["what"], change["removedAccount"]) == ("removed", "removed")
        assert change["user"] == "owner"


async def test_a_removed_account_no_longer_serves_workspaces_of_others(bench: Bench) -> None:
    account = await member(bench, "helper")
    user = {"username": account["username"], "password": PASSWORD}
    workspace = await bench.post("/api/workspaces", {"name": "of the owner"})
    await bench.client.patch(f"/api/users/{account['id']}", json={"role": "owner"})
    async with browser(bench, user) as here:
        identity = await enrolled_by(here, workspace["id"])
    async with bench.daemon(identity) as daemon:
        with bench.closing(daemon):
            assert (await bench.client.delete(f"/api/users/{account['id']}")).status_code == 204
        assert (await daemon.closed()).code == 4501
    kept = await bench.enrolled()
    async with bench.daemon(kept) as own:
        await own.settle()


async def test_another_role_lets_the_page_come_back_as_that(bench: Bench) -> None:
    account = await member(bench, "promoted")
    user = {"username": account["username"], "password": PASSWORD}
    async with browser(bench, user) as here, here.viewer() as viewer:
        with bench.closing(viewer):
            response = await bench.client.patch(
                f"/api/users/{account['id']}", json={"role": "owner"}
            )
        assert response.status_code == 200
        assert (await viewer.closed()).code == 1012
        async with here.viewer() as again:
            await again.settle()
        assert (await here.client.get("/api/me")).json()["role"] == "owner"


async def test_guesses_at_once_do_not_get_around_the_limit(bench: Bench) -> None:
    url = f"http://127.0.0.1:{bench.port}"
    began = time.monotonic()
    async with httpx2.AsyncClient(verify=False, base_url=url, timeout=HANG_SECONDS) as client:
        guess = {"username": "owner", "password": "wrong horse"}
        answers = await asyncio.gather(
            *(client.post("/api/session", json=guess) for _ in range(30))
        )
    statuses = [each.status_code for each in answers]
    # Ten, and one more every six seconds that it took.
    allowed = 10 + int((time.monotonic() - began) / 6)
    assert 1 <= statuses.count(401) <= allowed
    assert statuses.count(401) + statuses.count(429) == 30
