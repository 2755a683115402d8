"""The disk's last bytes are not for output: below a reserve the hub takes nothing new.

What it has accepted it keeps: daemons hold their spools while they are given no credit, and go on
by themselves once there is room again.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from arborlink.protocol.errors import ArborError, StorageLow

LOOK_SECONDS: Final = 1.0
# Room has come back when there is so much more than the reserve; else it would come and go.
RECOVERY_FACTOR: Final = 1.25

logger = logging.getLogger(__name__)


def free_bytes(folder: Path) -> int:
    """What the disk below a folder has left for us."""
    return shutil.disk_usage(folder).free


class Reserve:
    """Whether there is room. `on_change` is called when that is another than before."""

    def __init__(
        self, folder: Path, needed_bytes: int, *, free: Callable[[Path], int] = free_bytes
    ) -> None:
        self.on_change: Callable[[], Awaitable[None]] = _nobody
        self.reason: str | None = None
        self._folder = folder
        self._needed = needed_bytes
        self.free = free

    @property
    def is_low(self) -> bool:
        """Whether there is none."""
        return self.reason is not None

    def check(self) -> None:
        """Let what is new pass only while there is room.

        Raises:
            StorageLow: there is none.
        """
        if self.reason is not None:
            raise StorageLow(f"The hub takes nothing new: {self.reason}. Retry when it has room.")

    async def look(self) -> None:
        """See how much there is now."""
        try:
            free = await asyncio.to_thread(self.free, self._folder)
        except OSError as error:
            await self._become(f"the hub's disk cannot be looked at: {error.strerror}")
            return
        enough = self._needed * (RECOVERY_FACTOR if self.is_low else 1.0)
        await self._become(
            None
            if free >= enough
            else f"the hub's disk has {free} bytes free, of which {self._needed} are a reserve"
        )

    async def watch_for_ever(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except ArborError as error:
                # What waits is handed over by the next one that ends, or comes.
                logger.error("waiting tasks could not be handed over: %s", error)

    async def _become(self, reason: str | None) -> None:
        changed = (reason is None) is self.is_low
        self.reason = reason
        if not changed:
            return
        if reason is None:
            logger.warning("there is room on the disk again")
        else:
            # The folder is for the log alone: members and strangers are told the reason, too.
            logger.error("nothing new is taken: %s (%s)", reason, self._folder)
        await self.on_change()


async def _nobody() -> None:
    """Nobody wants to know."""
