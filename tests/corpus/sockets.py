"""A WebSocket to the hub, written to byte by byte, and what the hub answers, as one line of text.

An answer is one of: `http 403` (the handshake was refused), `welcome`, the code of an `error`,
`settled` (the end of a daemon's task was believed, or stored as what it is), `close 4400`, `eof`
and `reset` (the connection ended without a close frame), `ignored` (the hub went on as if nothing
had been sent), `silence` (nothing in time). Where an error is followed by the end of the connection
both are named: `offset_out_of_order, close 4400`.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec

from arborlink.protocol.codec import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL
from tests.bounds import HANG_SECONDS
from tests.hub.front.wire import BINARY, CLOSE, TEXT, frame

LOCALHOST: Final = "127.0.0.1"
SEGMENT_BYTES: Final = 1 << 16
# Asks for an error that nothing else asks for.
PROBE: Final = {"type": "are-you-still-there"}
SUBPROTOCOLS: Final = (JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL)
ENDS: Final = ("http", "close", "eof", "reset", "silence")


class Answer(NamedTuple):
    """What came, and how many seconds after the last byte of what it is the answer to."""

    text: str
    seconds: float


class Peer:
    """One connection. `heard`: every message that was read.

    `subprotocol` decides how messages are written; "": JSON, by hand.
    """

    def __init__(
        self, port: int, subprotocol: str = JSON_SUBPROTOCOL, *, address: str = LOCALHOST
    ) -> None:
        self.subprotocol = subprotocol
        self.heard: list[dict[str, Any]] = []
        self._port = port
        self._address = address
        self._socket = self._connected()
        self._buffer = bytearray()
        self._sent_at = time.monotonic()

    def close(self) -> None:
        """Let go of it, without a word."""
        self._socket.close()

    def again(self) -> None:
        """Become a new WebSocket."""
        self._socket.close()
        self._socket = self._connected()
        self._buffer.clear()
        self.open()

    def fileno(self) -> int:
        """For `select`; what was read ahead does not show there."""
        return self._socket.fileno()

    @property
    def has_read(self) -> bool:
        """Whether something that was not asked for yet has been read."""
        return bool(self._buffer)

    def end(self) -> None:
        """Say that nothing more will come, below WebSockets."""
        self._socket.shutdown(socket.SHUT_WR)
        self.mark()

    def mark(self) -> None:
        """From now on an answer is due."""
        self._sent_at = time.monotonic()

    def _connected(self) -> socket.socket:
        made = socket.create_connection(
            (LOCALHOST, self._port), HANG_SECONDS, source_address=(self._address, 0)
        )
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    # ── what goes out ────────────────────────────────────────────────────────────────────────

    def write(self, data: bytes) -> None:
        """Bytes as they are, as far as the hub still takes them.

        What it says meanwhile is read: it would be lost if the hub hung up on the rest.
        """
        left = memoryview(data)
        try:
            while left and self._read_ahead():
                left = left[self._socket.send(left[:SEGMENT_BYTES]) :]
        except ConnectionError:
            pass  # it has answered, and that is what counts
        self.mark()

    def _read_ahead(self) -> bool:
        """Until the hub takes something; False if it never will."""
        writable: list[socket.socket] = []
        while not writable:
            readable, writable, _ = select.select([self._socket], [self._socket], [], HANG_SECONDS)
            if readable:
                data = self._socket.recv(SEGMENT_BYTES)
                self._buffer += data
                if not data:
                    return False
            elif not writable:
                raise TimeoutError("the hub reads nothing and does not say why")
        return True

    def drip(self, data: bytes, size: int = 1) -> None:
        """Bytes as they are, in TCP segments of so many."""
        try:
            for start in range(0, len(data), size):
                self._socket.sendall(data[start : start + size])
        except ConnectionError:
            pass
        self.mark()

    def handshake(self, *lines: str) -> None:
        """The request that makes this a WebSocket, with further header lines."""
        self.write(head(self._port, self.subprotocol, *lines))

    def open(self, *lines: str) -> None:
        """Become a WebSocket."""
        self.handshake(*lines)
        status = self.status()
        assert status == 101, status

    def send(self, message: dict[str, Any]) -> None:
        """A message, as the sub-protocol writes it."""
        self.write(packed(message, self.subprotocol))

    # ── what comes in ────────────────────────────────────────────────────────────────────────

    def status(self, seconds: float = HANG_SECONDS) -> int:
        """Of the response to the handshake; its body is left out.

        Raises:
            TimeoutError, ConnectionError: there was none.
        """
        deadline = self._sent_at + seconds
        while b"\r\n\r\n" not in self._buffer:
            self._receive(deadline)
        response, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        return int(response.split()[1])

    def message(self, kind: str) -> dict[str, Any]:
        """The next message of a type; others before it are skipped.

        Raises:
            ConnectionRefusedError: the hub has closed the connection.
        """
        deadline = time.monotonic() + HANG_SECONDS
        while True:
            opcode, payload = self._frame(deadline)
            if opcode == CLOSE:
                raise ConnectionRefusedError(payload)
            message = self._message(opcode, payload)
            if message.get("type") == kind:
                return message

    def refusal(self, seconds: float = HANG_SECONDS) -> Answer:
        """What the hub says to a handshake."""
        try:
            text = f"http {self.status(seconds)}"
        except TimeoutError:
            text = "silence"
        except ConnectionError as error:
            text = _end(error)
        return Answer(text, time.monotonic() - self._sent_at)

    def answer(self, seconds: float = HANG_SECONDS) -> Answer:
        """The next answer, whatever else comes before it."""
        deadline = self._sent_at + seconds
        try:
            text = None
            while text is None:
                text = self._text(*self._frame(deadline))
        except TimeoutError:
            text = "silence"
        except ConnectionError as error:
            text = _end(error)
        return Answer(text, time.monotonic() - self._sent_at)

    def all_answers(self) -> Answer:
        """The answer, and whether the connection outlives it."""
        first = self.answer()
        if first.text.startswith(ENDS):
            return first
        self.send(PROBE)
        following = self.answer()
        if following.text == "ignored":
            return first
        return Answer(f"{first.text}, {following.text}", first.seconds)

    def answers_to_many(self) -> Answer:
        """Until the end, or until the probe is answered: each different answer once, in order."""
        self.send(PROBE)
        told: dict[str, None] = {}
        while True:
            answer = self.answer()
            if answer.text != "ignored" or not told:
                told[answer.text] = None
            if answer.text.startswith((*ENDS, "ignored")):
                return Answer(", ".join(told), answer.seconds)

    def _text(self, opcode: int, payload: bytes) -> str | None:
        if opcode == CLOSE:
            return f"close {struct.unpack('!H', payload[:2])[0]}" if payload else "close 1005"
        message = self._message(opcode, payload)
        match message:
            case {"type": "error", "ref": ref} if ref == PROBE["type"]:
                return "ignored"
            case {"type": "error", "code": code}:
                return str(code)
            case {"type": "ack", "settled": True}:
                return "settled"
            case {"type": "welcome"}:
                return "welcome"
        return None

    def _message(self, opcode: int, payload: bytes) -> dict[str, Any]:
        if opcode not in (TEXT, BINARY):
            return {}
        decode = json.loads if opcode == TEXT else msgspec.msgpack.decode
        message: dict[str, Any] = decode(payload)
        self.heard.append(message)
        return message

    def _frame(self, deadline: float) -> tuple[int, bytes]:
        first, second = self._take(2, deadline)
        size = second & 0x7F
        if size >= 126:
            width = 2 if size == 126 else 8
            size = int.from_bytes(self._take(width, deadline), "big")
        return first & 0x0F, self._take(size, deadline)

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._buffer) < size:
            self._receive(deadline)
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _receive(self, deadline: float) -> None:
        # What is there already is read in any case: somebody else was waited for until now.
        left = max(0.0, deadline - time.monotonic())
        if not select.select([self._socket], [], [], left)[0]:
            raise TimeoutError
        data = self._socket.recv(SEGMENT_BYTES)
        if not data:
            raise ConnectionAbortedError
        self._buffer += data


@contextmanager
def peer_to(
    port: int, subprotocol: str = JSON_SUBPROTOCOL, *, address: str = LOCALHOST
) -> Iterator[Peer]:
    """A connection that has said nothing yet."""
    peer = Peer(port, subprotocol, address=address)
    try:
        yield peer
    finally:
        peer.close()


def head(port: int, subprotocol: str, *lines: str) -> bytes:
    """A handshake, with further header lines."""
    offered = [f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []
    request = [
        "GET /api/ws HTTP/1.1",
        f"Host: {LOCALHOST}:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *offered,
        *lines,
    ]
    return "\r\n".join([*request, "", ""]).encode("utf-8", "surrogateescape")


def packed(message: Any, subprotocol: str) -> bytes:
    """The frame of a message; bytes in it are raw in MessagePack and base64 in JSON."""
    if subprotocol == MSGPACK_SUBPROTOCOL:
        return frame(msgspec.msgpack.encode(message), BINARY)
    # Not msgspec's encoder: it has no NaN and no lone surrogates.
    text = json.dumps(message, default=msgspec.to_builtins)
    return frame(text.encode(), TEXT)


def _end(error: ConnectionError) -> str:
    return "eof" if isinstance(error, ConnectionAbortedError) else "reset"
