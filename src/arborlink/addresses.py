"""Where a hub is. A token goes nowhere in the clear: plain http is for this machine alone."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from arborlink.protocol.errors import InvalidInput

# A WebSocket's address names the same hub.
_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def hub_address(address: str) -> str:
    """The http or https address of a hub, without a trailing slash.

    Raises:
        InvalidInput: it is no hub's address, or a token would travel to it in the clear.
    """
    parts = _split(address)
    scheme = _SCHEMES.get(parts.scheme) if parts is not None else None
    if parts is None or scheme is None or not parts.hostname or parts.username is not None:
        raise InvalidInput(
            f"{address!r} is not the address of a hub. It looks like https://arbor.example.org "
            "or http://127.0.0.1:4000"
        )
    if scheme == "http" and not is_loopback(parts.hostname):
        raise InvalidInput(
            f"{address} would send the token in the clear. Use an https:// address; plain http is "
            "for a hub on this machine alone"
        )
    return parts._replace(scheme=scheme).geturl().rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether nothing leaves this machine on the way to `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        # Looked at because it is read when it is asked for, and may be none.
        _ = parts.port
    except ValueError:
        return None
    return parts
