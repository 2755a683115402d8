"""Opens a WebSocket to the hub, and says what it means when that fails or ends."""

from __future__ import annotations

import os
import re
import socket
import ssl
from contextlib import suppress
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, ProxyError

from arborlink.addresses import hub_address
from arborlink.dialing import connecting
from arborlink.outbound import certificate_problem
from arborlink.protocol import limits
from arborlink.protocol.errors import InvalidInput

OPEN_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
# Commands may be as long as a control message; a `welcome` names every spooled task.
MAX_MESSAGE_BYTES: Final = 2 * limits.CONTROL_MESSAGE_BYTES
# What may wait in this process, and unsent in the kernel, before control messages queue behind it.
WRITE_BUFFER_BYTES: Final = 256 * 1024
UNSENT_BYTES: Final = 256 * 1024
USER_TIMEOUT_MS: Final = 15_000
DEFAULT_PATH: Final = "/api/ws"

_RETRY_HINT: Final = re.compile(r"retry in (\d{1,6}(?:\.\d{1,3})?)")
_TCP_NOTSENT_LOWAT: Final = 25

# The last is a proxy or a CA that cannot be used: it may be put right while we try on.
DIAL_ERRORS: Final = (
    *(OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError, ssl.SSLError),
    InvalidInput,
)


def websocket_url(hub: str) -> str:
    """The address of the hub's WebSocket.

    Raises:
        InvalidInput: the token would travel in the clear.
    """
    address = hub_address(hub)
    path = os.environ.get("ARBOR_WEBSOCKET_PATH") or DEFAULT_PATH
    return "ws" + address.removeprefix("http") + "/" + path.lstrip("/")


async def dial(url: str, ca: str | None = None) -> ClientConnection:
    """Open the connection. `ca`: a file with a certificate that is believed as well.

    Raises:
        DIAL_ERRORS: it cannot be opened now.
    """
    connection = await connecting(
        url,
        ca,
        max_size=MAX_MESSAGE_BYTES,
        ping_interval=None,  # our heartbeats prove both directions
        open_timeout=OPEN_SECONDS,
        close_timeout=CLOSE_SECONDS,
        write_limit=WRITE_BUFFER_BYTES,
    )
    sock = connection.transport.get_extra_info("socket")
    if sock is not None:
        _tune(sock)
    return connection


def _tune(sock: socket.socket) -> None:
    options = (
        (getattr(socket, "TCP_NODELAY", None), 1),
        (getattr(socket, "TCP_USER_TIMEOUT", None), USER_TIMEOUT_MS),
        (getattr(socket, "TCP_NOTSENT_LOWAT", _TCP_NOTSENT_LOWAT), UNSENT_BYTES),
    )
    for option, value in options:
        if option is not None:
            with suppress(OSError):  # a system without it is slower to notice, not wrong
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def explain(error: BaseException) -> str:
    """Why the hub could not be reached, in a few words."""
    if isinstance(error, InvalidStatus):
        return f"it answered with HTTP status {error.response.status_code}"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ProxyError):
        return f"the proxy does not let us through: {error.__cause__ or error}"
    return certificate_problem(error) or str(error) or type(error).__name__


def retry_hint(error: BaseException | None, close_reason: str) -> float | None:
    """How long the hub wants us to wait, in seconds; None if it did not say."""
    text = close_reason
    if isinstance(error, InvalidStatus):
        text = f"retry in {error.response.headers.get('Retry-After', '')}"
    found = _RETRY_HINT.search(text)
    return float(found.group(1)) if found else None
