"""Behind a proxy, an address holds its share of the places for HTTP and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from arborlink.hub.front import http
from tests.bounds import NEVER_SECONDS
from tests.hub.front.wire import Reply, Wire, wire_to
from tests.hub.live.bench import Bench, running_bench

PLACES, SHARE = 16, 4
FIRST, SECOND, THIRD = "203.0.113.1", "203.0.113.2", "2001:db8::1"
HOST = b"Host: 127.0.0.1\r\n"


def begun(client: str) -> bytes:
    """A request whose body is asked for, so that it is known to be in progress."""
    return (
        b"POST /api/session HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
        b"Expect: 100-continue\r\nContent-Length: 2\r\n" + by_proxy(client) + b"\r\n"
    )


def whole(client: str) -> bytes:
    return b"GET /healthz HTTP/1.1\r\n" + HOST + by_proxy(client) + b"\r\n"


def by_proxy(client: str) -> bytes:
    return f"X-Forwarded-For: {client}\r\nX-Forwarded-Proto: https\r\n".encode()


@pytest_asyncio.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_bench(
        tmp_path, behind_proxy=["127.0.0.1"], http_connections=PLACES
    ) as bench:
        yield bench


async def ask(stack: AsyncExitStack, bench: Bench, data: bytes) -> tuple[Wire, Reply]:
    """The first answer on a new connection of the proxy, which stays open."""
    wire = await stack.enter_async_context(wire_to(bench.port))
    await wire.send(data)
    return wire, await wire.reply()


async def test_two_addresses_with_slow_bodies_leave_room_for_a_third(proxied: Bench) -> None:
    async with AsyncExitStack() as stack:
        held: list[Wire] = []
        for client in (FIRST, SECOND):
            for number in range(3 * SHARE):
                wire, reply = await ask(stack, proxied, begun(client))
                if number < SHARE:
                    assert reply.status == 100
                    held.append(wire)
                    continue
                assert (reply.status, reply.code) == (503, "too_many_connections")
                assert reply.headers["retry-after"] == "5"
                assert await wire.gone() == b""
        # They still hold all that they can.
        for _ in range(2 * PLACES):
            _, reply = await ask(stack, proxied, whole(THIRD))
            assert reply.status == 200
        assert (await proxied.client.get("/api/me")).status_code == 200
        # A place that is given back can be had again; the others are still in progress.
        for wire in held:
            await wire.send(b"{}")
            assert (await wire.reply()).status == 422
        _, reply = await ask(stack, proxied, whole(FIRST))
        assert reply.status == 200


async def test_a_client_that_leaves_gives_its_places_back(proxied: Bench) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(SHARE):
            await ask(stack, proxied, begun(FIRST))
        assert (await ask(stack, proxied, whole(FIRST)))[1].status == 503
    async with AsyncExitStack() as stack:
        # The hub hears of the ends of the connections one after the other.
        while (await ask(stack, proxied, whole(FIRST)))[1].status == 503:
            pass


async def test_what_was_answered_makes_room_though_its_body_has_not_ended(
    proxied: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LINGER_SECONDS", NEVER_SECONDS)
    unfinished = (
        b"POST /api/workspaces HTTP/1.1\r\n" + HOST + b"Authorization: Bearer arb_u_wrong\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n"
    )
    async with AsyncExitStack() as stack:
        for number in range(2 * PLACES):
            client = f"198.51.100.{number}"
            _, reply = await ask(stack, proxied, unfinished + by_proxy(client) + b"\r\n")
            assert reply.status == 401, number
        assert (await ask(stack, proxied, whole(THIRD)))[1].status == 200


async def test_an_address_without_a_proxy_leaves_room_too(tmp_path: Path) -> None:
    async with running_bench(tmp_path, http_connections=PLACES) as bench, AsyncExitStack() as stack:
        for address in ("127.0.0.2", "127.0.0.3"):
            for number in range(2 * SHARE):
                wire = await stack.enter_async_context(wire_to(bench.port, address=address))
                await wire.send(begun(address))
                reply = await wire.reply()
                assert reply.status == (100 if number < SHARE else 503)
        for _ in range(PLACES):
            wire = await stack.enter_async_context(wire_to(bench.port, address="127.0.0.4"))
            await wire.send(whole(THIRD))
            assert (await wire.reply()).status == 200


async def test_when_all_places_are_held_who_holds_the_most_makes_room(tmp_path: Path) -> None:
    async with running_bench(tmp_path, http_connections=PLACES) as bench, AsyncExitStack() as stack:
        held = []
        for number in range(PLACES):
            address = f"127.0.0.{number // SHARE + 2}"
            wire = await stack.enter_async_context(wire_to(bench.port, address=address))
            await wire.send(begun(address))
            assert (await wire.reply()).status == 100
            held.append(wire)
        for newcomer, loser in (("127.0.0.8", held[0]), ("127.0.0.9", held[SHARE])):
            wire = await stack.enter_async_context(wire_to(bench.port, address=newcomer))
            await wire.send(whole(newcomer))
            assert (await wire.reply()).status == 200
            refused = await loser.reply()
            assert (refused.status, refused.code) == (503, "too_many_connections")
            # It goes on, so that the next newcomer needs another place.
            await wire.send(begun(newcomer))
            assert (await wire.reply()).status == 100
        # The others of that network are served.
        for wire in held[1:SHARE]:
            await wire.send(b"{}")
            assert (await wire.reply()).status == 422
