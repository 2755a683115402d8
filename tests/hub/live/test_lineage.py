"""What a credential made holds open ends with it, over all generations, at once."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest

from tests.bounds import HANG_SECONDS
from tests.hub.live.bench import Bench
from tests.hub.live.peers import ScriptedViewer
from tests.hub.live.test_sign_out import browser

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = {"name": "n", "scopes": ["admin"]}
# Until it expires there is time to make what it makes.
SHORT_SECONDS = 6.0


async def made_with(bench: Bench, secret: str, path: str, body: Any = None) -> Any:
    """What a token makes."""
    url = f"http://127.0.0.1:{bench.port}"
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx2.AsyncClient(
        verify=False, base_url=url, headers=headers, timeout=HANG_SECONDS
    ) as client:
        answer = await client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()


async def family(bench: Bench, parent: Any, leaving: AsyncExitStack) -> list[ScriptedViewer]:
    """Connections of a token, of a token of its, of a session of that one's, and of its token."""
    child = await made_with(bench, parent["secret"], "/api/tokens", ALL)
    link = await made_with(bench, child["secret"], "/api/session/link")
    page = await leaving.enter_async_context(browser(bench, {"link": link["link"]}))
    grandchild = (await page.client.post("/api/tokens", json=ALL)).json()
    tokens = [each["secret"] for each in (parent, child, grandchild)]
    peers = [await leaving.enter_async_context(bench.viewer(each)) for each in tokens]
    peers.append(await leaving.enter_async_context(page.viewer()))
    for each in peers:
        await each.settle()
    return peers


async def test_revoking_a_token_closes_what_it_made_of_what_it_made(bench: Bench) -> None:
    parent = await bench.post("/api/tokens", ALL)
    async with AsyncExitStack() as leaving:
        peers = await family(bench, parent, leaving)
        stranger = await leaving.enter_async_context(bench.viewer())
        with bench.closing(*peers):
            answer = await bench.client.delete(f"/api/tokens/{parent['id']}")
        assert answer.status_code == 204
        for each in peers:
            assert (await each.closed()).code == 4501
        await stranger.settle()


async def test_a_token_that_expires_closes_what_it_made_of_what_it_made(bench: Bench) -> None:
    parent = await bench.post("/api/tokens", ALL | {"expiresIn": SHORT_SECONDS})
    async with AsyncExitStack() as leaving:
        for each in await family(bench, parent, leaving):
            assert (await each.closed()).code == 4501


async def test_a_workspace_that_is_deleted_closes_what_its_tokens_made(bench: Bench) -> None:
    identity = await bench.enrolled()
    limited = await bench.token(["admin"], identity.workspace_id)
    body = ALL | {"workspaceId": identity.workspace_id}
    child = await made_with(bench, limited["secret"], "/api/tokens", body)
    async with bench.viewer(child["secret"]) as viewer, bench.daemon(identity) as daemon:
        await viewer.settle()
        with bench.closing(viewer, daemon):
            answer = await bench.client.delete(f"/api/workspaces/{identity.workspace_id}")
        assert answer.status_code == 204
        assert (await viewer.closed()).code == 4501


async def test_signing_in_again_closes_what_the_session_before_held_open(bench: Bench) -> None:
    link = await bench.post("/api/session/link")
    async with browser(bench, {"link": link["link"]}) as page, page.viewer() as viewer:
        again = await bench.post("/api/session/link")
        with bench.closing(viewer):
            answer = await page.client.post("/api/session", json={"link": again["link"]})
        assert answer.status_code == 201
        assert (await viewer.closed()).code == 4501
