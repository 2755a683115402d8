"""Servers that are no hub: foreign web servers, and proxies that get things wrong."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from arborlink.cli.checks.finding import Finding
from tests.bounds import HANG_SECONDS

Reply = Callable[[bytes], bytes]


@contextmanager
def answering(reply: bytes | Reply, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on the port it gives: a reply to every request's head, and the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(listener, reply, tls), daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(HANG_SECONDS)


def _serve(listener: socket.socket, reply: bytes | Reply, tls: ssl.SSLContext | None) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with suppress(OSError), connection:
            connection.settimeout(HANG_SECONDS)
            if tls is None:
                _answer(connection, reply)
            else:
                with tls.wrap_socket(connection, server_side=True) as secured:
                    _answer(secured, reply)


def _answer(connection: socket.socket, reply: bytes | Reply) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        if not piece:
            return
        head += piece
        if not head[:1].isalpha():
            break  # no HTTP, but perhaps TLS: the same answer, which is none of its kind
    connection.sendall(reply if isinstance(reply, bytes) else reply(head))


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    """An HTTP response; nothing follows it on the connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def passing_on(port: int, *, without_upgrades: bytes) -> Reply:
    """A proxy in front of a hub that does not know WebSockets: it gives this answer instead."""

    def reply(head: bytes) -> bytes:
        if b"\r\nupgrade:" in head.lower():
            return without_upgrades
        plain = head.replace(b"keep-alive", b"close")
        with socket.create_connection(("127.0.0.1", port), HANG_SECONDS) as hub:
            hub.sendall(plain)
            answer = b""
            while piece := hub.recv(65_536):
                answer += piece
        return answer

    return reply


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    """Each by what it is about."""
    return {finding.check: finding for finding in findings}


def text(finding: Finding) -> str:
    """All that it says."""
    return f"{finding.found} | {finding.why} | {finding.do}"
