"""Every response says how safe it is to look at, whoever gives it and whatever it says."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPMethod
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import trustme

from arborlink.hub.access.headers import CONTENT_SECURITY_POLICY
from arborlink.testing.hub import HubInProcess, hub_in_process
from tests.bounds import HANG_SECONDS
from tests.hub.front.wire import HANDSHAKE, Reply, Wire, wire_to
from tests.hub.live.bench import Bench, running_bench

pytestmark = pytest.mark.asyncio(loop_scope="module")

HTTP_PER_ADDRESS = 4
EXPECTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "deny",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HSTS = "max-age=31536000"
LINE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
# Requests that never reach the application, or are refused before they become a WebSocket.
REFUSED = {
    "no request": (b"\x16\x03\x01 this is TLS\r\n\r\n", 400),
    "large head": (LINE + b"X: " + b"y" * 9_000 + b"\r\n\r\n", 431),
    "no key": (re.sub(rb"Sec-WebSocket-Key[^\n]*\n", b"", HANDSHAKE) + b"\r\n", 400),
    "many headers": (HANDSHAKE + b"X: y\r\n" * 150 + b"\r\n", 431),
    "post": (HANDSHAKE.replace(b"GET", b"POST") + b"\r\n", 405),
    "sub-protocol": (HANDSHAKE + b"Sec-WebSocket-Protocol: x\r\n\r\n", 400),
    "origin": (HANDSHAKE + b"Origin: http://evil.example\r\n\r\n", 403),
    "host": (HANDSHAKE.replace(b"127.0.0.1", b"evil.example") + b"\r\n", 403),
    "address": (HANDSHAKE.replace(b"/api/ws", b"/api/xs") + b"\r\n", 403),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub with little room."""
    async with running_bench(
        tmp_path_factory.mktemp("hub"),
        http_connections_per_address=HTTP_PER_ADDRESS,
        unauthenticated_connections_per_address=1,
    ) as bench:
        yield bench


def check(headers: dict[str, str], *, kept: str = "no-store", secure: bool = False) -> None:
    """All that a browser is to be told, and nothing of what serves it."""
    told = {name: headers.get(name) for name in EXPECTED}
    assert told == EXPECTED
    assert headers["cache-control"] == kept
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy.get("script-src", "'none'") in ("'self'", "'none'")
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "default"
    assert headers.get("strict-transport-security") == (HSTS if secure else None)
    assert not {"server", "x-powered-by"} & set(headers)


def lower(response: httpx2.Response) -> dict[str, str]:
    return {name.lower(): value.lower() for name, value in response.headers.items()}


async def test_every_route_of_the_api_is_safe_with_a_credential_and_without(bench: Bench) -> None:
    document = (await bench.client.get("/api/openapi.json")).json()
    seen = set()
    url = f"http://127.0.0.1:{bench.port}"
    async with httpx2.AsyncClient(base_url=url, timeout=HANG_SECONDS) as stranger:
        for path, methods in document["paths"].items():
            asked = re.sub(r"{\w+}", "x", path)
            for method in (*methods, "OPTIONS"):
                for client in (stranger, bench.client):
                    response = await client.request(method.upper(), asked)
                    check(lower(response))
                    seen.add(response.status_code)
    assert {200, 401, 404, 405, 422} <= seen
    assert len(document["paths"]) > 30


@pytest.mark.parametrize("method", [each.value for each in HTTPMethod if each.value != "CONNECT"])
@pytest.mark.parametrize("path", ["/", "/tasks/tsk_x", "/missing.png", "/api/none", "/healthz"])
async def test_every_method_of_every_kind_of_path_is_answered_safely(
    bench: Bench, path: str, method: str
) -> None:
    response = await bench.client.request(method, path)
    kept = response.headers["cache-control"]
    assert kept in ("no-store", "no-cache")
    assert kept == "no-store" or (path in ("/", "/tasks/tsk_x") and method in ("GET", "HEAD"))
    check(lower(response), kept=kept)


