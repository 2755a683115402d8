"""B05: heads that take their time. All at once, so that they take it together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat

_LINE = b"GET /api/me HTTP/1.1\r\n"
_HOST = b"Host: 127.0.0.1\r\n"


def _bytes(head: bytes) -> Iterator[bytes]:
    """One by one, and never the end."""
    for byte in head:
        yield bytes([byte])
    yield from repeat(b"x")


# What is sent, piece by piece.
SLOW: Mapping[str, Callable[[], Iterator[bytes]]] = {
    "nothing": lambda: iter(()),
    "a-byte-at-a-time": lambda: _bytes(_LINE + _HOST + b"X: "),
    "a-header-at-a-time": lambda: (_LINE + _HOST if n == 0 else b"X: y\r\n" for n in range(999)),
    "half-a-line": lambda: iter([b"GET /ap"]),
    "half-a-head": lambda: iter([_LINE + _HOST]),
    "all-but-the-last-byte": lambda: iter([_LINE + _HOST + b"\r"]),
    "empty-lines": lambda: repeat(b"\r\n"),
    "a-name-at-a-time": lambda: _bytes(_LINE + b"X-"),
}
