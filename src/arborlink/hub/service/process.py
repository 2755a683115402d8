"""What the operating system says of this process and its disk; None where it does not say."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from arborlink.protocol.figures import DiskSpace

DESCRIPTOR_FOLDER: Final = "/dev/fd"
MEMORY_FILE: Final = "/proc/self/statm"
PAGE_BYTES: Final = resource.getpagesize()
# `st_blocks` counts these, whatever the file system's own blocks are (POSIX leaves it open; every
# system that Arbor runs on does so).
BLOCK_BYTES: Final = 512
# The data folder may hold a hundred thousand files: it is looked through at most this often, and
# never for more than a hundredth of the time.
MIN_SCAN_SECONDS: Final = 60.0
SCAN_TIME_FACTOR: Final = 100.0


def memory_bytes() -> int | None:
    """Memory that is really there for this process (resident set)."""
    try:
        with open(MEMORY_FILE, encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE_BYTES
    except OSError:
        return None


def descriptors() -> int | None:
    """Open file descriptors."""
    try:
        # Linux tells the number without a list (since 6.2).
        return os.stat(DESCRIPTOR_FOLDER).st_size or len(os.listdir(DESCRIPTOR_FOLDER)) - 1
    except OSError as error:
        # Not even one is left to look with: all that there may be are open.
        return descriptor_limit() if error.errno == errno.EMFILE else None


def descriptor_limit() -> int | None:
    """How many descriptors there may be; None without a limit."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


class Disk:
    """The disk below a folder. Costs nothing while nobody asks."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._data_bytes: int | None = None
        self._scan_at = clock()
        self._scanning = False

    async def space(self) -> DiskSpace:
        """Room as of now; what the folder takes may be a minute old.

        Raises:
            OSError: the folder is gone.
        """
        if not self._scanning and self._clock() >= self._scan_at:
            await self._scan()
        usage = await asyncio.to_thread(shutil.disk_usage, self._folder)
        return DiskSpace(
            free_bytes=usage.free, total_bytes=usage.total, data_bytes=self._data_bytes
        )

    async def _scan(self) -> None:
        self._scanning = True
        began = self._clock()
        try:
            self._data_bytes = await asyncio.to_thread(taken_bytes, self._folder)
        finally:
            self._scanning = False
            took = self._clock() - began
            self._scan_at = began + max(MIN_SCAN_SECONDS, SCAN_TIME_FACTOR * took)


def taken_bytes(folder: str | Path) -> int:
    """What a folder's files take on the disk; what vanishes meanwhile does not count."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += taken_bytes(entry.path)
                else:
                    total += _taken(entry)
    except FileNotFoundError:
        return total
    return total


def _taken(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
    except FileNotFoundError:
        return 0
