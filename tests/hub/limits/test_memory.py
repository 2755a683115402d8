"""A hub's memory does not grow with what is sent to it: each limit, asked for 64 times as much.

A real process, because what counts is what the system gives it.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from arborlink.protocol.limits import CONTROL_MESSAGE_BYTES, KIB, MIB
from tests.e2e.arbor import TOKEN, Arbor
from tests.hub.front.wire import (
    BINARY,
    CONTINUATION,
    HANDSHAKE,
    PING,
    TEXT,
    Wire,
    frame,
    wire_to,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMES = 64
BODY_BYTES, PUBLIC_BODY_BYTES, HEAD_BYTES, FRAGMENTS = MIB, 64 * KIB, 8 * KIB, 1_024
# A message of the largest size a few times over, while it is parsed, answered and let go.
MAX_GROWTH_BYTES = 12 * MIB
PIECE = bytes(64 * KIB)

AUTH = json.dumps({"type": "auth", "authToken": TOKEN}).encode()
SIGNED = f"Authorization: Bearer {TOKEN}\r\n".encode()
HOST = b"Host: 127.0.0.1\r\n"
JSON_BODY = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arbor]:
    """A hub with the limits as they come, which has done everything once."""
    home = tmp_path_factory.mktemp("home")
    arbor = Arbor(home, tmp_path_factory.mktemp("workspace"))
    try:
        arbor.start_hub()
        yield arbor
    finally:
        arbor.stop()


class Memory:
    """What the system has given the hub."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def bytes(self, name: str) -> int:
        """A figure of its status."""
        lines = (self._folder / "status").read_text().splitlines()
        (size,) = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
        return int(size) * KIB

    def forget_the_most(self) -> None:
        """The highest so far counts from now on."""
        (self._folder / "clear_refs").write_text("5")


async def pour(wire: Wire, count: int, *, chunked: bool = False) -> None:
    """Send so many bytes, for as long as the hub takes them."""
    piece = b"%x\r\n" % len(PIECE) + PIECE + b"\r\n" if chunked else PIECE
    with suppress(ConnectionError, TimeoutError):
        for _ in range(0, count, len(PIECE)):
            await wire.send(piece)


