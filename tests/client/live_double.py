"""A WebSocket server with one task's log; it can cut every connection after so many bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from arborlink.protocol.codec import MSGPACK_SUBPROTOCOL, Codec
from arborlink.protocol.errors import SERVICE_RESTART, ArborError
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.link import AuthReceived, Close, HubLink, MessageReceived
from arborlink.protocol.messages import Output, ViewerWelcome

from .hub_half import HubHalf, Log


class LiveDouble:
    """`cut_after`: bytes of output until the connection is cut. `refusal`: of every viewer."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.cut_after: int | None = None
        self.refusal: ArborError | None = None
        # Of the next viewers, one each.
        self.refusals: list[Close] = []
        # When each said who it is, in monotonic seconds.
        self.arrivals: list[float] = []
        # The reason with which the next viewer is asked to come back.
        self.restart: str | None = None
        self.connections = 0
        self.largest_unacknowledged = 0
        self.input_arrived = asyncio.Event()
        self._codec = Codec(json=False)
        self._halves: set[asyncio.Event] = set()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """As a client is given it."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def changed(self) -> None:
        """There is more in the log."""
        for wake in self._halves:
            wake.set()

    async def _handle(self, socket: ServerConnection) -> None:
        self.connections += 1
        link = HubLink(time.monotonic())
        half, wake = HubHalf(self.log), asyncio.Event()
        self._halves.add(wake)
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(socket, link, half, wake))
                await self._write(socket, link, half, wake)
                reader.cancel()
        except* ConnectionClosed:
            pass
        finally:
            self._halves.discard(wake)

    async def _read(
        self, socket: ServerConnection, link: HubLink, half: HubHalf, wake: asyncio.Event
    ) -> None:
        async for frame in socket:
            now = time.monotonic()
            link.receive(self._codec.viewer_to_hub.decode(frame), now)
            for event in link.events():
                if isinstance(event, AuthReceived):
                    self.arrivals.append(now)
                    refusal = self.refusals.pop(0) if self.refusals else self.refusal
                    if isinstance(refusal, Close):
                        link.close(refusal.code, refusal.reason)
                    elif refusal is not None:
                        link.fail(refusal)
                    elif self.restart is not None:
                        link.close(SERVICE_RESTART, self.restart)
                        self.restart = None
                    else:
                        link.welcome(
                            ViewerWelcome(user_id="usr_1", scopes=[], limits=WireLimits()), now
                        )
                elif isinstance(event, MessageReceived):
                    half.receive(event.message)
                    if len(self.log.input) > self.log.input_acked:
                        half.acknowledge_input()
                        self.input_arrived.set()
            wake.set()
        link.disconnected()
        wake.set()

    async def _write(
        self, socket: ServerConnection, link: HubLink, half: HubHalf, wake: asyncio.Event
    ) -> None:
        sent = 0
        while True:
            await wake.wait()
            wake.clear()
            if link.next_deadline() is None and not link.wants_to_send:
                return
            for message in half.to_send():
                link.send(message)
            if half.cursor is not None:
                ahead = half.cursor.sent - half.cursor.acked
                self.largest_unacknowledged = max(self.largest_unacknowledged, ahead)
            for item in link.to_send():
                if isinstance(item, Close):
                    await socket.close(item.code, item.reason)
                    return
                await socket.send(self._codec.encode(item))
                sent += len(item.output) if isinstance(item, Output) else 0
                if self.cut_after is not None and sent >= self.cut_after:
                    socket.transport.abort()
                    return


@asynccontextmanager
async def live_double(log: Log) -> AsyncIterator[LiveDouble]:
    """Serve while inside."""
    double = LiveDouble(log)
    async with serve(
        double._handle,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol(MSGPACK_SUBPROTOCOL)],
        compression=None,
        ping_interval=None,
        close_timeout=1,
    ) as server:
        double._server = server
        yield double
