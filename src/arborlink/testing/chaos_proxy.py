"""A TCP proxy on the loopback that breaks connections in every way a network can, from a seed.

    python -m arborlink.testing.chaos_proxy --listen 0 --upstream HOST:PORT --seed S --cut-every 1-5

prints `listening on 127.0.0.1:PORT` and resets all connections every 1 to 5 seconds.
"""

import asyncio
import contextlib
import random
import socket
import struct
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

CHUNK_BYTES: Final = 64 * 1024  # bytes, the most that is passed on at a time
QUEUED_CHUNKS: Final = 16  # chunks, what is held per direction before the sender is held back
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class ChaosProxy:
    """A proxy with faults that can be switched on and off while connections run.

    Use as an asynchronous context manager; all connections are reset when it is left. Every fault
    concerns all present and future connections, until it is switched off or `heal` is called.

    Attributes:
        port: where it listens on 127.0.0.1, once it was entered.
        accepted: how many connections came in.
        bytes_up: bytes passed on to the upstream.
        bytes_down: bytes passed on to the clients.
    """

    def __init__(
        self, upstream_host: str, upstream_port: int, seed: int, *, listen: int = 0
    ) -> None:
        self.upstream = (upstream_host, upstream_port)
        self.port = listen
        self.accepted = self.bytes_up = self.bytes_down = 0
        self._random = random.Random(seed)
        self._connections: set[_Connection] = set()
        self.bytes_per_s: float | None = None
        self._heal()

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, limit=CHUNK_BYTES
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        self.cut()
        await self._group.__aexit__(kind, error, traceback)

    def cut(self) -> int:
        """Reset both sides of all connections; returns how many there were."""
        connections = list(self._connections)
        for connection in connections:
            connection.reset()
        return len(connections)

    def close_gracefully(self) -> int:
        """End all connections on both sides with what is queued in them sent, then a FIN."""
        connections = list(self._connections)
        for connection in connections:
            connection.finish()
        return len(connections)

    def half_open(self) -> None:
        """Swallow everything in both directions and say nothing, like a router that forgot."""
        self.swallowing = True

    def heal(self) -> None:
        """End all faults. Connections of which bytes were swallowed are reset: TCP never skips."""
        self._heal()
        for connection in list(self._connections):
            if connection.lossy:
                connection.reset()

    def delay(self, seconds: float, jitter: float = 0.0) -> None:
        """Hold every chunk for so long, and up to `jitter` seconds longer; order is kept."""
        self.delay_seconds, self.jitter_seconds = seconds, jitter

    def throttle(self, bytes_per_s: float | None) -> None:
        """Pass on no more than this in each direction of each connection; None: no limit."""
        self.bytes_per_s = bytes_per_s

    def one_byte(self, on: bool = True) -> None:
        """Pass every byte on alone."""
        self.single_bytes = on

    def corrupt(self, probability: float) -> None:
        """Flip a bit in a chunk with this probability."""
        self.corruption = probability

    def refuse(self, on: bool = True) -> None:
        """Reset new connections at once."""
        self.refusing = on

    def hold_seconds(self) -> float:
        """Return how long the next chunk is held."""
        return self.delay_seconds + self._random.uniform(0.0, self.jitter_seconds)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield a chunk as it is to be passed on: whole or in bytes, perhaps corrupted."""
        if self.corruption and self._random.random() < self.corruption:
            damaged = bytearray(data)
            damaged[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
            data = bytes(damaged)
        if self.single_bytes:
            yield from (data[at : at + 1] for at in range(len(data)))
        else:
            yield data

    def _heal(self) -> None:
        self.swallowing = self.single_bytes = self.refusing = False
        self.delay_seconds = self.jitter_seconds = self.corruption = 0.0
        self.bytes_per_s = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refusing:
            _reset(writer)
            return
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        self._group.create_task(self._serve(connection))

    async def _serve(self, connection: "_Connection") -> None:
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)


class _Connection:
    """One client, its connection to the upstream, and what is queued between them."""

    def __init__(
        self, proxy: ChaosProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.lossy = False
        self._proxy = proxy
        self._client = reader, writer
        self._writers = [writer]
        self._ended = asyncio.Event()

    def reset(self) -> None:
        """Send a RST to both sides."""
        for writer in self._writers:
            _reset(writer)
        self._ended.set()

    def finish(self) -> None:
        """Send what was written, then a FIN, to both sides."""
        for writer in self._writers:
            writer.close()
        self._ended.set()

    async def run(self) -> None:
        """Pass bytes on until both sides have ended, one of them broke, or `reset`."""
        try:
            async with asyncio.TaskGroup() as group:
                pumps = group.create_task(self._pump_both())
                ended = group.create_task(self._ended.wait())
                await asyncio.wait((pumps, ended), return_when=asyncio.FIRST_COMPLETED)
                pumps.cancel()
                ended.cancel()
        finally:
            self.finish()

    async def _pump_both(self) -> None:
        while self._proxy.swallowing and len(self._writers) == 1:
            self.lossy = True
            if not await self._client[0].read(CHUNK_BYTES):
                await self._ended.wait()
        try:
            upstream = await asyncio.open_connection(*self._proxy.upstream, limit=CHUNK_BYTES)
            self._writers.append(upstream[1])
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(self._client[0], upstream[1], up=True))
                group.create_task(self._pump(upstream[0], self._client[1], up=False))
        except* OSError:
            self.reset()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        """Pass one direction on, through a bounded queue in which chunks wait out their delay."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED_CHUNKS)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_due(queue, writer, up=up))
            now = asyncio.get_running_loop().time
            data = b"-"
            while data:
                data = await reader.read(CHUNK_BYTES)
                await queue.put((now() + self._proxy.hold_seconds(), data))

    async def _write_due(
        self,
        queue: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
        *,
        up: bool,
    ) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due, data = await queue.get()
            if due > now():
                await asyncio.sleep(due - now())
            if self._proxy.swallowing:
                self.lossy = True
                continue
            if not data:
                writer.write_eof()
                return
            await self._write(data, writer)
            if up:
                self._proxy.bytes_up += len(data)
            else:
                self._proxy.bytes_down += len(data)

    async def _write(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        for piece in self._proxy.pieces(data):
            writer.write(piece)
            await writer.drain()
            if self._proxy.bytes_per_s:
                await asyncio.sleep(len(piece) / self._proxy.bytes_per_s)


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it is closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


async def _run(listen: int, upstream: str, seed: int, cut_every: tuple[float, float]) -> None:
    host, _, port = upstream.rpartition(":")
    chance = random.Random(seed)
    async with ChaosProxy(host, int(port), seed, listen=listen) as proxy:
        sys.stdout.write(f"listening on 127.0.0.1:{proxy.port}\n")
        sys.stdout.flush()
        while True:
            await asyncio.sleep(chance.uniform(*cut_every))
            proxy.cut()


def main(arguments: list[str] | None = None) -> None:
    """Run the proxy until it is interrupted."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m arborlink.testing.chaos_proxy")
    parser.add_argument("--listen", type=int, default=0, help="the port; 0: any")
    parser.add_argument("--upstream", required=True, metavar="HOST:PORT")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cut-every", default="1-5", metavar="FROM-TO", help="seconds")
    options = parser.parse_args(arguments)
    low, _, high = options.cut_every.partition("-")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            _run(options.listen, options.upstream, options.seed, (float(low), float(high or low)))
        )


if __name__ == "__main__":
    main()
