"""The chaos proxy passes bytes on unchanged until it is told how to break them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from arborlink.testing.cells import generate
from arborlink.testing.chaos_proxy import ChaosProxy

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
DATA = generate("proxy", 0, 1000)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[ChaosProxy]:
    """A proxy before a server that echoes."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with ChaosProxy("127.0.0.1", port, seed=1) as running:
            yield running


@contextlib.asynccontextmanager
async def connected(proxy: ChaosProxy) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def exchange(connection: Connection, data: bytes) -> bytes:
    reader, writer = connection
    writer.write(data)
    return await reader.readexactly(len(data))


async def test_passes_on(proxy: ChaosProxy) -> None:
    """Without a fault it is invisible, counts, and hands a half-close on."""
    async with connected(proxy) as connection:
        assert await exchange(connection, DATA) == DATA
        connection[1].write_eof()
        assert await connection[0].read() == b""
    assert (proxy.accepted, proxy.bytes_up, proxy.bytes_down) == (1, len(DATA), len(DATA))


@pytest.mark.parametrize("times", [1, 2])
async def test_cut(proxy: ChaosProxy, times: int) -> None:
    """A cut is a reset, not an end; the next connection works."""
    for _ in range(times):
        async with connected(proxy) as connection:
            assert await exchange(connection, b"x") == b"x"
            assert proxy.cut() == 1
            with pytest.raises(ConnectionResetError):
                await connection[0].read()
    async with connected(proxy) as connection:
        assert await exchange(connection, b"y") == b"y"


async def test_close_gracefully(proxy: ChaosProxy) -> None:
    """A graceful close is an end of the stream."""
    async with connected(proxy) as connection:
        assert await exchange(connection, b"x") == b"x"
        assert proxy.close_gracefully() == 1
        assert await connection[0].read() == b""


async def test_half_open_and_heal(proxy: ChaosProxy) -> None:
    """What is sent disappears without a sign; healing resets who lost bytes, and only them."""
    async with connected(proxy) as lossy, connected(proxy) as idle:
        assert await exchange(lossy, b"x") + await exchange(idle, b"x") == b"xx"
        proxy.half_open()
        lossy[1].write(DATA)
        async with connected(proxy) as late:
            late[1].write(b"z")
            while sum(each.lossy for each in proxy._connections) < 2:
                await asyncio.sleep(0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(lossy[0].read(1), 0.1)
            proxy.heal()
            with pytest.raises(ConnectionResetError):
                await late[0].read(1)
        with pytest.raises(ConnectionResetError):
            await lossy[0].read(1)
        assert await exchange(idle, b"y") == b"y"


async def test_refuse(proxy: ChaosProxy) -> None:
    """A refused connection is accepted and reset."""
    proxy.refuse(True)
    with pytest.raises(ConnectionResetError):
        async with connected(proxy) as connection:
            await connection[0].readexactly(1)
    proxy.refuse(False)
    async with connected(proxy) as connection:
        assert await exchange(connection, b"y") == b"y"


async def test_one_byte_and_throttle(proxy: ChaosProxy) -> None:
    """Single bytes and a limited rate change nothing but the time it takes."""
    proxy.one_byte(True)
    proxy.throttle(100_000)
    async with connected(proxy) as connection:
        assert await exchange(connection, DATA[:200]) == DATA[:200]


async def test_delay_keeps_order(proxy: ChaosProxy) -> None:
    """Chunks with different delays arrive late and in order."""
    proxy.delay(0.02, jitter=0.02)
    now = asyncio.get_running_loop().time
    async with connected(proxy) as connection:
        began = now()
        assert await exchange(connection, DATA) == DATA
        assert now() - began >= 0.04


async def test_corrupt(proxy: ChaosProxy) -> None:
    """Corruption flips a bit and keeps the length."""
    proxy.corrupt(1.0)
    async with connected(proxy) as connection:
        found = await exchange(connection, DATA)
    assert found != DATA


async def test_back_pressure(proxy: ChaosProxy) -> None:
    """A client that does not read holds the sender back: nothing piles up in the proxy."""
    async with connected(proxy) as (_, writer):
        writer.transport.set_write_buffer_limits(high=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    writer.write(bytes(1 << 20))
                    await writer.drain()
        assert proxy.bytes_up < 64 << 20
