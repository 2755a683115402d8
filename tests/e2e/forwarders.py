"""A way out for machines that have no other: proxies that speak CONNECT or SOCKS 5.

Whatever name they are asked for, it is this machine; `asked` tells which it was. A `Passage` is no
proxy: it goes straight on, and counts.
"""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from tests.bounds import HANG_SECONDS

PIECE_BYTES = 65_536


class Forwarder:
    """Accepts connections in threads. `login`, a name and a password, is asked for if given."""

    def __init__(self, login: tuple[str, str] | None = None) -> None:
        self.login = login
        self.asked: list[str] = []
        self.turned_away = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open = ExitStack()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._open.callback(self._listener.close)
        self._open.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            near.settimeout(HANG_SECONDS)
            self._open.callback(near.close)
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with suppress(OSError, EOFError):
            port = self.greet(near)
            if port is None:
                self.turned_away += 1
                near.close()
                return
            far = socket.create_connection(("127.0.0.1", port), HANG_SECONDS)
            self._open.callback(far.close)
            threading.Thread(target=self.carry_back, args=(far, near), daemon=True).start()
            _pump(near, far)

    def greet(self, near: socket.socket) -> int | None:
        """The port to go on to, once the proxy's own protocol is over; None: not with us."""
        raise NotImplementedError

    def carry_back(self, far: socket.socket, near: socket.socket) -> None:
        """What is answered, as it is."""
        _pump(far, near)


class Passage(Forwarder):
    """The way to `target`, a port. `accepted` counts connections, `live` those that are open."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self.target = target
        self.accepted = 0
        self.live = 0
        self._to_lose = 0
        self._kept_bytes = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """As a client is given it."""
        return f"http://127.0.0.1:{self.port}"

    def greet(self, near: socket.socket) -> int | None:
        """Nothing is asked."""
        return self.target

    def lose(self, answers: int, *, kept_bytes: int = 0) -> None:
        """Cut the connection in place of the next `answers`, or after so many bytes of them."""
        self._to_lose, self._kept_bytes = answers, kept_bytes

    @property
    def lost_all(self) -> bool:
        """Whether all that was to be lost is."""
        return self._to_lose == 0

    def carry_back(self, far: socket.socket, near: socket.socket) -> None:
        """What is answered, unless it is to be lost."""
        with suppress(OSError):
            far.settimeout(None)
            while piece := far.recv(PIECE_BYTES):
                with self._lock:
                    is_lost = self._to_lose > 0
                    self._to_lose -= is_lost
                near.sendall(piece[: self._kept_bytes] if is_lost else piece)
                if is_lost:
                    break
        with suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)

    def _serve(self, near: socket.socket) -> None:
        with self._lock:
            self.accepted += 1
            self.live += 1
        super()._serve(near)
        with self._lock:
            self.live -= 1


class ConnectProxy(Forwarder):
    """RFC 9110, §9.3.6."""

    def greet(self, near: socket.socket) -> int | None:
        """CONNECT, and nothing else."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _exactly(near, 1)
        lines = head.decode().split("\r\n")
        method, target, _ = lines[0].split()
        if self.login is not None and not self._is_known(lines):
            near.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return None
        if method != "CONNECT":
            near.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return None
        self.asked.append(target)
        near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return int(target.rpartition(":")[2])

    def _is_known(self, lines: list[str]) -> bool:
        assert self.login is not None
        wanted = base64.b64encode(":".join(self.login).encode()).decode()
        return f"proxy-authorization: basic {wanted}".lower() in (each.lower() for each in lines)


class SocksProxy(Forwarder):
    """RFC 1928 and 1929. Names only: who resolves them has asked somebody else before."""

    def greet(self, near: socket.socket) -> int | None:
        """Method, login, request."""
        _, count = _exactly(near, 2)
        methods = _exactly(near, count)
        method = 0 if self.login is None else 2
        if method not in methods:
            near.sendall(b"\x05\xff")
            return None
        near.sendall(bytes([5, method]))
        if method == 2 and not self._is_known(near):
            return None
        _, command, _, kind = _exactly(near, 4)
        if (command, kind) != (1, 3):
            near.sendall(b"\x05\x08\x00\x01" + bytes(6))
            return None
        name = _text(near)
        port = int.from_bytes(_exactly(near, 2), "big")
        self.asked.append(f"{name}:{port}")
        near.sendall(b"\x05\x00\x00\x01" + bytes(6))
        return port

    def _is_known(self, near: socket.socket) -> bool:
        _exactly(near, 1)
        known = (_text(near), _text(near)) == self.login
        near.sendall(b"\x01\x00" if known else b"\x01\x01")
        return known


def _text(near: socket.socket) -> str:
    return _exactly(near, _exactly(near, 1)[0]).decode()


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = connection.recv(count - len(found))
        if not piece:
            raise EOFError
        found += piece
    return found


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        source.settimeout(None)
        while piece := source.recv(PIECE_BYTES):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
