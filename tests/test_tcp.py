"""A connection that is broken on purpose is broken for the peer at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from arborlink import tcp

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
        accepted.settimeout(5)
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
