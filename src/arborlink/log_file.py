"""A log file of bounded size that several processes append to.

A daemon's supervisor and connector share one. A line is one `write` to a descriptor with O_APPEND,
so that lines of two processes never mix (POSIX write(2)). The process that fills the file renames
it, under the file's own lock; the others see another inode at the path, and open that.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from arborlink.private_files import make_folder
from arborlink.protocol.limits import KIB, MIB

# The variable that has a hub or daemon write its log there, and not to stderr.
LOG_FILE: Final = "ARBOR_LOG_FILE"
MAX_BYTES: Final = 4 * MIB
MAX_LINE_BYTES: Final = 64 * KIB
# `hub.log.1` is the newest of them.
OLDER_FILES: Final = 2
OWNER_ONLY: Final = 0o600
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class LogFile:
    """Appends lines to `path`; at most `max_bytes` of them, and as many in each older file."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._descriptor: int | None = None

    def open(self) -> None:
        """Open the file, and its folder with it, for this user alone.

        Raises:
            OSError: it cannot be written.
        """
        self.close()
        make_folder(self.path.parent)
        self._descriptor = os.open(self.path, _FLAGS, OWNER_ONLY)

    def write(self, line: str) -> None:
        """Append `line`, cut to MAX_LINE_BYTES.

        Raises:
            OSError: it cannot be written.
        """
        data = line.encode("utf-8", "replace")[: MAX_LINE_BYTES - 1] + b"\n"
        if self._descriptor is None or not self._is_at_path(self._descriptor):
            self.open()
        if self._size() + len(data) > self._max_bytes:
            self._rotate()
        # Another process is stopped while it holds the lock: the file may become twice as large.
        if self._size() + len(data) <= 2 * self._max_bytes and self._descriptor is not None:
            os.write(self._descriptor, data)

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _size(self) -> int:
        return 0 if self._descriptor is None else os.fstat(self._descriptor).st_size

    def _is_at_path(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        assert self._descriptor is not None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another process is doing it
        # It may have been done between our look at the path and the lock.
        if self._is_at_path(self._descriptor):
            for number in range(OLDER_FILES, 0, -1):
                newer = self._older(number - 1)
                with suppress(FileNotFoundError):
                    newer.rename(self._older(number))
        self.open()

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path
