"""The way to a hub, step by step: proxy, name, port, TLS."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from arborlink.addresses import is_loopback
from arborlink.cli.checks.finding import Finding, failed, ok, warning
from arborlink.outbound import authorities, proxy_of
from arborlink.protocol.errors import InvalidInput

CONNECT_SECONDS: Final = 5.0
PORTS: Final = {"http": 80, "https": 443}
DAY_SECONDS: Final = 86_400
EXPIRES_SOON_DAYS: Final = 14
# OpenSSL, x509_vfy.h
NOT_YET_VALID, EXPIRED = 9, 10
UNKNOWN_ISSUERS: Final = (2, 18, 19, 20, 21)
OTHER_NAMES: Final = (62, 64)


def check_proxy(url: str) -> Finding | None:
    """Whether a proxy is in the way; None if there is none."""
    try:
        proxy = proxy_of(url)
    except InvalidInput as error:
        do = "correct the variable, or unset it"
        return failed("proxy", "there is no way to the hub", why=error.message, do=do)
    return None if proxy is None else ok("proxy", f"the way goes through {_shown(proxy)}")


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


def check_tls(url: str, ca: str | None = None) -> Finding | None:
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
            authorities(ca).wrap_socket(plain, server_hostname=host) as secured,
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
            "if it comes from a CA of your own, name that CA's certificate with --ca "
            "(`arbor login`, `arbor daemon`) or SSL_CERT_FILE; else let the hub send its whole "
            "chain"
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
    parts = urlsplit(proxy or url)
    return parts.hostname or "", parts.port or PORTS[parts.scheme]


def _shown(proxy: str) -> str:
    """Without its password."""
    parts = urlsplit(proxy)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _start(url: str) -> str:
    if is_loopback(urlsplit(url).hostname or ""):
        return "start the hub (`arbor up`, `arbor hub` or its service), or correct the address"
    return "start the hub on that machine, or correct the address"
