"""What all spools of a daemon may take together: a number of bytes, a share of the disk, a reserve.

When it is used up every task does what it was asked to do when its own spool is full. A little is
everybody's in any case (`Spool`), so that output goes on to a hub that takes it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from arborlink.daemon.loop import Loop, Timer
from arborlink.protocol import limits

SPOOL_BYTES: Final = 1 * limits.GIB
MIN_FREE_BYTES: Final = 512 * limits.MIB
# Of what the disk would have free without any spool.
DISK_SHARE: Final = 0.1
# Between two looks at the disk, what the spools themselves do is known.
LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Sizes in bytes: of all spools together, and what they leave free on the disk."""

    total: int = SPOOL_BYTES
    min_free: int = MIN_FREE_BYTES


def free_bytes(folder: Path) -> int:
    """What the disk below a folder has left for us."""
    return shutil.disk_usage(folder).free


class Budget:
    """`used`: what all spools hold. Whoever had to wait for room is called when there may be."""

    def __init__(
        self,
        loop: Loop,
        folder: Path,
        limits: Callable[[], SpoolLimits] = SpoolLimits,
        *,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self.used = 0
        self._loop = loop
        self._folder = folder
        self._read_limits = limits
        self._read_free = free
        self._looked = float("-inf")
        self._limits = SpoolLimits()
        self._free = 0
        self._used_then = 0
        self._waiting: list[Callable[[], None]] = []
        self._timer: Timer | None = None

    def change(self, difference: int) -> None:
        """A spool holds so much more, or less."""
        self.used += difference
        if difference < 0 and self._waiting:
            self._call_at(self._loop.now())

    def room(self) -> int:
        """How many bytes more all spools may hold; negative if they hold too many."""
        if self._loop.now() - self._looked >= LOOK_SECONDS:
            self._look()
        free = self._free - (self.used - self._used_then)
        total = min(self._limits.total, int(DISK_SHARE * (free + self.used)))
        return min(total - self.used, free - self._limits.min_free)

    def wait(self, callback: Callable[[], None]) -> None:
        """Call once when there may be room: a spool holds less, or others have made some."""
        if callback not in self._waiting:
            self._waiting.append(callback)
        if self._timer is None:
            self._call_at(self._loop.now() + LOOK_SECONDS)

    def _look(self) -> None:
        self._looked = self._loop.now()
        self._limits = self._read_limits()
        self._used_then = self.used
        try:
            self._free = self._read_free(self._folder)
        except OSError:
            self._free = 0

    def _call_at(self, when: float) -> None:
        if self._timer is not None:
            if self._timer.when <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._call)

    def _call(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()
