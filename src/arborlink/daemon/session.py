"""One workspace's connection, again and again: dial, authenticate, send and receive, wait, repeat.

One task group, one flush point and one timer for each connection.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from arborlink import tcp
from arborlink.daemon import dialing
from arborlink.daemon.console import say
from arborlink.daemon.patience import Patience
from arborlink.daemon.uplink import Uplink
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.backoff import Backoff
from arborlink.protocol.errors import (
    GOING_AWAY,
    HubNotProven,
    NotAllowed,
    NotAuthenticated,
    UnsupportedProtocol,
    WorkspaceTaken,
    may_reconnect,
)
from arborlink.protocol.link import Close

# Bytes sent in one go before everybody else in this process has a turn.
TURN_BYTES: Final = 1024 * 1024

ADVICE: Final = {
    NotAuthenticated.close_code: "its token is invalid, expired or revoked: enrol it again with "
    "`ARBOR_CODE=CODE arbor daemon PATH --hub URL`",
    NotAllowed.close_code: "it is not allowed to serve this workspace: ask the hub's owner",
    WorkspaceTaken.close_code: "a workspace is served by one daemon: stop the other one, or remove "
    "it on the hub",
    UnsupportedProtocol.close_code: "hub and daemon do not speak the same protocol version: "
    "install the same release of arbor on both",
}


class Session:
    """Runs until it is stopped or the hub refuses it for good.

    `known`: the hub, which each connection is proven to be before the token is sent; `on_unproven`
    is called when one is not.
    """

    def __init__(
        self,
        uplink: Uplink,
        url: str,
        known: KnownHub,
        *,
        on_unproven: Callable[[], None],
        on_connected: Callable[[bool], None],
    ) -> None:
        self.uplink = uplink
        self.known = known
        self._on_unproven = on_unproven
        self._url = url
        self._on_connected = on_connected
        self._backoff = Backoff(random.random)
        self._patience = Patience()
        self._wake = asyncio.Event()
        self._stopping = False
        self._connection: ClientConnection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._said: str | None = None
        self._is_connected = False

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def stop(self) -> None:
        """Close the connection and do not come back."""
        self._stopping = True
        self.uplink.close(GOING_AWAY, "the daemon is stopping")
        self._wake.set()

    async def run(self) -> bool:
        """False: the hub has refused the daemon for good."""
        while not self._may_stop():
            began = self._loop.time()
            code, reason, error = await self._connect_once()
            if self._may_stop():
                break
            if code == NotAuthenticated.close_code and self.uplink.tokens.refused():
                text = f"{self._name}: the hub does not accept its token; trying the other one"
                say(text, level="warning", workspace=self._name)
                continue
            if code is not None and not may_reconnect(code):
                advice = ADVICE.get(code, "see the hub's log")
                say(
                    f"{self._name}: refused by the hub ({code} {reason}): {advice}",
                    level="error",
                    workspace=self._name,
                )
                return False
            hint = self._hint(code, reason, error, self._loop.time() - began)
            delay = self._backoff.next_delay(hint)
            self._say_lost(code, reason, error, None if hint is None else delay)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped(), delay)
        return True

    @property
    def is_connected(self) -> bool:
        """Whether the hub has welcomed us on the present connection."""
        return self._is_connected

    @property
    def _name(self) -> str:
        return self.uplink.served.workspace

    def _may_stop(self) -> bool:
        return self._stopping

    async def _stopped(self) -> None:
        while not self._stopping:
            self._wake.clear()
            await self._wake.wait()

    async def _connect_once(self) -> tuple[int | None, str, BaseException | None]:
        """The close code and reason, or why there was no connection."""
        try:
            connection = await dialing.dial(self._url, self.known, self.uplink.served.ca)
        except dialing.DIAL_ERRORS as error:
            if isinstance(error, HubNotProven):
                self._on_unproven()
            return None, "", error
        self._connection = connection
        try:
            self.uplink.connect(self._loop.time())
            await self._serve(connection)
        finally:
            self._disarm()
            self._connection = None
            self.uplink.disconnected()
            if self._is_connected:
                self._is_connected = False
                self._on_connected(False)
        return connection.close_code, connection.close_reason or "", None

    async def _serve(self, connection: ClientConnection) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                sender = group.create_task(self._send(connection))
                await self._receive(connection)
                sender.cancel()
        except* ConnectionClosed:
            self._disarm()  # how it ended is in the connection

    async def _receive(self, connection: ClientConnection) -> None:
        async for frame in connection:
            self.uplink.receive(frame, self._loop.time())
            if not self._is_connected and self.uplink.is_open:
                dialing.keep_to(connection, self.uplink.liveness)
                self._opened()
            self._arm()
            self._wake.set()

    def _opened(self) -> None:
        self._is_connected = True
        self._backoff.succeeded()
        self._said = None
        say(f"{self._name}: connected to {self.uplink.served.hub}", workspace=self._name)
        self._on_connected(True)

    async def _send(self, connection: ClientConnection) -> None:
        """The one place that flushes. Only the socket's own back-pressure makes it wait."""
        turn = 0
        while True:
            self._arm()
            frame = self.uplink.next_frame()
            if isinstance(frame, Close):
                await connection.close(frame.code, frame.reason)
                return
            if frame is None:
                turn = 0
                self._wake.clear()
                await self._wake.wait()
                continue
            began = self._loop.time()
            await connection.send(frame)
            self.uplink.stride.took(len(frame), self._loop.time() - began)
            turn += len(frame)
            if turn >= TURN_BYTES:
                # `send` does not yield while the kernel takes everything, and a flood would keep
                # acknowledgements and commands of all workspaces waiting.
                turn = 0
                await asyncio.sleep(0)

    def _arm(self) -> None:
        """One timer; it is left alone while it is early enough."""
        deadline = self.uplink.next_deadline()
        if deadline is None:
            return  # closing: the timer, if any, is for that
        if self._timer is None or self._timer.when() > deadline:
            self._disarm()
            self._timer = self._loop.call_at(deadline, self._on_deadline)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_deadline(self) -> None:
        self._timer = None
        was_closing = self.uplink.next_deadline() is None
        self.uplink.on_deadline(self._loop.time())
        if self.uplink.next_deadline() is None and self._connection is not None:
            # The hub is given up: nobody would answer a close frame. When we close, the sender may
            # be waiting for the hub to read: do not wait with it.
            self._timer = self._loop.call_later(
                dialing.CLOSE_SECONDS if was_closing else 0.0,
                tcp.reset,
                self._connection.transport,
            )
        self._arm()
        self._wake.set()

    def _hint(
        self, code: int | None, reason: str, error: BaseException | None, lived: float
    ) -> float | None:
        hint = dialing.retry_after(error, code, reason)
        wait = self._patience.wait(code, lived)
        return hint if wait is None else max(hint or 0.0, wait)

    def _say_lost(
        self, code: int | None, reason: str, error: BaseException | None, wait: float | None
    ) -> None:
        """Once for each reason, not once for each attempt. `wait`: for so long, as asked to."""
        if error is not None:
            text = f"{self._name}: cannot reach the hub: {dialing.explain(error)}"
            then = "trying on"
        else:
            text = f"{self._name}: connection lost ({code} {reason})"
            then = "reconnecting"
        if wait is not None:
            then = f"trying again in {math.ceil(wait)} s"
        if text != self._said:
            self._said = text
            level = "error" if isinstance(error, HubNotProven) else "warning"
            say(f"{text}; {then}", level=level, workspace=self._name)
