"""Standard input as it comes: a pipe, a file or a terminal."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import select
import stat
import threading
from collections.abc import Awaitable, Callable
from typing import Final

from arborlink.protocol.errors import ArborError

STDIN: Final = 0
READ_BYTES: Final = 64 * 1024


def has_input() -> bool:
    """Return whether standard input is something to pass on: no terminal, and not `/dev/null`."""
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
    non-blocking would do so for every process that shares it. The next piece is read when `take`
    has returned True, which passes the back-pressure on. `on_failure` is called in the event loop
    when standard input cannot be read: its end is not known then.
    """

    def __init__(
        self, take: Callable[[bytes], Awaitable[bool]], on_failure: Callable[[OSError], None]
    ) -> None:
        self._take = take
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="stdin", daemon=True)
        self._start = _position()
        # Held while a file is read, so that what was taken is known when `stop` returns.
        self._reading = threading.Lock()
        self._stopped = False
        self._taken = 0

    @property
    def is_file(self) -> bool:
        """Whether what was taken can be given back."""
        return self._start is not None

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more. A read of a pipe that another process has emptied may still wait."""
        if self._start is None:
            self._stopped = True
            return
        with self._reading:
            self._stopped = True

    def give_back(self, read: int) -> int:
        """Let the next reader of a file go on after the first `read` bytes; call `stop` before.

        Returns:
            How many bytes were taken beyond those and could not be given back.
        """
        unread = self._taken - read
        if unread <= 0:
            return 0
        # Elsewhere another process has read it, too: whose bytes these are is not known.
        if self._start is None or _position() != self._start + self._taken:
            return unread
        os.lseek(STDIN, self._start + read, os.SEEK_SET)
        return 0

    def _work(self) -> None:
        try:
            while self._hand_over(data := self._read()) and data:
                pass
        except OSError as error:
            self._report(error)
        except (RuntimeError, ArborError):
            # The event loop was closed, or the task takes no more input.
            return

    def _read(self) -> bytes:
        """Return the next piece.

        Raises:
            OSError: standard input cannot be read.
        """
        while True:
            # One that another process made non-blocking has nothing at times, which is no end.
            _wait_readable()
            try:
                if self._start is None:
                    return self._read_now()
                with self._reading:
                    return self._read_now()
            except BlockingIOError:
                continue

    def _read_now(self) -> bytes:
        data = b"" if self._stopped else os.read(STDIN, READ_BYTES)
        self._taken += len(data)
        return data

    def _hand_over(self, data: bytes) -> bool:
        if self._stopped:
            return False

        async def taking() -> bool:
            return await self._take(data)

        coroutine = taking()
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
        except RuntimeError:
            coroutine.close()
            raise
        except (asyncio.CancelledError, concurrent.futures.CancelledError):
            # The command ends. The two are different classes.
            return False

    def _report(self, error: OSError) -> None:
        try:
            self._loop.call_soon_threadsafe(self._on_failure, error)
        except RuntimeError:
            return


def _position() -> int | None:
    """Where the next byte of standard input is read in its file; None if it cannot be sought."""
    try:
        if stat.S_ISREG(os.fstat(STDIN).st_mode):
            return os.lseek(STDIN, 0, os.SEEK_CUR)
    except OSError:
        pass
    return None


def _wait_readable() -> None:
    poll = select.poll()
    poll.register(STDIN, select.POLLIN)
    poll.poll()
