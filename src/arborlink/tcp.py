"""What TCP is asked for, beyond a stream of bytes: little waits in it, and an end that is noticed.

All of it is a wish: a system that does not know an option is slower to notice, not wrong.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

# What may wait unsent in the kernel, and in this process before no more is written: a heartbeat
# cannot overtake it.
UNSENT_BYTES: Final = 32 * 1024
BUFFERED_BYTES: Final = 32 * 1024

_TCP_NOTSENT_LOWAT: Final = 25  # Linux and macOS; Python names it on the latter alone
_TCP_INFO_BYTES: Final = 8
_RETRANSMITS: Final = 2  # in it: how often what was not acknowledged has been sent again in vain
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
# What is raised for an option nobody knows and for a socket that is closed; uvloop's closed ones
# have a negative descriptor, which is a ValueError.
_UNANSWERED: Final = (OSError, ValueError)


def hold_little(transport: asyncio.WriteTransport, *, give_up_ms: int | None = None) -> None:
    """Send small messages at once, and keep what waits unsent short.

    Args:
        transport: of the connection.
        give_up_ms: after how long without an acknowledgement the connection is broken. The peer
            must read at least that often.
    """
    transport.set_write_buffer_limits(BUFFERED_BYTES)
    options = [
        (getattr(socket, "TCP_NODELAY", None), 1),
        (getattr(socket, "TCP_NOTSENT_LOWAT", _TCP_NOTSENT_LOWAT), UNSENT_BYTES),
    ]
    _set(transport, options)
    if give_up_ms is not None:
        give_up_after(transport, give_up_ms)


def give_up_after(transport: asyncio.BaseTransport, milliseconds: int) -> None:
    """Break the connection after so long without an acknowledgement; replaces what was set."""
    _set(transport, [(getattr(socket, "TCP_USER_TIMEOUT", None), milliseconds)])


def _set(transport: asyncio.BaseTransport, options: Sequence[tuple[int | None, int]]) -> None:
    sock = transport.get_extra_info("socket")
    for option, value in options:
        if option is not None and sock is not None:
            with suppress(*_UNANSWERED):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def is_heard(transport: asyncio.BaseTransport) -> bool:
    """Whether the peer's system acknowledges what is sent to it, as far as this one tells.

    It tells nothing of a connection that is closed.
    """
    sock = transport.get_extra_info("socket")
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except (AttributeError, *_UNANSWERED):
        return True
    return bool(info[_RETRANSMITS] == 0)


def reset(transport: asyncio.WriteTransport) -> None:
    """Break a connection whose peer is not heard any more.

    It may still hear us: a FIN would wait behind what it never acknowledges, an RST does not, and
    so the peer need not find out by itself. The kernel forgets what it holds for it, too.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with suppress(*_UNANSWERED):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
