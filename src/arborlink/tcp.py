"""What TCP is asked for, beyond a stream of bytes: little waits in it, and an end that is noticed.

All of it is a wish: a system that does not know an option is slower to notice, not wrong.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

# What may wait unsent, in the kernel and as much again in this process before no more is written:
# a heartbeat cannot overtake it. The least, and the most: if a fast link carries 64 KiB/s from one
# moment to the next, twice the most has gone after eight seconds, before the peer counts as dead.
LEAST_UNSENT_BYTES: Final = 32 * 1024
MOST_UNSENT_BYTES: Final = 256 * 1024
# How long the process's share takes to go: sooner, and more may wait; later, and it is the least.
SOON_SECONDS: Final = 0.005
LATE_SECONDS: Final = 0.05

_TCP_NOTSENT_LOWAT: Final = 25  # Linux and macOS; Python names it on the latter alone
_TCP_INFO_BYTES: Final = 8
_RETRANSMITS: Final = 2  # in it: how often what was not acknowledged has been sent again in vain
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class Unsent:
    """Keeps what waits unsent on a connection short: as much as its link carries in a moment.

    The connection's protocol tells of its pauses. Small messages go at once.
    """

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        *,
        give_up_ms: int | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with the least.

        Args:
            transport: of the connection.
            give_up_ms: after how long without an acknowledgement the connection is broken. The peer
                must read at least that often.
            now: seconds.
        """
        self.limit = LEAST_UNSENT_BYTES
        self._transport = transport
        self._now = now
        self._paused_at = 0.0
        self._set(getattr(socket, "TCP_NODELAY", None), 1)
        if give_up_ms is not None:
            self._set(getattr(socket, "TCP_USER_TIMEOUT", None), give_up_ms)
        self._apply()

    def paused(self) -> None:
        """As much waits as may."""
        self._paused_at = self._now()

    def resumed(self) -> None:
        """Most of it has gone: how long that took says what the link carries."""
        limit = next_limit(self.limit, self._now() - self._paused_at)
        if limit != self.limit:
            self.limit = limit
            self._apply()

    def _apply(self) -> None:
        self._transport.set_write_buffer_limits(self.limit)
        self._set(getattr(socket, "TCP_NOTSENT_LOWAT", _TCP_NOTSENT_LOWAT), self.limit)

    def _set(self, option: int | None, value: int) -> None:
        sock = self._transport.get_extra_info("socket")
        if option is not None and sock is not None:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def next_limit(limit: int, seconds: float) -> int:
    """What may wait from now on, in bytes, after `limit` took so long to go."""
    if seconds < SOON_SECONDS:
        return min(2 * limit, MOST_UNSENT_BYTES)
    return LEAST_UNSENT_BYTES if seconds > LATE_SECONDS else limit


def is_heard(transport: asyncio.BaseTransport) -> bool:
    """Whether the peer's system acknowledges what is sent to it, as far as this one tells."""
    sock = transport.get_extra_info("socket")
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except (AttributeError, OSError):
        return True
    return bool(info[_RETRANSMITS] == 0)


def reset(transport: asyncio.WriteTransport) -> None:
    """Break a connection whose peer is not heard any more.

    It may still hear us: a FIN would wait behind what it never acknowledges, an RST does not, and
    so the peer need not find out by itself. The kernel forgets what it holds for it, too.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):  # it is gone already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
