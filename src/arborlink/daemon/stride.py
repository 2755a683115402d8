"""How much output goes in a frame: little on a slow line, for a heartbeat waits behind it. Pure."""

from __future__ import annotations

from typing import Final

LEAST_BYTES: Final = 16 * 1024
MOST_BYTES: Final = 256 * 1024
# A frame that took longer is too long; one that took less may be twice as long.
TOO_LONG_SECONDS: Final = 0.1
SHORT_SECONDS: Final = 0.02


class Stride:
    """Of one connection, which begins as if it were slow."""

    def __init__(self) -> None:
        self.size = LEAST_BYTES

    def took(self, size: int, seconds: float) -> None:
        """A frame of `size` bytes was sent; it took so long until there was room for another."""
        if seconds > TOO_LONG_SECONDS:
            self.size = max(LEAST_BYTES, self.size // 2)
        elif seconds < SHORT_SECONDS and size >= self.size:
            self.size = min(MOST_BYTES, self.size * 2)
