"""A TCP connection to a hub, written to byte by byte: what no well-behaved library would send."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tests.bounds import HANG_SECONDS

HANDSHAKE = (
    b"GET /api/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
FIN, CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x80, 0, 1, 2, 8, 9, 10


class Reply(NamedTuple):
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The problem's stable code."""
        return str(json.loads(self.body)["code"])


class Wire:
    """`reader` and `writer` are the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Write it, as far as the peer still listens."""
        self.writer.write(data)
        async with asyncio.timeout(HANG_SECONDS):
            await self.writer.drain()

    async def reply(self) -> Reply:
        """The next HTTP response."""
        async with asyncio.timeout(HANG_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode().strip().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Reply(int(status.split()[1]), headers, body)

    async def upgrade(self, headers: bytes = b"") -> Reply:
        """Become a WebSocket that has said nothing yet."""
        await self.send(HANDSHAKE + headers + b"\r\n")
        reply = await self.reply()
        assert reply.status == 101
        return reply

    async def frame(self) -> tuple[int, bytes]:
        """The next WebSocket frame: opcode and payload."""
        async with asyncio.timeout(HANG_SECONDS):
            first, second = await self.reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(size)

    async def message(self) -> Any:
        """The next text message, heartbeats left out."""
        while True:
            opcode, payload = await self.frame()
            if opcode == TEXT and json.loads(payload)["type"] != "heartbeat":
                return json.loads(payload)
            assert opcode != CLOSE, payload

    async def closed(self) -> tuple[int, str]:
        """How the hub closed the WebSocket; frames before are skipped."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    async def gone(self) -> bytes:
        """Until the hub has closed the connection; what came before."""
        async with asyncio.timeout(HANG_SECONDS):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


def frame(payload: bytes = b"", opcode: int = TEXT, *, first: int = FIN) -> bytes:
    """A masked frame. `first`: the bits above the opcode."""
    if len(payload) < 126:
        head = bytes([first | opcode, 0x80 | len(payload)])
    elif len(payload) < 1 << 16:
        head = struct.pack("!BBH", first | opcode, 0xFE, len(payload))
    else:
        head = struct.pack("!BBQ", first | opcode, 0xFF, len(payload))
    mask = os.urandom(4)
    covered = len(payload) + -len(payload) % 4
    key = int.from_bytes(mask * (covered // 4), "big")
    masked = int.from_bytes(payload.ljust(covered, b"\0"), "big") ^ key
    return head + mask + masked.to_bytes(covered, "big")[: len(payload)]


def fragments(payload: bytes, count: int) -> bytes:
    """A text message in `count` frames, the last of which holds all of it."""
    parts = [frame(b"", TEXT, first=0)]
    parts += [frame(b"", CONTINUATION, first=0)] * (count - 2)
    return b"".join(parts) + frame(payload, CONTINUATION)


@asynccontextmanager
async def wire_to(
    port: int, tls: ssl.SSLContext | None = None, *, address: str = "127.0.0.1"
) -> AsyncIterator[Wire]:
    """A connection that has said nothing yet. `address`: which of this machine's it comes from."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, local_addr=(address, 0)
    )
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
