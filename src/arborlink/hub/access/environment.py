"""Time and randomness as parameters, so that tests control both."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from arborlink.protocol.ids import RANDOM_BYTES, Kind, make_id

SECOND_US: Final = 1_000_000


def _unix_us() -> int:
    return time.time_ns() // 1_000


class Environment(Struct, frozen=True, kw_only=True):
    """`unix_us`: µs since 1970; `monotonic`: seconds; `random_bytes`: as many as asked for."""

    unix_us: Callable[[], int] = _unix_us
    monotonic: Callable[[], float] = time.monotonic
    random_bytes: Callable[[int], bytes] = secrets.token_bytes

    def new_id(self, kind: Kind) -> str:
        """Return a new identifier of this kind."""
        return make_id(kind, self.unix_us() // 1_000, self.random_bytes(RANDOM_BYTES))

    def after(self, seconds: float) -> int:
        """Return the moment `seconds` from now, in µs since 1970."""
        return self.unix_us() + round(seconds * SECOND_US)