async def test_a_task_and_its_output_are_safe_and_what_a_command_wrote_is_text(
    bench: Bench,
) -> None:
    identity = await bench.enrolled()
    task = await bench.create(identity.workspace_id)
    for path in ("", "/output", "/output?format=jsonl", "/output?download=1", "/segments"):
        response = await bench.client.get(f"/api/tasks/{task}{path}")
        assert response.status_code == 200
        check(lower(response))
        assert "html" not in response.headers["content-type"]


@pytest.mark.parametrize("name", sorted(REFUSED))
async def test_what_is_refused_before_the_application_is_safe_as_well(
    bench: Bench, name: str
) -> None:
    sent, status = REFUSED[name]
    async with wire_to(bench.port) as wire:
        await wire.send(sent)
        reply = await wire.reply()
        assert reply.status == status
        check(reply.headers)


async def test_who_is_late_is_told_safely(tmp_path: Path) -> None:
    async with running_bench(tmp_path, request_head_seconds=0.2) as hasty:
        async with wire_to(hasty.port) as wire:
            await wire.send(LINE)
            reply = await wire.reply()
            assert reply.status == 408
            check(reply.headers)


async def test_who_finds_no_room_is_told_safely(bench: Bench) -> None:
    begun = b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
    begun += b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    async with AsyncExitStack() as stack:
        for _ in range(HTTP_PER_ADDRESS):
            await sent_to(stack, bench.port, begun)
        reply = await sent_to(stack, bench.port, b"")
        assert reply.status == 503
        assert reply.headers["retry-after"] == str(json.loads(reply.body)["retryAfter"]) == "5"
        check(reply.headers)


async def test_a_handshake_that_finds_no_room_is_told_safely(bench: Bench) -> None:
    async with AsyncExitStack() as stack:
        assert (await sent_to(stack, bench.port, HANDSHAKE + b"\r\n")).status == 101
        reply = await sent_to(stack, bench.port, HANDSHAKE + b"\r\n")
        assert (reply.status, reply.code) == (429, "too_many_handshakes")
        assert reply.headers["retry-after"] == "1"
        check(reply.headers)


async def sent_to(stack: AsyncExitStack, port: int, data: bytes) -> Reply:
    """The answer on a new connection, which stays open."""
    wire: Wire = await stack.enter_async_context(wire_to(port))
    await wire.send(data)
    return await wire.reply()


# ── over TLS ─────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def over_tls(folder: Path) -> AsyncIterator[tuple[HubInProcess, ssl.SSLContext]]:
    """A hub with a certificate, and who believes it."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    for number, pem in enumerate(issued.cert_chain_pems):
        pem.write_to_path(str(folder / "chain.pem"), append=number > 0)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    files: dict[str, Any] = {"tls_cert": folder / "chain.pem", "tls_key": folder / "key.pem"}
    async with hub_in_process(folder / "hub", **files) as hub:
        yield hub, context


async def test_over_tls_browsers_are_told_to_stay_there_by_every_answer(tmp_path: Path) -> None:
    asked = {name: REFUSED[name] for name in ("no request", "large head", "no key", "origin")}
    asked["page"] = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 200)
    asked["api"] = (b"GET /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 401)
    async with over_tls(tmp_path) as (hub, context):
        for sent, status in asked.values():
            async with wire_to(hub.port, context) as wire:
                await wire.send(sent)
                reply = await wire.reply()
                assert reply.status == status
                check(reply.headers, kept=reply.headers["cache-control"], secure=True)


async def test_a_page_runs_only_the_hubs_own_scripts_and_talks_only_to_the_hub() -> None:
    policy = dict(each.split(" ", 1) for each in CONTENT_SECURITY_POLICY.split("; "))
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not {"object-src", "frame-src"} & set(policy), "default-src forbids them"
