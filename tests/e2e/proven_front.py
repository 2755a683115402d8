"""Stands before a double of a hub, and proves to daemons that it is the hub whose data there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from arborlink.proof import keys, statement
from arborlink.proof.statement import End
from tests.older_hub import asks_for_key

HEAD_END: Final = b"\r\n\r\n"
PIECE_BYTES: Final = 65_536


@asynccontextmanager
async def proven_front(data_dir: Path, port: int, upstream: int) -> AsyncIterator[None]:
    """Listen on `port`, answer who the hub is, and pass all else on to the port `upstream`."""
    key = keys.find(data_dir)
    assert key is not None

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while asks_for_key(head := await reader.readuntil(HEAD_END)):
                writer.write(_answer(key, head, writer))
            answers, far = await asyncio.open_connection("127.0.0.1", upstream)
            far.write(head)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(reader, far))
                group.create_task(_pass_on(answers, writer))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


def _answer(key: keys.HubKey, head: bytes, writer: asyncio.StreamWriter) -> bytes:
    first, *lines = head.decode("latin-1").split("\r\n")
    nonce = parse_qs(urlsplit(first.split()[1]).query)["nonce"][0]
    host = next(line[5:].strip() for line in lines if line.lower().startswith("host:"))
    near, own = (End.of(writer.get_extra_info(name)) for name in ("peername", "sockname"))
    channel = statement.channel(nonce, near, own, statement.this_machine())
    proof = statement.sign(key, nonce=nonce, hub_id="hub_1", authority=host, channel=channel)
    body = msgspec.json.encode(proof)
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % len(body)
    ) + body


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    writer.transport.abort()
