"""The whole application over a real store, spoken to by HTTP without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from arborlink.hub.composition import Hub, application, compose
from arborlink.hub.settings import HubSettings
from tests.bounds import HANG_SECONDS

TOKEN = "bootstrap-" + "x" * 32
ORIGIN = "http://127.0.0.1:4000"


@dataclass
class Api:
    """A hub, and a client that is signed in with the owner's token."""

    hub: Hub
    app: Starlette
    client: httpx2.AsyncClient

    def anonymous(self, **options: Any) -> httpx2.AsyncClient:
        """A client without credentials, with a jar of its own."""
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url=ORIGIN, **options)

    def bearer(self, token: str) -> httpx2.AsyncClient:
        """A client with this token."""
        return self.anonymous(headers={"Authorization": f"Bearer {token}"})

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx2.AsyncClient]:
        """A client that is signed in by a link, as a page is."""
        link = (await self.client.post("/api/session/link")).json()["link"]
        async with self.anonymous(headers={"Origin": ORIGIN}) as client:
            assert (await client.post("/api/session", json={"link": link})).status_code == 201
            yield client

    def stop_time_for_budgets(self) -> None:
        """From now on nothing is given back to who asks too often, however long the test takes."""
        access = self.hub.access
        for limiter in (*access.budgets.limiters(), access.devices._starts):
            now = limiter._monotonic()
            limiter._monotonic = lambda now=now: now  # type: ignore[misc]

    async def workspace(self, name: str = "one") -> str:
        """The id of a new workspace."""
        response = await self.client.post("/api/workspaces", json={"name": name})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def task(self, workspace_id: str, command: str = "true", **fields: Any) -> str:
        """The id of a task that waits for a daemon."""
        body = {"command": command, "ifOffline": "queue", **fields}
        response = await self.client.post(f"/api/workspaces/{workspace_id}/tasks", json=body)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def token(self, scopes: list[str], workspace_id: str | None = None) -> str:
        """The secret of a new token."""
        body = {"name": "n", "scopes": scopes, "workspaceId": workspace_id}
        response = await self.client.post("/api/tokens", json=body)
        assert response.status_code == 201, response.text
        return str(response.json()["secret"])


def problem(response: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal, which must be a problem with something to read."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["detail"] and body["title"]
    assert "Traceback" not in response.text
    return response.status_code, body["code"]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """A hub after its first start."""
    hub = await compose(HubSettings(data_dir=tmp_path / "hub"))
    await hub.access.bootstrap(TOKEN)
    async with hub.running():
        api = Api(hub, application(hub), httpx2.AsyncClient(verify=False, timeout=HANG_SECONDS))
        async with api.bearer(TOKEN) as client:
            api.client = client
            yield api
