"""Fields that follow a body in chunks are never headers, whichever they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from arborlink.hub import server
from tests.hub.front.wire import Reply, Wire, wire_to
from tests.hub.live.bench import Bench, running_bench

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = b"Host: 127.0.0.1\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
REAL, FORGED = "203.0.113.5", "198.51.100.9"
BY_PROXY = b"X-Forwarded-For: %s\r\nX-Forwarded-Proto: https\r\n" % REAL.encode()
NEXT = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
HEAD_BYTES = 8 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def proxied(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub that believes a proxy on this machine, and keeps idle connections for an hour."""
    folder: Path = tmp_path_factory.mktemp("hub")
    limits = {"failed_authentications_per_minute": 1_000}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "KEEP_ALIVE_SECONDS", 3_600)
        async with running_bench(folder, behind_proxy=["127.0.0.1"], **limits) as bench:
            yield bench


def request(path: str, body: bytes, trailers: bytes, headers: bytes = b"") -> bytes:
    head = b"POST %s HTTP/1.1\r\n" % path.encode() + HOST + CHUNKED + headers + b"\r\n"
    return head + b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailers)


async def send(wire: Wire, data: bytes, *, at_once: bool) -> None:
    """All of it together, so that the request is whole before it is served, or bit by bit."""
    if at_once:
        await wire.send(data)
        return
    head, _, rest = data.partition(b"0\r\n")
    for part in (head, b"0\r\n", rest):
        await wire.send(part)
        await asyncio.sleep(0)


async def signed_in_from(bench: Bench, trailers: bytes, *, at_once: bool) -> list[object]:
    """The addresses of the sessions after one was begun with these trailers."""
    for item in (await bench.client.get("/api/sessions")).json()["items"]:
        await bench.client.delete(f"/api/sessions/{item['id']}")
    link = (await bench.post("/api/session/link"))["link"]
    body = b'{"link": "%s"}' % link.encode()
    origin = b"Origin: http://127.0.0.1\r\n"
    async with wire_to(bench.port) as wire:
        data = request("/api/session", body, trailers, JSON + BY_PROXY + origin)
        await send(wire, data, at_once=at_once)
        reply = await wire.reply()
        assert reply.status == 201, reply.body
    listed = (await bench.client.get("/api/sessions")).json()["items"]
    return [item["address"] for item in listed]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    "trailers",
    [
        b"X-Forwarded-For: %s\r\n" % FORGED.encode(),
        b"x-forwarded-for: %s\r\nX-Forwarded-Proto: http\r\n" % FORGED.encode(),
        b"Forwarded: for=%s\r\n" % FORGED.encode(),
        b"X-Real-IP: %s\r\nX-Forwarded-For: %s\r\n" % (FORGED.encode(), FORGED.encode()),
        b"Origin: http://evil.example\r\nHost: evil.example\r\n",
    ],
)
async def test_a_client_behind_a_proxy_cannot_choose_its_address(
    proxied: Bench, trailers: bytes, at_once: bool
) -> None:
    assert await signed_in_from(proxied, trailers, at_once=at_once) == [REAL]


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_trailer_is_no_credential(proxied: Bench, at_once: bool) -> None:
    token = proxied.client.headers["Authorization"].encode()
    for trailers in (b"Authorization: " + token + b"\r\n", b"Cookie: arbor_session=x\r\n"):
        async with wire_to(proxied.port) as wire:
            data = request("/api/workspaces", b'{"name": "x"}', trailers, JSON)
            await send(wire, data, at_once=at_once)
            reply = await wire.reply()
            assert (reply.status, reply.code) == (401, "not_authenticated")
            assert b"Sign in" in reply.body


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    ("trailers", "headers", "expected"),
    [
        (JSON, b"", "415"),
        (b"Content-Type: text/plain\r\n", JSON, "422"),
        (b"Content-Encoding: gzip\r\n", JSON, "422"),
        (b"X-Request-Id: forged-by-client\r\n", JSON, "422"),
        (b"Host: evil.example\r\n", JSON, "422"),
    ],
)
async def test_a_trailer_says_nothing_of_the_request(
    proxied: Bench, trailers: bytes, headers: bytes, expected: str, at_once: bool
) -> None:
    async with wire_to(proxied.port) as wire:
        await send(wire, request("/api/session", b"{}", trailers, headers), at_once=at_once)
        reply = await wire.reply()
        assert str(reply.status) == expected
        assert reply.headers["x-request-id"] != "forged-by-client"
        await wire.send(NEXT)
        assert (await wire.reply()).status == 200


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    "trailers",
    [
        b"Content-Length: 100\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
    ],
)
async def test_a_trailer_does_not_move_the_end_of_a_request(
    proxied: Bench, trailers: bytes, at_once: bool
) -> None:
    """The next request is served as one, or the connection ends: it is never taken for a body."""
    async with wire_to(proxied.port) as wire:
        data = request("/api/session", b"{}", trailers, JSON) + NEXT
        await send(wire, data, at_once=at_once)
        first = await wire.reply()
        assert first.status in (422, 400), first
        rest = b"" if first.status == 422 else await wire.gone()
        if first.status == 422:
            second: Reply | None = await second_reply(wire)
            assert second is None or second.status in (200, 400)
        assert b"HTTP/1.1 101" not in rest


async def second_reply(wire: Wire) -> Reply | None:
    try:
        return await wire.reply()
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return None


@pytest.mark.parametrize(
    "trailers",
    [b"X: y\r\n" * 4_000, b"X: " + b"y" * 20_000, b"y" * 20_000],
    ids=["many", "value without an end", "name without an end"],
)
async def test_trailers_without_an_end_are_refused(proxied: Bench, trailers: bytes) -> None:
    data = request("/api/session", b"{}", trailers, JSON)[:-2]
    async with wire_to(proxied.port) as wire:
        for start in range(0, len(data), 4_000):
            await wire.send(data[start : start + 4_000])
            await asyncio.sleep(0)
        # A hub that waits for the end says 408 when the time is over, which here is never.
        assert (await wire.reply()).status == 431


async def test_the_extension_of_a_chunk_without_an_end_is_refused(proxied: Bench) -> None:
    head = b"POST /api/session HTTP/1.1\r\n" + HOST + JSON + CHUNKED + b"\r\n2;"
    async with wire_to(proxied.port) as wire:
        await wire.send(head)
        for _ in range(6):
            await wire.send(b"x" * 4_000)
            await asyncio.sleep(0)
        assert (await wire.reply()).status == 431
