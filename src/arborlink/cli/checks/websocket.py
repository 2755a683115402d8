"""Whether WebSockets come through, and whether the hub believes a token over one.

As a daemon does: same proxies, same sub-protocol, no redirects, which would take a token elsewhere.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)

from arborlink import __version__
from arborlink.cli.checks.finding import Finding, failed, ok
from arborlink.dialing import connecting
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol import errors
from arborlink.protocol.codec import Codec
from arborlink.protocol.messages import PROTOCOL_VERSION, DaemonAuth, HostInfo

OPEN_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 5.0
DEFAULT_PATH: Final = "/api/ws"
# No workspace is called so: the hub judges the token, and then refuses the rest.
NO_WORKSPACE: Final = "ws_doctor"
# What the hub itself answers at a path where it has no WebSocket, and what others do.
NOT_FOUND_STATUSES: Final = frozenset({403, 404})
BUSY_STATUSES: Final = frozenset({429, 503})

_ERRORS: Final = (
    *(OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError, ConnectionClosed),
    errors.Unavailable,
)


def check_upgrade(known: KnownHub, ca: str | None = None) -> Finding:
    """Whether a WebSocket can be opened."""

    async def open_and_close() -> None:
        connection = await _open(known, ca)
        await connection.close()

    try:
        asyncio.run(open_and_close())
    except _ERRORS as error:
        return _explain(known.url, error)
    return ok("WebSocket", f"it can be opened at {_path()}")


def check_daemon_token(
    known: KnownHub, daemon_id: str, token: str, ca: str | None = None
) -> Finding:
    """Whether the hub still believes a daemon's token, and speaks our protocol.

    The daemon that may be connected with it stays so: this one asks for a workspace that is none,
    and is refused because of the token, the version, or, if both are right, the workspace.
    """
    auth = DaemonAuth(
        daemon_id=daemon_id,
        auth_token=token,
        workspace_id=NO_WORKSPACE,
        instance_id="doctor",
        protocol=PROTOCOL_VERSION,
        version=__version__,
        host=HostInfo(hostname="doctor", platform="", user="", path="/"),
    )
    try:
        code, reason = asyncio.run(_refusal(known, auth, ca))
    except errors.HubNotProven as error:
        return failed(
            "token", "it was not tried", why=error.message, do="what was found about the hub"
        )
    except _ERRORS as error:
        return _explain(known.url, error)
    if code == errors.NotAllowed.close_code:
        return ok("token", "the hub accepts it")
    if code == errors.NotAuthenticated.close_code:
        return failed(
            "token",
            "the hub does not accept this daemon's token",
            why=reason,
            do="`arbor enroll NAME` where you are signed in prints the command that enrols it anew",
        )
    if code == errors.UnsupportedProtocol.close_code:
        return failed(
            "version",
            "hub and daemon do not speak the same protocol",
            why=reason,
            do="install the same release of Arbor on both",
        )
    return failed(
        "token",
        "the hub did not judge this daemon's token",
        why=f"close code {code}: {reason}",
        do="try again in a minute; then look at the hub's log",
    )


async def _refusal(known: KnownHub, auth: DaemonAuth, ca: str | None) -> tuple[int | None, str]:
    connection = await _open(known, ca)
    try:
        await connection.send(Codec(json=False).encode_binary(auth))
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                await connection.recv()  # an `error` message may come before the close frame
    except ConnectionClosed:
        return connection.close_code, connection.close_reason or ""
    finally:
        await connection.close()


async def _open(known: KnownHub, ca: str | None) -> ClientConnection:
    return await connecting(
        "ws" + known.url.removeprefix("http") + _path(),
        known,
        ca,
        open_timeout=OPEN_SECONDS,
        close_timeout=1.0,
    )


def _path() -> str:
    path = os.environ.get("ARBOR_WEBSOCKET_PATH") or DEFAULT_PATH
    return "/" + path.lstrip("/")


def _explain(hub: str, error: Exception) -> Finding:
    """It is known by now that plain requests reach the hub."""
    if isinstance(error, InvalidStatus):
        return _explain_status(error.response.status_code)
    if isinstance(error, ProxyError):
        return failed(
            "WebSocket",
            "the proxy of this machine's environment does not let it through",
            why=str(error),
            do=f"let it pass on CONNECT to {urlsplit(hub).netloc}, or set NO_PROXY",
        )
    return failed(
        "WebSocket",
        f"plain requests reach the hub, but no WebSocket at {_path()} does",
        why=str(error) or "there was no answer in time",
        do=_pass_on(),
    )


def _explain_status(status: int) -> Finding:
    if status in BUSY_STATUSES:
        return failed(
            "WebSocket",
            "the hub takes no more connections at the moment",
            why=f"it answered the upgrade with HTTP status {status}",
            do="try again in a minute",
        )
    why = f"the upgrade was answered with HTTP status {status}"
    if status in NOT_FOUND_STATUSES:
        found = f"there is no WebSocket at {_path()}"
        return failed("WebSocket", found, why=why, do=_same_path())
    found = "something between here and the hub refuses WebSockets"
    return failed("WebSocket", found, why=why, do=_pass_on())


def _pass_on() -> str:
    return (
        f"let every proxy on the way pass on `Upgrade` and `Connection` at {_path()}, unbuffered; "
        "deploy/ has examples for Caddy and nginx"
    )


def _same_path() -> str:
    return (
        "set ARBOR_WEBSOCKET_PATH here to what the hub has, and let the proxy in front of the hub "
        f"pass on {_path()}"
    )
