"""Somebody between a daemon and its hub, who keeps what passes and delivers it too late."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

PIECE_BYTES = 65_536


class Held:
    """One connection of the daemon.

    `said`: all that the daemon said on it; `kept`: of that, what the hub was not told yet.
    """

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near = near
        self.far = far
        self.said = bytearray()
        self.kept = bytearray()
        self.holding = False

    def hold(self) -> None:
        """Keep what the daemon says from now on."""
        self.holding = True

    def leave_the_hub_alone(self) -> None:
        """The daemon finds that the connection is lost; the hub does not."""
        self.hold()
        self.near.transport.abort()

    async def release(self) -> None:
        """Tell the hub all that was kept, as far as it still listens, and close."""
        with suppress(ConnectionError):
            self.far.write(bytes(self.kept))
            await self.far.drain()
        self.far.close()


class LateProxy:
    """An asynchronous context manager; `connections` are those of the daemon, in order."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self.port = 0
        self.connections: list[Held] = []

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for each in self.connections:
            each.near.transport.abort()
            each.far.transport.abort()
        await self._group.__aexit__(kind, error, traceback)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._group.create_task(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, far = await asyncio.open_connection("127.0.0.1", self._upstream)
        held = Held(writer, far)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._up(held, reader))
            group.create_task(self._down(held, answers))

    async def _up(self, held: Held, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(PIECE_BYTES):
                # Before its WebSocket a daemon asks who the hub is. That, and its requests on
                # other connections, pass unseen.
                if b"Upgrade: websocket" in piece:
                    self.connections.append(held)
                held.said += piece if held in self.connections else b""
                if held.holding:
                    held.kept += piece
                else:
                    held.far.write(piece)
                    await held.far.drain()
        if not held.holding:
            held.far.close()

    @staticmethod
    async def _down(held: Held, answers: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while piece := await answers.read(PIECE_BYTES):
                if not held.near.transport.is_closing():
                    held.near.write(piece)
                    await held.near.drain()
        held.near.close()
