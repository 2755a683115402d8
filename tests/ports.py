"""Ports that stay a test's own, however often what listens there is stopped and started again."""

from __future__ import annotations

import socket
from typing import Final

# Until the tests are over. Bound and not listening: connections are refused, the kernel gives the
# port to no outgoing connection and to no program that asks for any port, and a server, which sets
# SO_REUSEADDR as well, may listen on it.
_KEPT: Final[list[socket.socket]] = []


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on unless the test does."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    _KEPT.append(kept)
    return int(kept.getsockname()[1])
