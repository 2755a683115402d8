"""Which Host and Origin headers the hub answers to. Being local is no credential.

The list of hosts stops a foreign page whose name was rebound to this machine; the list of origins
stops it from using the user's cookie or opening a WebSocket.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from arborlink.addresses import is_loopback
from arborlink.hub.settings import HubSettings


def host_allowed(host: str, settings: HubSettings) -> bool:
    """Return whether the hub goes by the name in this Host header, whatever the port.

    Loopback names always; the host of `public_url` and `allowed_hosts`; when bound to more than
    loopback also plain addresses, which cannot be rebound, and this machine's own name.
    """
    name = _hostname(host)
    if name is None:
        return False
    if is_loopback(name):
        return True
    known = {_hostname(allowed) for allowed in settings.allowed_hosts}
    if settings.public_url is not None:
        known.add(urlsplit(settings.public_url).hostname)
    if name in known:
        return True
    return not is_loopback(settings.host) and (_is_address(name) or name == _own_name())


def sent_origin(headers: list[str]) -> str | None:
    """Return the origin of a request with these headers; two of them count as a foreign one."""
    return ", ".join(headers) if headers else None


def origin_allowed(origin: str | None, host: str, settings: HubSettings) -> bool:
    """Return whether a page of this origin may use the hub reached as `host`; exact, port included.

    A request without an Origin does not come from a page, which is allowed with a token. A request
    with a cookie that changes something must have one; see `routes.authentication`.
    """
    if origin is None:
        return True
    allowed = set(settings.allowed_origins)
    if settings.public_url is not None:
        allowed.add(settings.public_url)
    if host_allowed(host, settings):
        allowed.add(f"{_scheme(host, settings)}://{host.lower()}")
    return origin in allowed


def _scheme(host: str, settings: HubSettings) -> str:
    # A proxy that is asked by name speaks TLS; one that is not is a developer's.
    proxied = bool(settings.behind_proxy) and not is_loopback(_hostname(host) or "")
    return "https" if settings.tls_cert is not None or proxied else "http"


def _hostname(host: str) -> str | None:
    if not host or any(character in host for character in "/@?#\\, \t"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname


def _is_address(name: str) -> bool:
    try:
        return not ipaddress.ip_address(name).is_unspecified
    except ValueError:
        return False


def _own_name() -> str:
    return socket.gethostname().lower()
