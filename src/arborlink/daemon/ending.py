"""End a whole tree of processes: SIGTERM, a grace period, SIGKILL until none is left (rule 7)."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection
from typing import Final

from arborlink.daemon import processes
from arborlink.daemon.loop import Loop, Timer

POLL_FIRST_SECONDS: Final = 0.005
POLL_MOST_SECONDS: Final = 0.1
# A process in uninterruptible sleep cannot be ended; it is named, not awaited.
KILL_SECONDS: Final = 10.0


class TreeEnding:
    """Runs by itself from the beginning, and calls `on_gone` with the number that would not die."""

    def __init__(
        self,
        loop: Loop,
        tree: processes.Tree,
        *,
        grace_seconds: float,
        spare: Callable[[], Collection[int]],
        on_gone: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._tree = tree
        self._spare = spare
        self._on_gone = on_gone
        self._kill_at = loop.now() + grace_seconds
        self._poll = POLL_FIRST_SECONDS
        self._timer: Timer | None = None
        self.is_gone = False
        if grace_seconds > 0:
            self._signal(signal.SIGTERM)
        self._look()

    def hurry(self, grace_seconds: float) -> None:
        """A further request may shorten the grace period, never lengthen it."""
        self._kill_at = min(self._kill_at, self._loop.now() + grace_seconds)
        self.look()

    def look(self) -> None:
        """Somebody has died: see whether that was the last one."""
        if self._timer is not None:
            self._timer.cancel()
            self._look()

    def _look(self) -> None:
        self._timer = None
        if self.is_gone:
            return
        now = self._loop.now()
        left = self._signal(signal.SIGKILL if now >= self._kill_at else 0)
        if left == 0 or now >= self._kill_at + KILL_SECONDS:
            self.is_gone = True
            self._on_gone(left)
            return
        self._poll = min(POLL_MOST_SECONDS, self._poll * 2)
        wait = self._poll if now >= self._kill_at else min(self._poll, self._kill_at - now)
        self._timer = self._loop.call_later(wait, self._look)

    def _signal(self, number: int) -> int:
        if number == 0:
            return len(processes.members(self._tree, spare=self._spare()))
        return processes.signal_all(self._tree, number, spare=self._spare())