async def refused_with(wire: Wire, status: int) -> None:
    """The answer, unless it was lost when the hub hung up on who went on."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        assert (await wire.reply()).status == status


async def known(wire: Wire) -> None:
    """Become a viewer."""
    await wire.upgrade()
    await wire.send(frame(AUTH))
    assert (await wire.message())["type"] == "welcome"


# ── what is sent ─────────────────────────────────────────────────────────────────────────────


async def declared_body(wire: Wire) -> None:
    size = TIMES * BODY_BYTES
    head = b"POST /api/workspaces HTTP/1.1\r\n" + HOST + SIGNED + JSON_BODY
    await wire.send(head + b"Content-Length: %d\r\n\r\n" % size)
    await pour(wire, size)
    await refused_with(wire, 413)


async def body_in_chunks(wire: Wire) -> None:
    head = b"POST /api/workspaces HTTP/1.1\r\n" + HOST + SIGNED + JSON_BODY
    await wire.send(head + CHUNKED + b"\r\n")
    await pour(wire, TIMES * BODY_BYTES, chunked=True)
    await refused_with(wire, 413)


async def strangers_body(wire: Wire) -> None:
    head = b"POST /api/session HTTP/1.1\r\n" + HOST + JSON_BODY
    await wire.send(head + CHUNKED + b"\r\n")
    await pour(wire, TIMES * PUBLIC_BODY_BYTES, chunked=True)
    await refused_with(wire, 413)


async def packed_body(wire: Wire) -> None:
    """Little, of which 64 times as much as may come would become."""
    packer = zlib.compressobj(9, wbits=31)
    packed = packer.compress(bytes(TIMES * BODY_BYTES)) + packer.flush()
    head = b"POST /api/workspaces HTTP/1.1\r\n" + HOST + SIGNED + JSON_BODY
    head += b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    await wire.send(head + packed)
    assert (await wire.reply()).status == 415


async def deep_body(wire: Wire) -> None:
    body = b'{"name":'.ljust(BODY_BYTES, b"[")
    for _ in range(8):
        head = b"POST /api/workspaces HTTP/1.1\r\n" + HOST + SIGNED + JSON_BODY
        await wire.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert (await wire.reply()).status in (400, 422)


async def long_query(wire: Wire) -> None:
    with suppress(ConnectionError):
        await wire.send(b"GET /healthz?" + b"x" * (TIMES * HEAD_BYTES))
    await refused_with(wire, 431)


async def many_headers(wire: Wire) -> None:
    with suppress(ConnectionError):
        await wire.send(b"GET /healthz HTTP/1.1\r\n" + HOST + b"X:y\r\n" * (TIMES * HEAD_BYTES))
    await refused_with(wire, 431)


async def large_message(wire: Wire) -> None:
    await known(wire)
    head = b"\x82\xff" + (TIMES * CONTROL_MESSAGE_BYTES).to_bytes(8, "big") + bytes(4)
    await wire.send(head)
    await pour(wire, TIMES * CONTROL_MESSAGE_BYTES)


async def message_in_large_fragments(wire: Wire) -> None:
    await known(wire)
    with suppress(ConnectionError, TimeoutError):
        await wire.send(frame(PIECE, BINARY, first=0))
        part = frame(PIECE, CONTINUATION, first=0)
        for _ in range(TIMES * CONTROL_MESSAGE_BYTES // len(PIECE)):
            await wire.send(part)


async def endless_fragments(wire: Wire) -> None:
    await wire.upgrade()
    with suppress(ConnectionError, TimeoutError):
        await wire.send(frame(b"", TEXT, first=0))
        for _ in range(TIMES):
            await wire.send(frame(b"", CONTINUATION, first=0) * FRAGMENTS)


async def deep_messages(wire: Wire) -> None:
    await known(wire)
    for _ in range(4):
        await wire.send(frame(b'{"type":"nobody","x":'.ljust(CONTROL_MESSAGE_BYTES, b"[")))
    assert (await wire.closed())[0] == 4400


async def compressed_message(wire: Wire) -> None:
    """A bomb, by one who acts as if it had been agreed to."""
    await wire.upgrade(b"Sec-WebSocket-Extensions: permessage-deflate\r\n")
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(bytes(TIMES * CONTROL_MESSAGE_BYTES)) + packer.flush()
    await wire.send(frame(packed, BINARY, first=0xC0))
    assert (await wire.closed())[0] == 1002


async def pings(wire: Wire) -> None:
    await wire.upgrade()
    with suppress(ConnectionError, TimeoutError):
        for _ in range(TIMES):
            await wire.send(frame(b"x" * 125, PING) * 50)


async def requests_ahead(wire: Wire) -> None:
    with suppress(ConnectionError, TimeoutError):
        for _ in range(TIMES):
            await wire.send((b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n") * 16)


async def handshakes(wire: Wire) -> None:
    """As many messages of the largest size as there may be strangers, and none is finished."""
    port = wire.writer.get_extra_info("peername")[1]
    begun = frame(AUTH.ljust(CONTROL_MESSAGE_BYTES))[:-1]

    async def begin() -> None:
        async with wire_to(port) as own:
            await own.send(HANDSHAKE + b"\r\n")
            if (await own.reply()).status == 101:
                with suppress(ConnectionError, TimeoutError):
                    await own.send(begun)

    async with asyncio.TaskGroup() as group:
        for _ in range(TIMES):
            group.create_task(begin())


ATTACKS: list[Callable[[Wire], Awaitable[None]]] = [
    declared_body,
    body_in_chunks,
    strangers_body,
    packed_body,
    deep_body,
    long_query,
    many_headers,
    large_message,
    message_in_large_fragments,
    endless_fragments,
    deep_messages,
    compressed_message,
    pings,
    requests_ahead,
    handshakes,
]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_memory_does_not_grow_with_what_is_sent(
    hub: Arbor, attack: Callable[[Wire], Awaitable[None]]
) -> None:
    assert hub.hub is not None
    memory = Memory(hub.hub.pid)
    memory.forget_the_most()
    before = memory.bytes("VmRSS")
    async with wire_to(hub.port) as wire:
        await attack(wire)
    grown = memory.bytes("VmHWM") - before
    assert grown < MAX_GROWTH_BYTES, f"{grown / MIB:.1f} MiB"
    # Those who are known do not notice.
    async with wire_to(hub.port) as wire:
        await wire.send(b"GET /api/me HTTP/1.1\r\n" + HOST + SIGNED + b"\r\n")
        assert (await wire.reply()).status == 200
