"""What a hub signs, and what both ends of a connection know of it. Pure but for `this_machine`."""

from __future__ import annotations

import hashlib
import os
import secrets
from functools import cache
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple

from arborlink.proof import keys
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.resources import HubProof

PATH: Final = "/api/identity"
NONCE_BYTES: Final = 32
# Nothing else that this key signs begins so.
_LABEL: Final = "arbor hub identity 1"
_CHANNEL_LABEL: Final = "arbor channel 1"
_LENGTH_BYTES: Final = 4
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"
_NETWORK: Final = "/proc/self/ns/net"


class End(NamedTuple):
    """One end of a TCP connection."""

    host: str
    port: int

    @classmethod
    def of(cls, name: object) -> End:
        """Return the end with a socket's name; one without a name is on no loopback."""
        if isinstance(name, tuple | list) and len(name) >= 2:
            return cls(str(name[0]), int(name[1]))
        return cls("", 0)


def new_nonce() -> str:
    """Return a nonce that has never been signed, base64url."""
    return keys.encode(secrets.token_bytes(NONCE_BYTES))


def parse_nonce(text: str) -> str:
    """Return a nonce as it was sent.

    Raises:
        InvalidInput: it is not 32 bytes in base64url.
    """
    try:
        fits = len(keys.decode(text)) == NONCE_BYTES
    except ValueError:
        fits = False
    if not fits:
        raise InvalidInput(f"nonce is {NONCE_BYTES} random bytes in base64url, without padding.")
    return text


def statement(nonce: str, proof: HubProof) -> bytes:
    """Return what the signature of `proof` is made over."""
    channel = ["", "-"] if proof.channel is None else [proof.channel, "+"]
    return _joined(_LABEL, nonce, proof.hub_id, proof.key, proof.authority, *channel)


def sign(
    key: keys.HubKey, *, nonce: str, hub_id: str, authority: str, channel: str | None
) -> HubProof:
    """Return the proof for one connection."""
    unsigned = HubProof(
        hub_id=hub_id, key=key.public, authority=authority, channel=channel, signature=""
    )
    signature = key.sign(statement(nonce, unsigned))
    return HubProof(
        hub_id=hub_id, key=key.public, authority=authority, channel=channel, signature=signature
    )


def channel(nonce: str, client: End, server: End, machine: str | None) -> str | None:
    """Return what names one connection within one machine, for whoever is at one of its ends.

    Both ends compute the same only if nothing is in between: a program that passes a connection on
    has two of its own, with other ends. None: the connection leaves the machine, or the system does
    not tell which machine and network it is.
    """
    ends = [*_end(client), *_end(server)]
    if machine is None or not (_is_loopback(client.host) and _is_loopback(server.host)):
        return None
    return keys.encode(hashlib.sha256(_joined(_CHANNEL_LABEL, nonce, machine, *ends)).digest())


def authority(netloc: str, scheme: str) -> str:
    """Return a Host header without the scheme's own port, in small letters."""
    return netloc.lower().removesuffix(_DEFAULT_PORTS[scheme])


@cache
def this_machine() -> str | None:
    """Return what tells this boot of this machine, and this network of it, from all others."""
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            boot = file.read().strip()
        network = os.stat(_NETWORK)
    except OSError:
        return None
    return f"{boot} {network.st_dev} {network.st_ino}"


def _end(end: End) -> tuple[str, str]:
    return _plain(end.host), str(end.port)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(_plain(host)).is_loopback
    except ValueError:
        return False


def _plain(host: str) -> str:
    """Return an address as both ends write it: one of IPv4 on an IPv6 socket is one of IPv4."""
    try:
        parsed = ip_address(host)
    except ValueError:
        return host
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def _joined(*parts: str) -> bytes:
    """Return the parts with their lengths, so that no two lists of parts give the same bytes."""
    return b"".join(
        len(data).to_bytes(_LENGTH_BYTES, "big") + data for data in map(str.encode, parts)
    )
