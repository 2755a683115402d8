"""From a command's pipes or terminal into its spool; knows when output is over (rule 6).

Over is: end of file, or after the exit 300 ms without a byte, at most 5 s. These clocks stand
still while nothing is read because the spool or the disk is full: bytes in a pipe are not lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from arborlink.daemon.loop import READ, Loop, Timer
from arborlink.daemon.spool import Spool

READ_BYTES: Final = 512 * 1024
QUIET_SECONDS: Final = 0.3
DRAIN_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 0.5
# Before a terminal is resized; a kernel's buffer of one holds less than so many reads give.
WAITING_READS: Final = 16
_MICROSECONDS: Final = 1_000_000

# One for all tasks: there is one thread, and nothing is kept in it between two reads.
_BUFFER: Final = memoryview(bytearray(READ_BYTES))


class OutputPump:
    """Reads until the output is over, then calls `on_over` once.

    `on_full` is called when the spool is full and the policy is not to wait. `held`: when it was
    over, somebody still had the other end open; `take_held` hands those descriptors on.
    """

    def __init__(
        self,
        loop: Loop,
        spool: Spool,
        outputs: tuple[tuple[int, bool], ...],
        *,
        on_grown: Callable[[], None],
        on_full: Callable[[], None],
        on_over: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._spool = spool
        self._open = dict(outputs)
        self._on_grown = on_grown
        self._on_full = on_full
        self._on_over = on_over
        self._started = loop.now()
        self._unstored: tuple[bytes, bool, int] | None = None
        self._paused = False
        self._retry: Timer | None = None
        self._exited = False
        self._is_over = False
        self._quiet: Timer | None = None
        self._budget = DRAIN_SECONDS
        self._counting_since: float | None = None
        spool.on_relief = self.resume
        self._watch()

    @property
    def is_over(self) -> bool:
        """Whether `on_over` has been called."""
        return self._is_over

    @property
    def held(self) -> bool:
        """Whether some descriptor is still open at its other end, as far as is known."""
        return bool(self._open)

    def take_held(self) -> list[int]:
        """Give away the descriptors that are still open."""
        fds = list(self._open)
        self._open.clear()
        return fds

    def time_us(self) -> int:
        """Return the time since the task's start, in µs."""
        return int((self._loop.now() - self._started) * _MICROSECONDS)

    def exited(self) -> None:
        """The command has exited: from now on silence means that it is over."""
        self._exited = True
        self._spool.allow_leftovers()
        self.resume()
        self._count()
        self._check_over()

    def resume(self) -> None:
        """There may be room again."""
        if not self._paused or self._is_over:
            return
        if self._unstored is not None and not self._store_again():
            return
        if self._spool.make_room() and not self._spool.must_wait:
            self._paused = False
            self._watch()
            self._count()
            self._check_over()

    def read_waiting(self) -> None:
        """Read what lies in the pipes or the terminal now, up to a bound; nothing while paused.

        A terminal hands out at most a page at a read.
        """
        for _ in range(WAITING_READS):
            before = self._spool.end
            for fd in tuple(self._open):
                if not self._paused:
                    self._read(fd)
            if self._spool.end == before:
                return

    def _watch(self) -> None:
        for fd in self._open:
            self._loop.watch(fd, READ, self._reader(fd))

    def _reader(self, fd: int) -> Callable[[], None]:
        return lambda: self._read(fd)

    def _read(self, fd: int) -> None:
        room = self._spool.make_room()
        if room and self._spool.must_wait:
            self._pause()
            return
        if not room:
            self._pause()
            if self._spool.policy == "kill":
                self._on_full()
            return
        try:
            count = os.readv(fd, [_BUFFER[: min(room, READ_BYTES)]])
        except BlockingIOError:
            return
        except OSError:  # EIO: the last slave of a terminal was closed
            count = 0
        if count:
            self._store(_BUFFER[:count], self._open[fd], self.time_us())
            self._count()
        else:
            self._loop.unwatch(fd)
            del self._open[fd]
            os.close(fd)
            self._check_over()

    def _store(self, data: memoryview, is_error: bool, time_us: int) -> None:
        try:
            self._spool.write(data, is_error=is_error, time_us=time_us)
        except OSError:
            self._unstored = (bytes(data), is_error, time_us)
            self._pause()
            self._retry = self._loop.call_later(RETRY_SECONDS, self.resume)
            return
        self._on_grown()

    def _store_again(self) -> bool:
        assert self._unstored is not None
        if self._retry is not None:
            self._retry.cancel()
        (data, is_error, time_us), self._unstored = self._unstored, None
        self._store(memoryview(data), is_error, time_us)
        return self._unstored is None

    def _pause(self) -> None:
        """Stop reading; the pipe fills, and then the command waits in its write."""
        self._paused = True
        for fd in self._open:
            self._loop.unwatch(fd)
        if self._quiet is not None:
            self._quiet.cancel()
        if self._counting_since is not None:
            self._budget -= self._loop.now() - self._counting_since
            self._counting_since = None

    def _count(self) -> None:
        """Start the silence anew, within what is left of the budget."""
        if not self._exited or self._paused or self._is_over:
            return
        now = self._loop.now()
        if self._counting_since is None:
            self._counting_since = now
        if self._quiet is not None:
            self._quiet.cancel()
        left = self._budget - (now - self._counting_since)
        self._quiet = self._loop.call_later(max(0.0, min(QUIET_SECONDS, left)), self._over)

    def _check_over(self) -> None:
        if not self._open and self._exited and self._unstored is None:
            self._over()

    def _over(self) -> None:
        if self._is_over or self._unstored is not None:
            return
        self._is_over = True
        for fd in self._open:
            self._loop.unwatch(fd)
        for timer in (self._quiet, self._retry):
            if timer is not None:
                timer.cancel()
        self._on_over()
