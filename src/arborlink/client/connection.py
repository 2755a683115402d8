"""The live connection: one WebSocket at a time, reconnected while something is followed.

The shell around `ViewerMachine` and `PeerLink`: read, `receive`, flush, re-arm. It holds no
offsets and decides nothing about tasks.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from arborlink import tcp
from arborlink.client.problems import error_of_close, why_to_wait
from arborlink.client.signal import Signal
from arborlink.client.viewer import ViewerMachine
from arborlink.protocol import limits
from arborlink.protocol.backoff import Backoff
from arborlink.protocol.codec import Codec
from arborlink.protocol.errors import (
    ArborError,
    HubNotProven,
    NotFound,
    PeerSilent,
    RemoteProtocolError,
    Unavailable,
    may_reconnect,
)
from arborlink.protocol.link import Close, LinkState, MessageReceived, Opened, PeerLink
from arborlink.protocol.messages import INPUT_END_CAPABILITY, Output, ViewerAuth, ViewerWelcome
from arborlink.protocol.retry import retry_after_of_close, retry_after_of_header

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from arborlink.proof.known_hub import KnownHub

MAX_FRAME_BYTES: Final = 2 * limits.CONTROL_MESSAGE_BYTES
OPEN_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 1.0
# Frames read ahead of the machine; beyond that the socket itself holds the hub back.
QUEUED_FRAMES: Final = 16
DEFAULT_WEBSOCKET_PATH: Final = "/api/ws"
FATAL_HTTP_STATUSES: Final = frozenset({401, 403, 404})


class LiveConnection:
    """`machine`'s connection. `on_connection` is told True when it is there, False when lost.

    `on_wait`: as that of `Hub`. `known`: the hub, which has to prove its identity on each
    connection before the token is sent. `ca`: as that of `HttpApi`.
    """

    def __init__(
        self,
        known: KnownHub,
        token: str,
        on_connection: Callable[[bool], None],
        on_wait: Callable[[float, str], None],
        *,
        ca: str | None = None,
    ) -> None:
        path = os.environ.get("ARBOR_WEBSOCKET_PATH") or DEFAULT_WEBSOCKET_PATH
        self.machine = ViewerMachine()
        self._known = known
        self._url = "ws" + known.url.removeprefix("http") + path
        self._auth = ViewerAuth(auth_token=token)
        self._on_connection = on_connection
        self._on_wait = on_wait
        self._ca = ca
        self._codec = Codec(json=False)
        self._backoff = Backoff(random.random)
        self._wake = asyncio.Event()
        self._wanted = asyncio.Event()
        self._signals: dict[str, Signal] = {}
        self._socket: ClientConnection | None = None
        self._close_code: int | None = None
        self._close_reason = ""
        self._restart = False
        self._closing = False

    def changed(self, task_id: str) -> Signal:
        """Return the signal that fires whenever something about the task has changed."""
        return self._signals.setdefault(task_id, Signal())

    def forget(self, task_id: str) -> None:
        """Remove the task's signal: no reader waits for it any more."""
        self._signals.pop(task_id, None)

    def poke(self) -> None:
        """Wake the writer: the machine has something to send, or something to follow."""
        if not self.machine.idle:
            self._wanted.set()
        self._wake.set()

    def restart(self) -> None:
        """Replace the socket, because the tasks left on it may be followed again on another."""
        self._restart = True
        self._wake.set()

    def close(self, error: ArborError) -> None:
        """End with `error` what is followed; the loss of the socket is not reported."""
        self._closing = True
        self._fail(error)

    async def run(self) -> None:
        """Connect whenever something is followed, and again after every failure; never returns."""
        while True:
            await self._wanted.wait()
            self._close_code, self._close_reason = None, ""
            hint = await self._connect_once()
            if self.machine.idle:
                self._wanted.clear()
            if hint is None and self.machine.idle:
                continue
            delay = self._backoff.next_delay(hint)
            if hint is not None and not self.machine.idle:
                self._on_wait(delay, why_to_wait(self._close_code))
            # Also while nothing is followed: no connection may come sooner than the hub asks.
            await asyncio.sleep(delay)

    async def _connect_once(self) -> float | None:
        """Run one WebSocket to its end; return the seconds to wait that the hub asks for."""
        # Imported here because it takes longer than everything else of the SDK together.
        from websockets.exceptions import InvalidStatus, WebSocketException

        from arborlink.dialing import connecting

        self._restart = False
        try:
            async with connecting(
                self._url,
                self._known,
                self._ca,
                ping_interval=None,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                max_size=MAX_FRAME_BYTES,
                max_queue=QUEUED_FRAMES,
            ) as socket:
                await self._serve(socket)
        except InvalidStatus as error:
            status = error.response.status_code
            if status in FATAL_HTTP_STATUSES:
                self._fail(NotFound(_rejected(self._url, status), code="websocket_rejected"))
            return retry_after_of_header(error.response.headers.get("Retry-After"))
        except Unavailable as error:
            return error.retry_after
        except HubNotProven as error:
            self._fail(error)
            return None
        except (OSError, TimeoutError, WebSocketException):
            return None
        if self._close_code is not None and not may_reconnect(self._close_code):
            self._fail(error_of_close(self._close_code, self._close_reason))
        return retry_after_of_close(self._close_code, self._close_reason)

    async def _serve(self, socket: ClientConnection) -> None:
        link = PeerLink(self._auth, time.monotonic())
        self._wake.set()
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(socket, link))
                await self._write(socket, link)
                reader.cancel()
        finally:
            was_open, self._socket = self._socket is not None, None
            link.disconnected()
            self.machine.disconnected()
            self._notify()
            self._close_code, self._close_reason = socket.close_code, socket.close_reason or ""
            if was_open and not (self._closing or self.machine.idle):
                self._on_connection(False)

    async def _read(self, socket: ClientConnection, link: PeerLink) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                self._receive(await socket.recv(), socket, link)
        except ConnectionClosed:
            link.disconnected()
        except RemoteProtocolError as error:
            link.fail(error)
        self._wake.set()

    def _receive(self, frame: bytes | str, socket: ClientConnection, link: PeerLink) -> None:
        now = time.monotonic()
        link.receive(self._codec.hub_to_viewer.decode(frame), now)
        bulk = False
        for event in link.events():
            if isinstance(event, Opened):
                self._opened(event, socket)
            elif isinstance(event, MessageReceived):
                self.machine.receive(event.message, now)
                bulk = isinstance(event.message, Output)
        self._notify()
        # Output is acknowledged when it was consumed; there is nothing to write for it yet.
        if not bulk:
            self._wake.set()

    def _opened(self, event: Opened, socket: ClientConnection) -> None:
        assert isinstance(event.welcome, ViewerWelcome)
        self._socket = socket
        self._backoff.succeeded()
        welcome = event.welcome
        tells_input_end = INPUT_END_CAPABILITY in welcome.capabilities
        self.machine.connected(welcome.limits, tells_input_end=tells_input_end)
        self._on_connection(True)

    async def _write(self, socket: ClientConnection, link: PeerLink) -> None:
        """Flush whenever something changed and whenever a deadline has come."""
        while not self._restart and await self._flush(socket, link):
            deadlines = [link.next_deadline(), self.machine.next_deadline()]
            first = min((each for each in deadlines if each is not None), default=None)
            try:
                async with asyncio.timeout(_until(first)):
                    await self._wake.wait()
            except TimeoutError:
                link.on_deadline(time.monotonic())
            self._wake.clear()

    async def _flush(self, socket: ClientConnection, link: PeerLink) -> bool:
        """Send all there is; False once the connection is over."""
        from websockets.exceptions import ConnectionClosed

        if link.state is LinkState.OPEN:
            for message in self.machine.to_send(time.monotonic()):
                link.send(message)
        for item in link.to_send():
            if isinstance(item, Close):
                if isinstance(link.failure, PeerSilent):
                    tcp.reset(socket.transport)
                else:
                    await socket.close(item.code, item.reason)
                return False
            try:
                # A hub that reads nothing for so long counts as dead; TCP waits for minutes.
                async with asyncio.timeout(link.heartbeat.liveness.silence):
                    await socket.send(self._codec.encode(item))
            except ConnectionClosed:
                return False
            except TimeoutError:
                tcp.reset(socket.transport)
                return False
        return link.next_deadline() is not None

    def _fail(self, error: ArborError) -> None:
        self.machine.fail(error)
        self._notify()

    def _notify(self) -> None:
        for task_id in self.machine.events():
            signal = self._signals.get(task_id)
            if signal is not None:
                signal.fire()


def _until(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _rejected(url: str, status: int) -> str:
    return (
        f"the hub refused a WebSocket at {url} with status {status}. "
        "Check the hub's address, ARBOR_WEBSOCKET_PATH and any proxy in between"
    )
