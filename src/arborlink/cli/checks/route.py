"""The way to a hub, step by step: proxy, name, port, TLS."""

from __future__ import annotations

import socket
import ssl
import time
import urllib.request
from datetime import UTC, datetime
from typing import Final
from urllib.parse import SplitResult, urlsplit

from arborlink.addresses import is_loopback
from arborlink.cli.checks.finding import Finding, failed, ok, warning

CONNECT_SECONDS: Final = 5.0
PORTS: Final = {"http": 80, "https": 443}
DAY_SECONDS: Final = 86_400
EXPIRES_SOON_DAYS: Final = 14
# OpenSSL, x509_vfy.h
NOT_YET_VALID, EXPIRED = 9, 10
UNKNOWN_ISSUERS: Final = (2, 18, 19, 20, 21)
OTHER_NAMES: Final = (62, 64)


def proxy_of(url: str) -> str | None:
    """The proxy that the environment wants between us and `url`."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def check_proxy(url: str) -> Finding | None:
    """Whether a proxy is in the way; None if there is none."""
    proxy = proxy_of(url)
    if proxy is None:
        return None
    host = urlsplit(url).hostname or ""
    shown = _without_password(proxy)
    if is_loopback(host):
        return failed(
            "proxy",
            f"commands would ask the proxy {shown} for a hub on this machine",
            why="a proxy variable is set, and NO_PROXY does not except this machine",
            do="export NO_PROXY=localhost,127.0.0.1,::1",
        )
    return ok("proxy", f"the way goes through {shown}")


def check_name(url: str) -> Finding:
    """Whether the name of the hub, or of the proxy in front of it, is known."""
    host, port = _first_stop(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return failed(
            "name",
            f"no address is known for {host}",
            why=getattr(error, "strerror", None) or str(error),
            do="check the spelling of the address, and this machine's DNS "
            f"(`getent hosts {host}`); behind a proxy set HTTPS_PROXY",
        )
    addresses = ", ".join(dict.fromkeys(str(each[4][0]) for each in found))
    return ok("name", f"{host} is {addresses}")


def check_connection(url: str) -> Finding:
    """Whether anything accepts connections there."""
    host, port = _first_stop(url)
    where = f"{host}:{port}"
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except ConnectionRefusedError:
        return failed(
            "connection",
            f"nothing listens on {where}",
            why="the connection was refused",
            do=_start(url) if proxy_of(url) is None else "start the proxy, or unset its variable",
        )
    except TimeoutError:
        return failed(
            "connection",
            f"{where} does not answer",
            why=f"nothing came back within {CONNECT_SECONDS:g} s; mostly that is a firewall",
            do=f"let this machine reach {where} (TCP), or set HTTPS_PROXY if it needs a proxy",
        )
    except OSError as error:
        return failed(
            "connection",
            f"{where} cannot be reached",
            why=str(error.strerror or error),
            do="check this machine's network, VPN and routes",
        )
    return ok("connection", f"{where} accepts connections")


def check_tls(url: str) -> Finding | None:
    """Whether its certificate is believed here; None without TLS, or behind a proxy.

    Behind a proxy the request that follows says so.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or proxy_of(url) is not None:
        return None
    host, port = parts.hostname or "", parts.port or PORTS["https"]
    try:
        with (
            socket.create_connection((host, port), CONNECT_SECONDS) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        return explain_tls(error, host)
    return _until(host, str(certificate.get("notAfter", "")))


def explain_tls(error: Exception, host: str) -> Finding:
    """What a handshake that failed means."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return failed(
            "TLS",
            f"{host} does not speak TLS there",
            why=str(getattr(error, "reason", None) or error),
            do="check the port; a hub without TLS of its own needs a proxy that has it",
        )
    code, found = error.verify_code, f"the certificate of {host} is not accepted"
    why = error.verify_message
    if code in (EXPIRED, NOT_YET_VALID):
        do = (
            f"renew it on the hub, if this machine's clock is right: it says "
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        )
    elif code in OTHER_NAMES:
        do = "use the name that the certificate is for, or get one for this name"
    elif code in UNKNOWN_ISSUERS:
        do = (
            "if it comes from a CA of your own, set SSL_CERT_FILE to that CA's certificate here "
            "(and in the daemon's service); else let the hub send its whole chain"
        )
    else:
        do = "replace the certificate on the hub"
    return failed("TLS", found, why=why, do=do)


def _until(host: str, end: str) -> Finding:
    left = (ssl.cert_time_to_seconds(end) - time.time()) / DAY_SECONDS if end else None
    if left is not None and left < EXPIRES_SOON_DAYS:
        return warning(
            "TLS",
            f"the certificate of {host} ends in {int(left)} days",
            why="from then on nobody can connect",
            do="renew it on the hub, and see why that did not happen by itself",
        )
    return ok("TLS", f"the certificate of {host} is accepted")


def _first_stop(url: str) -> tuple[str, int]:
    """Host and port of the first machine on the way."""
    proxy = proxy_of(url)
    parts = _split(proxy) if proxy is not None else urlsplit(url)
    return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 1080)


def _split(proxy: str) -> SplitResult:
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _without_password(proxy: str) -> str:
    parts = _split(proxy)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _start(url: str) -> str:
    if is_loopback(urlsplit(url).hostname or ""):
        return "start the hub (`arbor up`, `arbor hub` or its service), or correct the address"
    return "start the hub on that machine, or correct the address"
