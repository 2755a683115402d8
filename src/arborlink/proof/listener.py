"""Which users of this machine serve a TCP connection on loopback (Linux: `/proc/net/tcp`)."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from arborlink.proof.statement import End

_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_ESTABLISHED: Final = "01"
_LISTEN: Final = "0A"
_WORD_BYTES: Final = 4
_ROOT: Final = 0


def foreign_owner(client: End, server: End) -> int | None:
    """Return a user who holds the server's end and is neither this process's nor root.

    None: there is none, or the system does not tell.
    """
    own = {os.geteuid(), os.getuid(), _ROOT}
    return next((uid for uid in sorted(owners(client, server)) if uid not in own), None)


def owners(client: End, server: End) -> set[int]:
    """Return the users who hold the server's end; none if the system does not tell.

    A connection that was not accepted yet belongs to no process, and is listed as root's: then
    those count who listen there.
    """
    theirs, ours = _forms(server), _forms(client)
    accepted: set[int] = set()
    listening: set[int] = set()
    for local, remote, state, uid in _rows(server.port):
        if state == _ESTABLISHED and local in theirs and remote in ours:
            accepted.add(uid)
        elif state == _LISTEN and (local in theirs or local in _anywhere(server.port)):
            listening.add(uid)
    return listening if accepted == {_ROOT} and listening else accepted


def user_name(uid: int) -> str:
    """Return the user's name, or the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _rows(port: int) -> Iterator[tuple[str, str, str, int]]:
    """Yield both ends, state and user of each row that has this port: of thousands, few."""
    wanted = b":%04X " % port
    for table in _TABLES:
        try:
            with open(table, "rb") as file:
                lines = file.read().split(b"\n")
        except OSError:
            continue
        for line in lines:
            if wanted in line:
                fields = line.decode().split(maxsplit=8)
                yield fields[1], fields[2], fields[3], int(fields[7])


def _forms(end: End) -> set[str]:
    """Return an end as the tables write it: on a socket of its own family, and of IPv6."""
    parsed = ip_address(end.host.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return {_hex(parsed, end.port)} | (set() if mapped is None else {_hex(mapped, end.port)})
    return {_hex(parsed, end.port), _hex(IPv6Address(f"::ffff:{parsed}"), end.port)}


def _anywhere(port: int) -> set[str]:
    return {_hex(IPv4Address(0), port), _hex(IPv6Address(0), port)}


def _hex(address: IPv4Address | IPv6Address, port: int) -> str:
    """Return words of 32 bits in the machine's own order, as the kernel prints them."""
    packed = address.packed
    words = (packed[at : at + _WORD_BYTES] for at in range(0, len(packed), _WORD_BYTES))
    text = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return f"{text}:{port:04X}"
