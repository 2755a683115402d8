"""Budgets of tokens and addresses over HTTP, at and beyond each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from arborlink.proof.statement import PATH, new_nonce
from arborlink.protocol.retry import retry_after_of_close
from tests.bounds import HANG_SECONDS
from tests.hub.front.wire import HANDSHAKE, frame, wire_to
from tests.hub.live.bench import Bench, running_bench

SLOW = 0.001


async def statuses(client: httpx2.AsyncClient, count: int, path: str = "/api/me") -> list[int]:
    return [(await client.get(path)).status_code for _ in range(count)]


async def test_a_token_has_its_burst_and_then_waits(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"requests_per_second": SLOW, "requests_burst": 5}
    async with running_bench(tmp_path, **settings) as bench:
        assert await statuses(bench.client, 6) == [200] * 5 + [429]
        refused = await bench.client.get("/api/me")
        assert refused.json()["code"] == "too_many_requests"
        assert int(refused.headers["retry-after"]) == pytest.approx(1_000, abs=30)


async def test_an_address_without_a_credential_has_its_burst_and_a_token_is_unharmed(
    tmp_path: Path,
) -> None:
    settings: dict[str, Any] = {"address_requests_per_second": SLOW, "address_requests_burst": 5}
    async with running_bench(tmp_path, **settings) as bench, anonymous(bench) as stranger:
        assert await statuses(stranger, 6, "/healthz") == [200] * 5 + [429]
        refused = await stranger.get("/")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) > 900
        # What is for anybody is counted whatever is said beside it.
        made_up = {"Authorization": "Bearer made-up"}
        assert (await stranger.get("/healthz", headers=made_up)).status_code == 429
        assert (await stranger.get("/api/me", headers=made_up)).status_code == 401
        assert await statuses(bench.client, 3) == [200] * 3


async def test_questions_who_the_hub_is_have_a_budget_of_their_own(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "address_requests_per_second": SLOW,
        "address_requests_burst": 2,
        "address_proofs_per_second": SLOW,
        "address_proofs_burst": 3,
    }
    question = f"{PATH}?nonce={new_nonce()}"
    async with running_bench(tmp_path, **settings) as bench, anonymous(bench) as stranger:
        assert await statuses(stranger, 4, question) == [200] * 3 + [429]
        assert await statuses(stranger, 3, "/healthz") == [200] * 2 + [429]


async def test_handshakes_of_an_address_are_counted_too(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "address_requests_per_second": SLOW,
        "address_requests_burst": 2,
        "unauthenticated_connections_per_address": 100,
    }
    async with running_bench(tmp_path, **settings) as bench:
        for status in (101, 101, 429):
            async with wire_to(bench.port) as wire:
                await wire.send(HANDSHAKE + b"\r\n")
                reply = await wire.reply()
                assert reply.status == status
        assert reply.code == "too_many_requests"


async def test_wrong_tokens_are_counted_by_address_over_http_and_websocket_alike(
    tmp_path: Path,
) -> None:
    async with (
        running_bench(tmp_path, failed_authentications_per_minute=4) as bench,
        anonymous(bench) as stranger,
    ):
        bench.stop_time_for_budgets()
        wrong = {"Authorization": "Bearer arb_a_wrong"}
        got = [(await stranger.get("/api/me", headers=wrong)).status_code for _ in range(3)]
        assert got == [401] * 3
        for expected in (4501, 4429):
            async with wire_to(bench.port) as wire:
                await wire.upgrade()
                await wire.send(frame(b'{"type":"auth","authToken":"arb_a_wrong"}'))
                code, reason = await wire.closed()
                assert code == expected
        assert (wait := retry_after_of_close(code, reason)) is not None and 0 < wait <= 15
        refused = await stranger.get("/api/me", headers=wrong)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 15
        assert await statuses(bench.client, 1) == [200]


async def test_a_daemons_wrong_tokens_are_counted_as_well(tmp_path: Path) -> None:
    auth = (
        b'{"type":"auth","daemonId":"dmn_x","authToken":"arb_d_wrong","workspaceId":"ws_x",'
        b'"instanceId":"i","protocol":1,"version":"0","tasks":[],'
        b'"host":{"hostname":"h","platform":"p","user":"u","path":"/"}}'
    )
    async with running_bench(tmp_path, failed_authentications_per_minute=2) as bench:
        bench.stop_time_for_budgets()
        for expected in (4501, 4501, 4429):
            async with wire_to(bench.port) as wire:
                await wire.upgrade()
                await wire.send(frame(auth))
                assert (await wire.closed())[0] == expected


def anonymous(bench: Bench) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        verify=False, base_url=f"http://127.0.0.1:{bench.port}", timeout=HANG_SECONDS
    )


async def test_a_body_at_the_limit_is_read_and_one_above_it_is_not(tmp_path: Path) -> None:
    limit = 500
    async with running_bench(tmp_path, request_body_bytes=limit) as bench:
        for size, status in ((limit - 1, 201), (limit, 201), (limit + 1, 413)):
            body = json.dumps({"name": f"n{size}"}).encode().ljust(size)
            response = await bench.client.post(
                "/api/workspaces", content=body, headers={"Content-Type": "application/json"}
            )
            assert response.status_code == status, response.text
        assert response.json()["code"] == "message_too_large"
