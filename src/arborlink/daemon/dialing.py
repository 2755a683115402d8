"""Opens a WebSocket to the hub, and says what it means when that fails or ends."""

from __future__ import annotations

import os
import ssl
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, ProxyError

from arborlink import tcp
from arborlink.addresses import hub_address
from arborlink.dialing import connecting
from arborlink.outbound import certificate_problem
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol import limits, retry
from arborlink.protocol.errors import HubNotProven, InvalidInput, Unavailable
from arborlink.protocol.heartbeat import Liveness

OPEN_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
# Commands may be as long as a control message; a `welcome` names every spooled task.
MAX_MESSAGE_BYTES: Final = 2 * limits.CONTROL_MESSAGE_BYTES
DEFAULT_PATH: Final = "/api/ws"

# The last is a proxy or a CA that cannot be used: it may be put right while we try on. So may what
# answers in the hub's place.
DIAL_ERRORS: Final = (
    *(OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError, ssl.SSLError),
    *(HubNotProven, Unavailable, InvalidInput),
)


def websocket_url(hub: str) -> str:
    """The address of the hub's WebSocket.

    Raises:
        InvalidInput: the token would travel in the clear.
    """
    address = hub_address(hub)
    path = os.environ.get("ARBOR_WEBSOCKET_PATH") or DEFAULT_PATH
    return "ws" + address.removeprefix("http") + "/" + path.lstrip("/")


async def dial(url: str, known: KnownHub, ca: str | None = None) -> ClientConnection:
    """Open the connection, to what is proven to be the hub.

    `ca`: a file with a certificate that is believed as well.

    Raises:
        DIAL_ERRORS: it cannot be opened now.
    """
    connection = await connecting(
        url,
        known,
        ca,
        max_size=MAX_MESSAGE_BYTES,
        ping_interval=None,  # our heartbeats prove both directions
        open_timeout=OPEN_SECONDS,
        close_timeout=CLOSE_SECONDS,
        write_limit=tcp.BUFFERED_BYTES,
    )
    tcp.hold_little(connection.transport, give_up_ms=milliseconds(limits.SILENCE_SECONDS))
    return connection


def keep_to(connection: ClientConnection, liveness: Liveness) -> None:
    """Let the kernel give the hub up as late as our heartbeats do, which the hub decides."""
    tcp.give_up_after(connection.transport, milliseconds(liveness.silence))


def milliseconds(seconds: float) -> int:
    """Return what the kernel is told."""
    return round(1_000 * seconds)


def explain(error: BaseException) -> str:
    """Why the hub could not be reached, in a few words."""
    if isinstance(error, InvalidStatus):
        return f"it answered with HTTP status {error.response.status_code}"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ProxyError):
        return f"the proxy does not let us through: {error.__cause__ or error}"
    return certificate_problem(error) or str(error) or type(error).__name__


def retry_after(error: BaseException | None, code: int | None, reason: str) -> float | None:
    """Return how long the hub wants us to wait, in seconds; None if it did not say."""
    if isinstance(error, InvalidStatus):
        return retry.retry_after_of_header(error.response.headers.get("Retry-After"))
    if isinstance(error, Unavailable):
        return error.retry_after
    return retry.retry_after_of_close(code, reason)
