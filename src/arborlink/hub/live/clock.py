"""The hub's wall clock and identifiers, for what is stored and shown; deadlines are monotonic."""

from __future__ import annotations

from typing import Final

from arborlink.hub.access.environment import Environment
from arborlink.protocol.ids import Kind

_SYSTEM: Final = Environment()


def now_us() -> int:
    """µs since 1970."""
    return _SYSTEM.unix_us()


def new_id(kind: Kind) -> str:
    """A fresh identifier."""
    return _SYSTEM.new_id(kind)
