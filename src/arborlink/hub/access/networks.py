"""Networks of an address, from its customer's to its provider's.

A limit by address does not bound a party that has 2^64 addresses. So limits count by prefix: the
prefixes that a provider assigns to one customer and to one site (RFC 6177, §2), and its own.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple

IPV4_SITE_BITS: Final = 24
IPV4_REGION_BITS: Final = 16
IPV6_CUSTOMER_BITS: Final = 64
IPV6_SITE_BITS: Final = 48
IPV6_REGION_BITS: Final = 32
# Characters kept of a text that is not an address.
MAX_NAME_CHARS: Final = 64
REMEMBERED: Final = 4_096


class Network(NamedTuple):
    """The prefixes of an address, from the narrowest to the widest.

    `customer`: an IPv4 address, or an IPv6 /64. `site`: a /24, or a /48. `region`: a /16, or a /32.
    Addresses of this machine are not neighbors: each is its own site.
    """

    customer: str
    site: str
    region: str


@lru_cache(maxsize=REMEMBERED)
def network_of(address: str) -> Network:
    """Return the prefixes of an address; a text that is not an address stands for itself."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        name = address[:MAX_NAME_CHARS]
        return Network(name, name, name)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, IPv4Address):
        site = str(parsed) if parsed.is_loopback else _prefix(parsed, IPV4_SITE_BITS)
        return Network(str(parsed), site, _prefix(parsed, IPV4_REGION_BITS))
    return Network(
        _prefix(parsed, IPV6_CUSTOMER_BITS),
        _prefix(parsed, IPV6_SITE_BITS),
        _prefix(parsed, IPV6_REGION_BITS),
    )


def customer(address: str) -> str:
    """Return the narrowest prefix of an address: the key of limits per address."""
    return network_of(address).customer


def _prefix(address: IPv4Address | IPv6Address, bits: int) -> str:
    return str(ip_network((address, bits), strict=False))
