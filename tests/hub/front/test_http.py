"""What an HTTP connection may cost, at and beyond each limit."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.hub.front.conftest import Hasty
from tests.hub.front.wire import Wire, wire_to
from tests.hub.live.bench import Bench

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINE = b"GET /healthz HTTP/1.1\r\n"
HOST = b"Host: 127.0.0.1\r\n"
HEAD_BYTES = 8 * 1024
DRIP_SECONDS = 0.01
# As the hub counts them: the address, and each header with four bytes around it.
USED = len(b"/healthz") + len(b"Host127.0.0.1") + 4 + len(b"X") + 4


async def test_a_head_at_the_limit_is_served_and_one_above_it_refused(small: Bench) -> None:
    async with wire_to(small.port) as wire:
        await wire.send(LINE + HOST + b"X: " + b"x" * (HEAD_BYTES - USED) + b"\r\n\r\n")
        assert (await wire.reply()).status == 200
        await wire.send(LINE + HOST + b"X: " + b"x" * (HEAD_BYTES - USED + 1) + b"\r\n\r\n")
        reply = await wire.reply()
        assert (reply.status, reply.code) == (431, "headers_too_large")
        assert await wire.gone() == b""


@pytest.mark.parametrize(
    "head",
    [
        LINE + HOST + b"X: y\r\n" * 4_000,
        LINE + HOST + b"X: " + b"y" * 20_000,
        LINE + HOST + b"y" * 20_000,
        b"GET /" + b"y" * 20_000,
    ],
    ids=["many", "value without an end", "name without an end", "address without an end"],
)
async def test_a_head_without_an_end_is_refused_before_it_ends(small: Bench, head: bytes) -> None:
    async with wire_to(small.port) as wire:
        for start in range(0, len(head), 4_000):
            await wire.send(head[start : start + 4_000])
            await asyncio.sleep(0)
        assert (await wire.reply()).status == 431


async def test_a_head_without_an_end_that_comes_at_once_is_refused_at_once(small: Bench) -> None:
    async with wire_to(small.port) as wire:
        await wire.send(LINE + HOST + b"X: " + b"y" * (HEAD_BYTES + 1))
        # A hub that waits for the end says 408 when the time is over, which here is never.
        assert (await wire.reply()).status == 431


async def test_a_head_that_follows_a_large_body_is_not_taken_for_a_larger_one(small: Bench) -> None:
    body = b"{" + b" " * (2 * HEAD_BYTES) + b"}"
    async with wire_to(small.port) as wire:
        await wire.send(
            b"POST /api/session HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body + LINE + HOST + b"X: y"
        )
        assert (await wire.reply()).status == 422
        await wire.send(b"\r\n\r\n")
        assert (await wire.reply()).status == 200


async def test_the_host_of_an_absolute_address_counts(small: Bench) -> None:
    async with wire_to(small.port) as wire:
        await wire.send(b"GET http://127.0.0.1/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert (await wire.reply()).status == 200
        await wire.send(b"GET http://evil.example/healthz HTTP/1.1\r\n" + HOST + b"\r\n")
        reply = await wire.reply()
        assert (reply.status, reply.code) == (421, "host_not_allowed")


@pytest.mark.parametrize("sent_later", [False, True])
async def test_a_body_that_cannot_be_read_is_answered(small: Bench, sent_later: bool) -> None:
    head = b"POST /api/session HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    async with wire_to(small.port) as wire:
        if sent_later:
            await wire.send(head + b"2\r\n{ \r\n")
            await asyncio.sleep(0)
            await wire.send(b"no size\r\n")
        else:
            await wire.send(head + b"no size\r\n")
        reply = await wire.reply()
        assert (reply.status, reply.code) == (400, "malformed_request")
        assert await wire.gone() == b""


async def test_noise_after_a_good_request_does_not_replace_its_answer(small: Bench) -> None:
    async with wire_to(small.port) as wire:
        await wire.send(LINE + HOST + b"\r\nnoise\r\n\r\n")
        assert b" 400 " not in await wire.gone()


@pytest.mark.parametrize(
    "said", [b"", LINE + b"Ho", b"\r\n"], ids=["nothing", "half", "nothing yet"]
)
async def test_a_head_that_does_not_come_to_its_end_is_waited_for_only_so_long(
    hasty: Hasty, said: bytes
) -> None:
    async with hasty("request_head_seconds") as bench, wire_to(bench.port) as wire:
        await wire.send(said)
        reply = await wire.reply()
        assert (reply.status, reply.code) == (408, "request_timeout")
        assert reply.headers["connection"] == "close"
        assert await wire.gone() == b""


async def test_a_byte_now_and_then_does_not_make_the_time_longer(hasty: Hasty) -> None:
    async def drip(wire: Wire) -> None:
        while True:
            for byte in LINE + HOST * 100:
                wire.writer.write(bytes([byte]))
                await asyncio.sleep(DRIP_SECONDS)

    async with (
        hasty("request_head_seconds") as bench,
        wire_to(bench.port) as wire,
        asyncio.TaskGroup() as group,
    ):
        dripping = group.create_task(drip(wire))
        assert (await wire.reply()).status == 408
        dripping.cancel()


async def test_a_body_that_does_not_come_to_its_end_is_refused(hasty: Hasty) -> None:
    async with hasty("request_body_seconds") as bench, wire_to(bench.port) as wire:
        await wire.send(
            b"POST /api/session HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"link":'
        )
        reply = await wire.reply()
        assert (reply.status, reply.code) == (408, "request_timeout")
        # What was promised never came: nothing else can be said on this connection.
        assert await wire.gone() == b""


async def test_a_body_above_the_limit_is_refused_before_it_is_sent(small: Bench) -> None:
    limit = 64 * 1024
    for size, status in ((limit, 422), (limit + 1, 413)):
        async with wire_to(small.port) as wire:
            await wire.send(
                b"POST /api/session HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % size
            )
            if status == 422:
                await wire.send(b"{" + b" " * (size - 2) + b"}")
            assert (await wire.reply()).status == status


async def test_a_body_in_chunks_is_refused_where_it_passes_the_limit(small: Bench) -> None:
    async with wire_to(small.port) as wire:
        await wire.send(
            b"POST /api/session HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(5):
            await wire.send(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        assert (await wire.reply()).status == 413


async def test_what_is_no_request_is_answered(small: Bench) -> None:
    async with wire_to(small.port) as wire:
        await wire.send(b"\x16\x03\x01\x02\x00 this is TLS\r\n\r\n")
        reply = await wire.reply()
        assert (reply.status, reply.code) == (400, "malformed_request")


async def test_requests_that_are_sent_ahead_are_bounded(small: Bench) -> None:
    async with wire_to(small.port) as wire:
        await wire.send((LINE + HOST + b"\r\n") * 200)
        answered = await wire.gone()
        assert answered.count(b"HTTP/1.1 ") < 30


async def test_idle_connections_of_an_address_make_room_for_new_ones(small: Bench) -> None:
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wire_to(small.port)) for _ in range(20)]
        await wires[-1].send(LINE + HOST + b"\r\n")
        assert (await wires[-1].reply()).status == 200
        # The first ones went without a word.
        assert await wires[0].gone() == b""


async def test_connections_with_a_request_in_progress_are_never_closed_for_others(
    small: Bench,
) -> None:
    begun = b"POST /api/session HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
    begun += b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wire_to(small.port)) for _ in range(6)]
        for wire in wires:
            await wire.send(begun)
            assert (await wire.reply()).status == 100
        late = await stack.enter_async_context(wire_to(small.port))
        refused = await late.reply()
        assert (refused.status, refused.code) == (503, "too_many_connections")
        assert refused.headers["retry-after"] == "5"
        for wire in wires:
            await wire.send(b"{}")
            assert (await wire.reply()).status == 422


async def test_a_peer_that_does_not_read_its_answer_loses_the_connection(hasty: Hasty) -> None:
    async with hasty("response_stall_seconds") as bench, wire_to(bench.port) as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionError):
            while True:
                await wire.send(b"GET /api/openapi.json HTTP/1.1\r\n" + HOST + b"\r\n")
                await asyncio.sleep(DRIP_SECONDS)


async def test_a_signed_in_neighbour_is_served_all_the_while(small: Bench) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(50):
            await stack.enter_async_context(wire_to(small.port))
        assert (await small.client.get("/api/me")).status_code == 200
