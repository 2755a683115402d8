"""One thread that waits for descriptors and for times, and calls back. Knows nothing of tasks."""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable
from typing import Final

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE

Callback = Callable[[], None]


class Timer:
    """A call that is due at a time, unless it is cancelled."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callback) -> None:
        self.when = when
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Do not call; a second time, or after the call, does nothing."""
        self.callback = None


class Loop:
    """Descriptors and timers. `turn` is one round: wait, then call everything that is due."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.now = clock
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def watch(self, fd: int, events: int, callback: Callback) -> None:
        """Call `callback` whenever `fd` is ready; replaces what was asked for before."""
        try:
            self._selector.modify(fd, events, callback)
        except KeyError:
            self._selector.register(fd, events, callback)

    def unwatch(self, fd: int) -> None:
        """Forget `fd`; nothing happens if it is not watched. Before it is closed."""
        try:
            self._selector.unregister(fd)
        except KeyError:
            return

    def call_at(self, when: float, callback: Callback) -> Timer:
        """Call once at `when`, in seconds of the loop's clock."""
        timer = Timer(when, callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        """Call once after so many seconds."""
        return self.call_at(self.now() + seconds, callback)

    def turn(self) -> None:
        """Wait until something is due, and call it."""
        for key, _ in self._selector.select(self._patience()):
            # An earlier callback of this turn may have given the descriptor up.
            current = self._selector.get_map().get(key.fd)
            if current is not None and current.data is key.data:
                key.data()
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()

    def close(self) -> None:
        """Give the selector back; the descriptors are their owners'."""
        self._selector.close()

    def _patience(self) -> float | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - self.now())
