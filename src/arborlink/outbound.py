"""The way out to a hub: through which proxy, and whose certificates are believed there.

HTTP and WebSockets go the same way, whoever of us speaks. The libraries below would each read the
environment in a way of their own.
"""

from __future__ import annotations

import ssl
import urllib.request
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from arborlink.addresses import is_loopback
from arborlink.protocol.errors import InvalidInput

if TYPE_CHECKING:
    import httpx2

    from arborlink.proof.http import ProvenTransport
    from arborlink.proof.known_hub import KnownHub

# A SOCKS proxy is always given the name: behind it there may be names that nobody knows here.
_SCHEMES: Final = {
    "http": "http",
    "https": "https",
    "socks": "socks5h",
    "socks5": "socks5h",
    "socks5h": "socks5h",
}
_PORTS: Final = {"http": 80, "https": 443, "socks5h": 1080}


def proxy_of(url: str) -> str | None:
    """The proxy on the way to the hub at `url`: HTTPS_PROXY, else ALL_PROXY, minus NO_PROXY.

    A hub on this machine has none: without TLS the proxy would see the token.

    Raises:
        InvalidInput: the variable names none that can be used; its password is not shown.
    """
    host = urlsplit(url).hostname or ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy or is_loopback(host) or _is_excepted(url, proxies.get("no", "")):
        return None
    return _normal(proxy)


def authorities(ca: str | None = None) -> ssl.SSLContext:
    """Whose certificates are believed: the system's or SSL_CERT_FILE's, and those in `ca`.

    Raises:
        InvalidInput: `ca` cannot be used.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        try:
            context.load_verify_locations(cafile=ca)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise InvalidInput(
                f"{ca} cannot be used as a CA: {getattr(error, 'strerror', None) or error}. "
                "Give a file with its certificate, PEM"
            ) from error
    return context


def http_options(url: str, ca: str | None = None) -> dict[str, Any]:
    """What an HTTP client is made with, to go that way.

    Raises:
        InvalidInput: the proxy or `ca` cannot be used.
    """
    import httpx2

    # Without TLS there are no certificates to load.
    context = authorities(ca) if url.startswith("https:") else None
    proxy = proxy_of(url)
    way = None
    if proxy is not None:
        way = httpx2.Proxy(proxy, ssl_context=context if proxy.startswith("https:") else None)
    return {"trust_env": False, "proxy": way, "verify": context or False}


def http_transport(
    known: KnownHub, limits: httpx2.Limits, ca: str | None = None
) -> ProvenTransport:
    """What an HTTP client is made with, to send secrets that way: to a hub that is proven.

    Raises:
        InvalidInput: the proxy or `ca` cannot be used.
    """
    from arborlink.proof.http import ProvenTransport

    options = http_options(known.url, ca)
    return ProvenTransport(
        known, limits=limits, context=options["verify"] or None, proxy=options["proxy"]
    )


def certificate_problem(error: BaseException) -> str | None:
    """What is wrong with the hub's certificate, if that is why it could not be reached."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not accepted here: {cause.verify_message}. If it comes from a "
                "CA of your own, name that CA's certificate with the option `ca` or SSL_CERT_FILE"
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _is_excepted(url: str, exceptions: str) -> bool:
    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
    if urllib.request.proxy_bypass(where):
        return True
    try:
        address = ip_address(parts.hostname or "")
    except ValueError:
        return False
    return any(_is_in(address, each.strip()) for each in exceptions.split(","))


def _is_in(address: object, network: str) -> bool:
    try:
        return address in ip_network(network.strip("[]"), strict=False)
    except ValueError:
        return False


def _normal(proxy: str) -> str:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        scheme, port = _SCHEMES.get(parts.scheme), parts.port
    except ValueError:
        parts, scheme, port = SplitResult("", "", "", "", ""), None, None
    if scheme is None or not parts.hostname:
        raise InvalidInput(
            "the proxy in HTTPS_PROXY or ALL_PROXY cannot be used. It looks like "
            "http://proxy.example.org:3128 or socks5h://127.0.0.1:1080"
        )
    login, at, _ = parts.netloc.rpartition("@")
    if at and ":" not in login:
        login += ":"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{login}{at}{host}:{port or _PORTS[scheme]}"
