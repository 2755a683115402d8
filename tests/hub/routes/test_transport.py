"""Requests in the clear, and whom the hub believes about where they come from."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from arborlink.testing.hub import HubInProcess, hub_in_process
from tests.bounds import HANG_SECONDS

FAR = "203.0.113.5"
AS_HTTPS = {"X-Forwarded-For": FAR, "X-Forwarded-Proto": "https"}
AS_HTTP = {"X-Forwarded-For": FAR, "X-Forwarded-Proto": "http"}


async def ask(hub: HubInProcess, headers: dict[str, str], path: str = "/api/me") -> httpx2.Response:
    async with httpx2.AsyncClient(
        base_url=hub.url,
        headers={"Authorization": f"Bearer {hub.token}"},
        timeout=HANG_SECONDS,
    ) as client:
        return await client.get(path, headers=headers)


async def address_of(hub: HubInProcess, headers: dict[str, str]) -> object:
    """What the hub notes as the address of somebody who signs in."""
    async with httpx2.AsyncClient(
        base_url=hub.url, headers=headers, timeout=HANG_SECONDS
    ) as client:
        owner = {"Authorization": f"Bearer {hub.token}"}
        link = (await client.post("/api/session/link", headers=owner)).json()["link"]
        answer = await client.post("/api/session", json={"link": link}, headers={"Origin": hub.url})
        assert answer.status_code == 201, answer.text
        sessions = await client.get("/api/sessions", headers=owner)
        (item,) = sessions.json()["items"]
        return item["address"]


async def test_a_trusted_proxy_says_where_a_request_came_from(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path, behind_proxy=["127.0.0.1"]) as hub:
        assert (await ask(hub, AS_HTTPS)).status_code == 200
        assert await address_of(hub, AS_HTTPS | {"Host": hub.url[7:]}) == FAR


async def test_nobody_else_does(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path) as hub:
        assert await address_of(hub, AS_HTTPS) == "127.0.0.1"
    async with hub_in_process(tmp_path / "other", behind_proxy=["10.0.0.0/8"]) as hub:
        assert await address_of(hub, AS_HTTPS) == "127.0.0.1"


async def test_the_environment_adds_no_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    async with hub_in_process(tmp_path, behind_proxy=["10.0.0.1"]) as hub:
        assert await address_of(hub, AS_HTTPS) == "127.0.0.1"


async def test_what_came_over_a_network_in_the_clear_is_refused(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path, behind_proxy=["127.0.0.1"]) as hub:
        for headers in (AS_HTTP, {"X-Forwarded-For": FAR}):
            refused = await ask(hub, headers)
            assert refused.status_code == 403
            assert refused.json()["code"] == "plain_text_refused"
            assert hub.token not in refused.text
        assert (await ask(hub, {})).status_code == 200

        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await ask(hub, AS_HTTP, path)).status_code == 200


async def test_a_websocket_over_a_network_in_the_clear_is_refused(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path, behind_proxy=["127.0.0.1"]) as hub:
        url = f"ws://127.0.0.1:{hub.port}/api/ws"
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=AS_HTTP, proxy=None)
        assert refused.value.response.status_code == 403
        async with connect(url, additional_headers=AS_HTTPS, proxy=None):
            pass


async def test_browsers_are_told_to_stay_with_https_where_there_is_some(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path, behind_proxy=["127.0.0.1"]) as hub:
        secure, local = await ask(hub, AS_HTTPS, "/"), await ask(hub, {}, "/")

    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in local.headers
    for headers in (secure.headers, local.headers):
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "server" not in headers
