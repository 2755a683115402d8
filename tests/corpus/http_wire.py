"""HTTP/1.1 by hand, for what no library would send, and how long its answer took."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BufferedReader
from types import TracebackType

from tests.bounds import HANG_SECONDS

JSON = "application/json"
PROBLEM = "application/problem+json"

Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `seconds` from the last byte sent to the last one read; names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def code(self) -> str:
        """The stable code of a problem; empty if it is none."""
        if self.headers.get("content-type") != PROBLEM or not self.body:
            return ""
        problem = json.loads(self.body)
        assert problem["status"] == self.status
        assert problem["detail"], "a problem says what to do"
        return str(problem["code"])

    @property
    def shown(self) -> str:
        """Status and code, or the status and the beginning of whatever it is."""
        return f"{self.status} {self.code or repr(self.body[:60])}"


class Wire:
    """One connection, which is made again when it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """It is opened again by whatever is sent next."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(
        self,
        method: str,
        target: str | bytes,
        headers: Headers = (),
        body: bytes | None = None,
        *,
        host: str | None = "",
    ) -> Answer:
        """A whole request and its answer. `host`: another one than the hub's, or none at all."""
        fields = list(headers)
        if host is not None:
            fields.insert(0, ("Host", host or f"127.0.0.1:{self._port}"))
        if body is not None:
            fields.append(("Content-Length", str(len(body))))
        address = target if isinstance(target, bytes) else target.encode()
        lines = [f"{name}: {value}".encode("latin-1") for name, value in fields]
        head = b"\r\n".join([method.encode() + b" " + address + b" HTTP/1.1", *lines, b"", b""])
        return self.send(head + (body or b""), method)

    def send(self, request: bytes, method: str = "GET") -> Answer:
        """Any bytes, and the answer to them."""
        connection = self._open()
        try:
            connection.sendall(request)
        except OSError:
            # It was refused before all of it was sent: the answer is on its way.
            pass
        sent = time.monotonic()
        return self._read(connection, method, sent)

    def dribble(self, pieces: Iterable[bytes], pause: float) -> Answer:
        """Piece after piece, until there is an answer; its time is from the first piece on.

        Raises:
            AssertionError: there is none, however long it is waited for.
        """
        connection = self._open()
        began = time.monotonic()
        connection.settimeout(pause)
        for piece in pieces:
            assert time.monotonic() - began < HANG_SECONDS, "no answer"
            try:
                connection.sendall(piece)
                if connection.recv(1, socket.MSG_PEEK):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        connection.settimeout(HANG_SECONDS)
        return self._read(connection, "GET", began)

    def _read(self, connection: socket.socket, method: str, since: float) -> Answer:
        try:
            status, headers, body = _parsed(connection, has_body=method != "HEAD")
        except (OSError, ValueError) as error:
            self.close()
            raise AssertionError(f"no answer: {error!r}") from error
        answer = Answer(status, headers, body, time.monotonic() - since)
        if headers.get("connection") == "close":
            self.close()
        return answer

    def _open(self) -> socket.socket:
        if self._socket is None:
            address = ("127.0.0.1", self._port)
            self._socket = socket.create_connection(address, HANG_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket


def _parsed(connection: socket.socket, *, has_body: bool) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next answer. A tenth of what `http.client` takes for it.

    Raises:
        ValueError: it is cut off.
    """
    with connection.makefile("rb") as stream:
        first = stream.readline()
        if not first.startswith(b"HTTP/1.1 "):
            raise ValueError(f"the connection ended after {first!r}")
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = b""
        if has_body and headers.get("transfer-encoding") == "chunked":
            while size := int(stream.readline(), 16):
                body += _exactly(stream, size + 2)[:size]
            stream.readline()
        elif has_body:
            body = _exactly(stream, int(headers.get("content-length", 0)))
        return int(first.split()[1]), headers, body


def _exactly(stream: BufferedReader, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ValueError(f"{size - len(data)} of {size} bytes are missing")
    return data
