"""Reads what nobody wants any more, so that a background process does not die of SIGPIPE."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from arborlink.daemon.loop import READ, Loop

# Beyond this many the oldest is closed: its writer then learns that nobody listens.
MAX_DESCRIPTORS: Final = 64
_BUFFER: Final = memoryview(bytearray(64 * 1024))


class Discarder:
    """Owns the descriptors that were given to it, until their end."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._fds: dict[int, None] = {}

    def add(self, fds: list[int]) -> None:
        """Take over descriptors that do not block."""
        for fd in fds:
            self._fds[fd] = None
            self._loop.watch(fd, READ, self._reader(fd))
        while len(self._fds) > MAX_DESCRIPTORS:
            self._close(next(iter(self._fds)))

    def _reader(self, fd: int) -> Callable[[], None]:
        return lambda: self._read(fd)

    def _read(self, fd: int) -> None:
        try:
            count = os.readv(fd, [_BUFFER])
        except BlockingIOError:
            return
        except OSError:  # EIO: the end of a terminal
            count = 0
        if not count:
            self._close(fd)

    def _close(self, fd: int) -> None:
        del self._fds[fd]
        self._loop.unwatch(fd)
        os.close(fd)
