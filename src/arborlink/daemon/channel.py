"""The supervisor's end of the socket to its connector: never blocks, bounded, what grows coalesces.

However slow or stuck the connector is, of each task only the latest end and the latest input
offset are kept for it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from arborlink.daemon import ipc
from arborlink.daemon.loop import READ, WRITE, Loop

READ_BYTES: Final = 256 * 1024
# Above this much unsent, notices wait; far above it the connector is as good as dead.
HIGH_BYTES: Final = 64 * 1024
STUCK_BYTES: Final = 32 * 1024 * 1024

Key = tuple[str, str]

# One for all channels: nothing is kept in it between two reads.
_BUFFER: Final = memoryview(bytearray(READ_BYTES))


class Channel:
    """Frames over a socket. `on_lost` is called once when the other end is gone or useless."""

    def __init__(
        self,
        loop: Loop,
        sock: socket.socket,
        *,
        on_message: Callable[[ipc.ToSupervisor], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._on_message = on_message
        self._on_lost = on_lost
        self._frames = ipc.from_connector()
        self._unsent = bytearray()
        self._latest: dict[tuple[str, Key], Callable[[], ipc.ToConnector | None]] = {}
        self._closed = False
        sock.setblocking(False)
        self._watch()

    def send(self, message: ipc.ToConnector) -> None:
        """Queue a message, after the notices that came before it."""
        self._take_latest()
        self._unsent += ipc.encode(message)

    def notify(self, kind: str, key: Key, make: Callable[[], ipc.ToConnector | None]) -> None:
        """Queue a notice that replaces an unsent one of its kind and key; made when it is sent."""
        self._latest[kind, key] = make

    def flush(self) -> None:
        """Write what can be written. The one flush point: once a turn of the loop."""
        if self._closed or not (self._unsent or self._latest):
            return
        if len(self._unsent) < HIGH_BYTES:
            self._take_latest()
        try:
            count = self._socket.send(self._unsent)
        except BlockingIOError:
            count = 0
        except OSError as error:
            self._lose(str(error))
            return
        del self._unsent[:count]
        if len(self._unsent) > STUCK_BYTES:
            self._lose("it does not read")
        else:
            self._watch()

    def close(self) -> None:
        """Close it without a word to `on_lost`."""
        if not self._closed:
            self._closed = True
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()

    def _take_latest(self) -> None:
        latest, self._latest = self._latest, {}
        for make in latest.values():
            message = make()
            if message is not None:
                self._unsent += ipc.encode(message)

    def _watch(self) -> None:
        events = READ | WRITE if self._unsent else READ
        self._loop.watch(self._socket.fileno(), events, self._on_ready)

    def _on_ready(self) -> None:
        try:
            count = self._socket.recv_into(_BUFFER)
        except BlockingIOError:
            return  # it can be written to again: `flush` comes at the end of the turn
        except OSError as error:
            self._lose(str(error))
            return
        if not count:
            self._lose("it closed its end")
            return
        try:
            messages = self._frames.receive(_BUFFER[:count])
        except ipc.FrameError as error:
            self._lose(str(error))
            return
        for message in messages:
            self._on_message(message)

    def _lose(self, why: str) -> None:
        self.close()
        self._on_lost(why)
