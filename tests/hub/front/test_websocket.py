"""What a WebSocket may cost below its messages, before and after it is known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from arborlink.protocol.limits import KIB
from arborlink.testing.hub import TOKEN
from tests.hub.front.conftest import LIMITS, SHORT_SECONDS, Hasty
from tests.hub.front.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    HANDSHAKE,
    PING,
    PONG,
    TEXT,
    Wire,
    fragments,
    frame,
    wire_to,
)
from tests.hub.live.bench import Bench, running_bench

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUTH = json.dumps({"type": "auth", "authToken": TOKEN}).encode()
WRONG_AUTH = b'{"type":"auth","authToken":"arb_a_wrong"}'
PROBE = b'{"type":"nobody-knows-this"}'
MAX_FRAGMENTS = 16
DRIP_SECONDS = 0.01


@asynccontextmanager
async def unknown(bench: Bench) -> AsyncIterator[Wire]:
    """A WebSocket that has said nothing yet."""
    async with wire_to(bench.port) as wire:
        await wire.upgrade()
        yield wire


@asynccontextmanager
async def known(bench: Bench) -> AsyncIterator[Wire]:
    """A viewer that was welcomed."""
    async with unknown(bench) as wire:
        await wire.send(frame(AUTH))
        assert (await wire.message())["type"] == "welcome"
        yield wire


async def answers(wire: Wire) -> bool:
    """Whether the hub still listens to what this one says."""
    await wire.send(frame(PROBE))
    return bool((await wire.message())["code"] == "unknown_message")


async def test_a_message_may_come_in_so_many_fragments_and_in_no_more(small: Bench) -> None:
    for count in (2, MAX_FRAGMENTS - 1, MAX_FRAGMENTS):
        async with unknown(small) as wire:
            await wire.send(fragments(AUTH, count))
            assert (await wire.message())["type"] == "welcome"
    async with known(small) as wire:
        await wire.send(fragments(PROBE, MAX_FRAGMENTS + 1))
        assert await wire.closed() == (4413, "a message has at most 16 fragments")


async def test_empty_fragments_without_an_end_are_refused(small: Bench) -> None:
    async with unknown(small) as wire:
        await wire.send(frame(b"", TEXT, first=0))
        await wire.send(frame(b"", CONTINUATION, first=0) * 10_000)
        assert (await wire.closed())[0] == 4413


async def test_pings_are_answered_until_there_are_too_many(small: Bench) -> None:
    async with known(small) as wire:
        for number in range(5):
            await wire.send(frame(b"%d" % number, PING))
            assert await wire.frame() == (PONG, b"%d" % number)
        await wire.send(frame(b"6", PING))
        assert await wire.closed() == (4429, "Too many requests; retry in 100 seconds")


@pytest.mark.parametrize("opcode", [PING, PONG])
async def test_a_flood_of_control_frames_ends_the_connection(small: Bench, opcode: int) -> None:
    flood = frame(b"x" * 125, opcode)
    async with known(small) as wire:
        wire.writer.write(flood * 20_000)
        assert (await wire.closed())[0] == 4429
    # Of one who is not known only as much as it may send at all: what a single read finds decides
    # whether more of it is too many frames or too many bytes.
    async with unknown(small) as wire:
        wire.writer.write(flood * 100)
        assert (await wire.closed())[0] == 4429


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(AUTH, first=FIN | 0x40), 1002),
        (frame(AUTH, first=FIN | 0x20), 1002),
        (frame(b"x" * 126, PING), 1002),
        (frame(b"x", PING, first=0), 1002),
        (frame(AUTH, 3), 1002),
        (frame(b"\xff\xfe"), 1007),
        (frame(b"x", CONTINUATION), 1002),
        (b"\x81\x05hello", 1002),
        (b"\x81\xff" + (1 << 40).to_bytes(8, "big"), 1009),
        (frame(b"x" * 200_000), 1009),
        (frame(b" " * 70_000), 4413),
        (frame(b"x" * 100, BINARY), 4400),
    ],
    ids=[
        "compressed", "reserved bit", "long ping", "half a ping", "unknown opcode", "no UTF-8",
        "continues nothing", "not masked", "a terabyte to come", "far too large", "too large",
        "not JSON",
    ],
)  # fmt: skip
async def test_a_frame_that_breaks_a_rule_ends_the_connection(
    small: Bench, sent: bytes, code: int
) -> None:
    async with unknown(small) as wire:
        await wire.send(sent)
        assert (await wire.closed())[0] == code


@pytest.mark.parametrize(
    ("sent", "code"),
    [(frame(b"x" * 200_000), 1009), (frame(AUTH, first=FIN | 0x40) + b" " * 200_000, 1002)],
    ids=["far too large", "compressed"],
)
async def test_a_rule_that_is_broken_is_named_however_much_came_at_once(
    tmp_path: Path, sent: bytes, code: int
) -> None:
    """Who sends far too much would not be served later either, as a full pool of memory says."""
    limits = {**LIMITS, "unauthenticated_bytes": 1}
    async with running_bench(tmp_path, **limits) as bench, unknown(bench) as wire:
        # Both ends are of this event loop: the hub finds all that the system has taken of it.
        wire.writer.write(sent)
        assert (await wire.closed())[0] == code


async def test_a_message_byte_by_byte_is_a_message(small: Bench) -> None:
    async with unknown(small) as wire:
        for byte in frame(AUTH):
            await wire.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await wire.message())["type"] == "welcome"


async def test_a_first_message_that_drips_in_is_not_waited_for(hasty: Hasty) -> None:
    async def drip(wire: Wire) -> None:
        for byte in frame(AUTH + b" " * 10_000):
            wire.writer.write(bytes([byte]))
            await asyncio.sleep(DRIP_SECONDS)

    async with (
        hasty("authentication_seconds") as bench,
        unknown(bench) as wire,
        asyncio.TaskGroup() as group,
    ):
        dripping = group.create_task(drip(wire))
        assert await wire.closed() == (4408, f"no valid auth within {SHORT_SECONDS} seconds")
        dripping.cancel()


async def test_what_comes_with_the_handshake_does_no_harm(small: Bench) -> None:
    async with wire_to(small.port) as wire:
        # uvicorn drops what came in the same read; no client sends before it knows the answer.
        await wire.send(HANDSHAKE + b"\r\n" + frame(b"early", PING))
        assert (await wire.reply()).status == 101
        await wire.send(frame(AUTH))
        assert (await wire.message())["type"] == "welcome"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HANDSHAKE.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""), 400),
        (HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), 400),
        (HANDSHAKE.replace(b"Version: 13", b"Version: 99"), 400),
        (HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0"), 404),
        (HANDSHAKE + b"X: y\r\n" * 150, 431),
        (HANDSHAKE + b"Sec-WebSocket-Protocol: none.of.ours\r\n", 400),
        (HANDSHAKE + b"Origin: http://evil.example\r\n", 403),
    ],
    ids=[
        "no key", "bad key", "bad version", "HTTP/1.0", "many headers", "bad sub-protocol",
        "bad origin",
    ],
)  # fmt: skip
async def test_a_handshake_that_is_refused_leaves_no_connection(
    small: Bench, head: bytes, status: int
) -> None:
    async with wire_to(small.port) as wire:
        await wire.send(head + b"\r\n")
        assert (await wire.reply()).status == status
        assert await wire.gone() == b""


async def test_large_first_messages_share_what_memory_there_is(small: Bench) -> None:
    unfinished = frame(b" " * 60_000)[:50_000]
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(unknown(small))
        await first.send(unfinished)
        # Whatever was sent before this one came has been counted when it is welcomed.
        async with known(small):
            pass
        second = await stack.enter_async_context(unknown(small))
        await second.send(unfinished)
        code, reason = await second.closed()
        assert code == 1013 and "retry in 5 seconds" in reason
        # Whoever says as little as most do is let in all the same.
        async with known(small) as wire:
            assert await answers(wire)
    # What they had is free again.
    async with unknown(small) as wire:
        await wire.send(frame(AUTH + b" " * 50_000))
        assert (await wire.message())["type"] == "welcome"


async def test_who_is_refused_leaves_its_share_to_those_at_the_same_moment(small: Bench) -> None:
    # Of 64 KiB beside what is free for everybody: four take 15 each, and all want 5 more at once.
    message = frame(AUTH.rjust(36 * KIB))
    first, rest = message[: 31 * KIB], message[31 * KIB :]
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(unknown(small)) for _ in range(4)]
        for wire in wires:
            await wire.send(first)
        async with known(small):
            pass
        for wire in wires:
            wire.writer.write(rest)
        opcodes = [(await wire.frame())[0] for wire in wires]
    assert sorted(opcodes) == [TEXT, TEXT, TEXT, CLOSE]


async def test_one_who_is_known_may_send_more_than_one_who_is_not(small: Bench) -> None:
    async with known(small) as wire:
        for _ in range(20):
            await wire.send(frame(PROBE + b" " * 60_000))
            assert (await wire.message())["code"] == "unknown_message"


async def test_many_messages_in_one_read_are_all_answered(small: Bench) -> None:
    async with known(small) as wire:
        await wire.send(frame(PROBE) * 300)
        for _ in range(300):
            assert (await wire.message())["code"] == "unknown_message"
        assert await answers(wire)


async def test_a_peer_that_does_not_answer_a_close_loses_the_connection(small: Bench) -> None:
    async with unknown(small) as wire:
        await wire.send(frame(WRONG_AUTH))
        assert (await wire.closed())[0] == 4501
        assert await wire.gone() == b""


async def test_the_hub_does_not_wait_for_one_who_does_not_read(small: Bench) -> None:
    async with unknown(small) as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await wire.send(frame(AUTH))
        with pytest.raises(ConnectionError):
            while True:
                await wire.send(frame(PROBE) * 2_000)
                await asyncio.sleep(DRIP_SECONDS)


async def test_unknown_connections_from_one_address_are_few(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("few")
    async with (
        running_bench(folder, unauthenticated_connections_per_address=3) as bench,
        AsyncExitStack() as stack,
    ):
        waiting = [await stack.enter_async_context(unknown(bench)) for _ in range(3)]
        async with wire_to(bench.port) as wire:
            await wire.send(HANDSHAKE + b"\r\n")
            reply = await wire.reply()
            assert (reply.status, reply.headers["retry-after"]) == (429, "1")
        await waiting[0].send(frame(AUTH))
        assert (await waiting[0].message())["type"] == "welcome"
        async with known(bench) as wire:
            assert await answers(wire)
