"""What a peer that is not known yet may hold, send and wait for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from arborlink.hub.front.websocket import FREE_BYTES
from arborlink.protocol.limits import KIB, MIB
from arborlink.testing.hub import TOKEN
from tests.bounds import HANG_SECONDS
from tests.hub.front.wire import HANDSHAKE, Reply, Wire, frame, wire_to
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.test_viewers import numbered, written

pytestmark = pytest.mark.asyncio(loop_scope="module")

IN_ALL, PER_ADDRESS = 64, 8
AUTH = b'{"type":"auth","authToken":"%b"}' % TOKEN.encode()
GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = (
    b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n"
)
# As the hub counts them: the address, and each header with four bytes around it.
HEAD_USED = len(b"/healthz") + len(b"Host127.0.0.1") + 4 + len(b"X") + 4
PIECES = 20


async def dialled(stack: AsyncExitStack, bench: Bench, address: str) -> Wire:
    return await stack.enter_async_context(wire_to(bench.port, address=address))


async def handshake(stack: AsyncExitStack, bench: Bench, address: str) -> tuple[Wire, Reply]:
    """A WebSocket that says nothing, if it is let in."""
    wire = await dialled(stack, bench, address)
    await wire.send(HANDSHAKE + b"\r\n")
    return wire, await wire.reply()


async def test_unknown_connections_are_as_many_as_there_may_be(bench: Bench) -> None:
    async with AsyncExitStack() as stack:
        addresses = [f"127.0.0.{2 + number // PER_ADDRESS}" for number in range(IN_ALL)]
        waiting: list[Wire] = []
        for count, address in enumerate(addresses, 1):
            wire, reply = await handshake(stack, bench, address)
            assert reply.status == 101, count
            waiting.append(wire)
            if count % PER_ADDRESS == 0:
                _, reply = await handshake(stack, bench, address)
                assert (reply.status, reply.code) == (429, "too_many_handshakes"), address
                assert int(reply.headers["retry-after"]) >= 1
        # A newcomer from elsewhere takes the place of the oldest of those who hold the most.
        newcomer, reply = await handshake(stack, bench, "127.0.0.99")
        assert reply.status == 101
        code, reason = await waiting[0].closed()
        assert code == 4429 and "retry in" in reason
        # Those who are known go on, and one that becomes known makes room.
        assert (await bench.client.get("/api/me")).status_code == 200
        for known in (newcomer, wire):
            await known.send(frame(AUTH))
            assert (await known.message())["type"] == "welcome"
        _, reply = await handshake(stack, bench, addresses[-1])
        assert reply.status == 101


async def test_http_connections_in_all_are_as_many_as_there_may_be(tmp_path: Path) -> None:
    begun = POST % 2 + b"Expect: 100-continue\r\n\r\n"
    async with running_bench(tmp_path, http_connections=5) as bench, AsyncExitStack() as stack:
        busy = []
        for number in range(5):
            wire = await dialled(stack, bench, f"127.0.0.{2 + number}")
            await wire.send(begun)
            assert (await wire.reply()).status == 100
            busy.append(wire)
        late = await (await dialled(stack, bench, "127.0.0.9")).reply()
        assert (late.status, late.code) == (503, "too_many_connections")
        assert late.headers["retry-after"] == "5"
        # One that is answered is idle, and gives way.
        await busy[0].send(b"{}")
        assert (await busy[0].reply()).status == 422
        wire = await dialled(stack, bench, "127.0.0.9")
        await wire.send(GET + b"\r\n")
        assert (await wire.reply()).status == 200
        assert await busy[0].gone() == b""


async def test_first_messages_share_as_much_memory_as_there_is_to_the_byte(tmp_path: Path) -> None:
    shared = 10_000
    async with running_bench(tmp_path, unauthenticated_bytes=shared) as bench:
        empty = len(frame(AUTH.ljust(FREE_BYTES))) - FREE_BYTES
        for size, accepted in ((-1, True), (0, True), (1, False)):
            sent = frame(AUTH.ljust(FREE_BYTES + shared + size - empty))
            assert len(sent) == FREE_BYTES + shared + size
            async with wire_to(bench.port) as wire:
                await wire.upgrade()
                await wire.send(sent)
                if accepted:
                    assert (await wire.message())["type"] == "welcome"
                else:
                    code, reason = await wire.closed()
                    assert code == 1013 and "retry in 5 seconds" in reason


async def test_a_head_is_as_large_as_it_is_set(tmp_path: Path) -> None:
    limit = 500
    async with running_bench(tmp_path, request_head_bytes=limit) as bench:
        for size, status in ((limit - 1, 200), (limit, 200), (limit + 1, 431)):
            async with wire_to(bench.port) as wire:
                await wire.send(GET + b"X: " + b"x" * (size - HEAD_USED) + b"\r\n\r\n")
                assert (await wire.reply()).status == status


@pytest.mark.parametrize(
    "path", ["/api/session", "/api/device/code", "/api/device/token", "/api/enroll"]
)
async def test_a_body_without_a_credential_is_as_large_as_it_is_set(
    tmp_path: Path, path: str
) -> None:
    limit = 300
    async with running_bench(tmp_path, public_request_body_bytes=limit) as bench:
        for size, status in ((limit - 1, 422), (limit, 422), (limit + 1, 413)):
            async with wire_to(bench.port) as wire:
                head = POST.replace(b"/api/session", path.encode()) % size
                await wire.send(head + b"\r\n" + b'{"x":'.ljust(size - 1) + b"}")
                reply = await wire.reply()
                # Here it is not JSON: whether it was read is what counts.
                assert (reply.status == 413) == (status == 413), reply
        assert reply.code == "message_too_large"


# ── time: who is late is in tests/hub/front; who is slow, but in time, is served ─────────────


async def in_pieces(wire: Wire, data: bytes, seconds: float) -> None:
    """Send it in as long."""
    step = -(-len(data) // PIECES)
    for start in range(0, len(data), step):
        await wire.send(data[start : start + step])
        await asyncio.sleep(seconds / PIECES)


async def test_who_is_slow_but_in_time_is_served(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "request_head_seconds": HANG_SECONDS,
        "request_body_seconds": HANG_SECONDS,
        "authentication_seconds": HANG_SECONDS,
    }
    async with running_bench(tmp_path, **settings) as bench, asyncio.TaskGroup() as group:
        for speak in (slow_head, slow_body, slow_auth):
            group.create_task(speak(bench))


SLOW_SECONDS = 0.5


async def slow_head(bench: Bench) -> None:
    async with wire_to(bench.port) as wire:
        await in_pieces(wire, GET + b"X: " + b"x" * 500 + b"\r\n\r\n", SLOW_SECONDS)
        assert (await wire.reply()).status == 200


async def slow_body(bench: Bench) -> None:
    async with wire_to(bench.port) as wire:
        await wire.send(POST % 1_000 + b"\r\n")
        await in_pieces(wire, b"{".ljust(999) + b"}", SLOW_SECONDS)
        assert (await wire.reply()).status == 422


async def slow_auth(bench: Bench) -> None:
    async with wire_to(bench.port) as wire:
        await wire.upgrade()
        await in_pieces(wire, frame(AUTH), SLOW_SECONDS)
        assert (await wire.message())["type"] == "welcome"


async def test_who_reads_an_answer_late_but_in_time_gets_all_of_it(tmp_path: Path) -> None:
    output = numbered(8 * MIB)
    async with running_bench(tmp_path, response_stall_seconds=HANG_SECONDS) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await written(bench, identity, daemon, output)
        async with bench.client.stream("GET", f"/api/tasks/{task}/output") as response:
            parts = response.aiter_bytes(64 * KIB)
            read = [await anext(parts)]
            # Far more than any socket holds is left, so the hub waits for us.
            await asyncio.sleep(SLOW_SECONDS)
            read += [part async for part in parts]
        assert b"".join(read) == output
