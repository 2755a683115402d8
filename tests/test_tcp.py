"""Little waits unsent, and the peer hears at once of a connection that is broken on purpose."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from arborlink import tcp

KIB, MIB = 1 << 10, 1 << 20
NOTSENT_LOWAT = 25


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


class Writer(asyncio.Protocol):
    """Writes to a peer, by a clock of its own."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.limits: list[int] = []
        self.drained = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.unsent = tcp.Unsent(transport, give_up_ms=15_000, now=lambda: self.seconds)

    def pause_writing(self) -> None:
        """Enough waits."""
        self.drained.clear()
        self.unsent.paused()

    def resume_writing(self) -> None:
        """Most of it has gone."""
        self.unsent.resumed()
        self.limits.append(self.unsent.limit // KIB)
        self.drained.set()

    def option(self, which: int) -> int:
        """Of its socket."""
        found: int = self.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, which)
        return found


async def test_as_much_may_wait_as_goes_in_a_moment(peer: tuple[int, socket.socket]) -> None:
    port, server = peer
    loop = asyncio.get_running_loop()
    _, writer = await loop.create_connection(Writer, "127.0.0.1", port)
    accepted, _ = server.accept()

    async def write(seconds: float) -> None:
        writer.transport.write(bytes(MIB))
        writer.seconds += seconds
        reading = asyncio.to_thread(accepted.recv, MIB, socket.MSG_WAITALL)
        await asyncio.gather(reading, writer.drained.wait())
        _, high = writer.transport.get_write_buffer_limits()
        assert writer.option(NOTSENT_LOWAT) == high == writer.unsent.limit

    with accepted:
        assert writer.option(socket.TCP_NODELAY)
        assert writer.option(socket.TCP_USER_TIMEOUT) == 15_000
        assert writer.option(NOTSENT_LOWAT) == tcp.LEAST_UNSENT_BYTES
        for seconds in (0.001, 0.0, 0.02, 0.004, 0.004, 0.06):
            await write(seconds)
        writer.transport.abort()

    # What is left then is more than may wait: that it goes as well is told once more.
    assert writer.limits[:6] == [64, 128, 128, 256, 256, 32]
