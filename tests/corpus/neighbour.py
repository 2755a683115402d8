"""A task that has nothing to do with what is tested, and one who watches it and must not notice."""

from __future__ import annotations

import json
import threading
import time

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from arborlink.protocol.codec import Codec
from arborlink.protocol.messages import (
    AnyMessage,
    Gap,
    Heartbeat,
    Output,
    Subscribe,
    TaskStatusChanged,
    ViewerAck,
    ViewerAuth,
)
from arborlink.testing.cell_reader import CellReader
from tests.bounds import HANG_SECONDS

KEY = "neighbour"
RATE_BYTES_PER_SECOND = 256 * 1024


class Neighbour:
    """Follows one task on one connection, for as long as it runs.

    It does not reconnect: whoever cuts it off, or keeps the hub from it, is seen.
    """

    def __init__(self, port: int, token: str, task_id: str) -> None:
        self.task_id = task_id
        self.reader = CellReader(KEY)
        self.longest_silence = 0.0
        self._reported_silence = 0.0
        self.ended_at: int | None = None
        self.failure: Exception | None = None
        self._port, self._token = port, token
        self._codec = Codec(json=False)
        self._thread = threading.Thread(target=self._live, name="neighbour", daemon=True)
        self._thread.start()

    def new_silence(self) -> float:
        """Return the longest silence in seconds, if it is longer than the last one returned."""
        if self.longest_silence <= self._reported_silence:
            return 0.0
        self._reported_silence = self.longest_silence
        return self.longest_silence

    def join(self) -> None:
        """Until the task is over, or the connection is."""
        self._thread.join(HANG_SECONDS)

    def _live(self) -> None:
        try:
            with connect(
                f"ws://127.0.0.1:{self._port}/api/ws",
                subprotocols=[Subprotocol(self._codec.subprotocol)],
                compression=None,
                max_size=None,
                ping_interval=None,
                proxy=None,
            ) as socket:
                self._send(socket, ViewerAuth(auth_token=self._token))
                self._send(socket, Subscribe(task_id=self.task_id))
                self._read(socket)
        except Exception as failure:
            self.failure = failure

    def _read(self, socket: ClientConnection) -> None:
        heard = time.monotonic()
        while self.ended_at is None:
            message = self._codec.hub_to_viewer.decode(socket.recv())
            match message:
                case Output():
                    now = time.monotonic()
                    self.longest_silence = max(self.longest_silence, now - heard)
                    heard = now
                    self.reader.feed(message.output, message.offset)
                    self._send(socket, ViewerAck(task_id=self.task_id, offset=self.reader.end))
                case Gap():
                    raise AssertionError(f"a gap: {message}")
                case Heartbeat() if message.echo is None:
                    self._send(socket, Heartbeat(sent_at=0, echo=message.sent_at))
                case TaskStatusChanged():
                    self.ended_at = message.final_offset
                case _:
                    pass
        while self.reader.end < self.ended_at:
            rest = self._codec.hub_to_viewer.decode(socket.recv())
            if isinstance(rest, Output):
                self.reader.feed(rest.output, rest.offset)
                self._send(socket, ViewerAck(task_id=self.task_id, offset=self.reader.end))

    def _send(self, socket: ClientConnection, message: AnyMessage) -> None:
        socket.send(self._codec.encode(message))


def faults(neighbour: Neighbour, size: int) -> dict[str, object]:
    """What the neighbour noticed, by name; nothing, if all is well."""
    noticed: dict[str, object] = {}
    if neighbour.failure is not None:
        noticed["its connection"] = repr(neighbour.failure)
    found = [str(fault) for fault in neighbour.reader.finish(size)]
    if found:
        noticed["its bytes"] = json.dumps(found[:5])
    if not neighbour.reader.end:
        noticed["its output"] = "there was none"
    # A write every 10 ms when nothing is in the way. A busy machine is; how much is measured.
    if neighbour.longest_silence > HANG_SECONDS:
        noticed["a silence in seconds"] = round(neighbour.longest_silence, 2)
    return noticed
