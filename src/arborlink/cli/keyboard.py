"""Standard input as it comes: a pipe, a file or a terminal."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Awaitable, Callable
from typing import Final

from arborlink.protocol.errors import ArborError

STDIN: Final = 0
READ_BYTES: Final = 64 * 1024


def has_input() -> bool:
    """Whether standard input is something to pass on: not closed, not a terminal, not nothing."""
    try:
        status = os.fstat(STDIN)
    except OSError:
        return False
    return not os.isatty(STDIN) and not _is_null_device(status)


def _is_null_device(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.stat(os.devnull).st_rdev


class Keyboard:
    """Reads standard input in a thread and hands each piece to `take`; `b""` is its end.

    A thread, because a regular file cannot be polled, and because making standard input
    non-blocking would do so for everybody who shares it. The next piece is read when `take` has
    returned, which passes the back-pressure on.
    """

    def __init__(self, take: Callable[[bytes], Awaitable[bool]]) -> None:
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._read, name="stdin", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def _read(self) -> None:
        data = b"?"
        try:
            while data:
                data = os.read(STDIN, READ_BYTES)
                if not self._hand_over(data):
                    return
        except (OSError, RuntimeError, ArborError):
            # The terminal went away, the loop was closed, or the task takes no more input:
            # either way there is nobody to read for.
            return

    def _hand_over(self, data: bytes) -> bool:
        async def taking() -> bool:
            return await self._take(data)

        coroutine = taking()
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
        except RuntimeError:
            coroutine.close()
            raise
        except asyncio.CancelledError:
            return False
