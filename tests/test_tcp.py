"""A connection that is broken on purpose is broken for the peer at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator

import pytest
import uvloop

from arborlink import tcp
from tests.bounds import HANG_SECONDS

MIB = 1 << 20


@pytest.fixture
def peer() -> Iterator[tuple[int, socket.socket]]:
    """A port, and the socket that listens there; it is small."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        yield server.getsockname()[1], server


async def test_a_peer_that_reads_nothing_hears_of_the_end_at_once(
    peer: tuple[int, socket.socket],
) -> None:
    port, server = peer
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    accepted, _ = server.accept()
    with accepted:
        accepted.settimeout(HANG_SECONDS)
        assert tcp.is_heard(writer.transport)
        # A FIN would wait behind this.
        writer.write(bytes(16 * MIB))
        tcp.reset(writer.transport)
        with pytest.raises(ConnectionResetError):
            while await asyncio.to_thread(accepted.recv, MIB):
                pass


async def test_what_waits_in_this_process_is_little(peer: tuple[int, socket.socket]) -> None:
    port, _ = peer
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    tcp.hold_little(writer.transport, give_up_ms=15_000)
    sock = writer.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000
    _, high = writer.transport.get_write_buffer_limits()
    assert high == tcp.BUFFERED_BYTES
    writer.transport.abort()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_connection_that_is_closed_already_can_be_asked_and_reset(
    peer: tuple[int, socket.socket], new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def close_and_ask() -> bool:
        _, writer = await asyncio.open_connection("127.0.0.1", peer[0])
        writer.transport.abort()
        await writer.wait_closed()
        heard = tcp.is_heard(writer.transport)
        tcp.reset(writer.transport)
        return heard

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(close_and_ask())
