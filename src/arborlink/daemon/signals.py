"""Signals as something a loop can wait for, and what a started process gets of them.

For the main thread.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Final

from arborlink.daemon.loop import READ, Loop
from arborlink.stop_signals import stop_signals

CHILD: Final = signal.SIGCHLD
# A signal that is ignored stays ignored through exec (execve(2)), and a daemon inherits some: a
# shell without job control starts `arbor daemon &` with SIGINT and SIGQUIT ignored, and Python
# ignores SIGPIPE and SIGXFSZ. What a daemon starts has all of them reset; SIGKILL and SIGSTOP
# cannot be ignored.
RESET: Final = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
_READ_BYTES: Final = 4096


class Signals:
    """Calls `on_child` when some child has died, and `on_stop` for each request to stop."""

    def __init__(
        self, loop: Loop, *, on_child: Callable[[], None], on_stop: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._on_child = on_child
        self._on_stop = on_stop
        self._read_fd, self._write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        self._stop = stop_signals()
        for number in (CHILD, *self._stop):
            signal.signal(number, _noted)
        # A mask is inherited through exec, too, and a blocked signal never arrives.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (CHILD, *self._stop))
        loop.watch(self._read_fd, READ, self._on_ready)

    def close(self) -> None:
        """Give the descriptors back; the handlers stay, for the process is about to end."""
        signal.set_wakeup_fd(-1)
        self._loop.unwatch(self._read_fd)
        os.close(self._read_fd)
        os.close(self._write_fd)

    def _on_ready(self) -> None:
        numbers = os.read(self._read_fd, _READ_BYTES)
        if CHILD in numbers:
            self._on_child()
        for number in numbers:
            if number in self._stop:
                self._on_stop()


def _noted(_number: int, _frame: object) -> None:
    """The wake-up descriptor has it."""
