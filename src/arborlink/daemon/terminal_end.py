"""The end of the input of a terminal, for every program that reads from it.

The end of a pipe stays: a program that reads later finds it again. VEOF is a key that is used up
(termios(3)): one passes on what was typed of a line, the next one is an end for one reader, and one
that was typed before a program turned line editing off is no end any more. So it is typed anew
whenever the last one was read and something still runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from arborlink.daemon import terminal
from arborlink.daemon.loop import Loop, Timer

FIRST_SECONDS: Final = 0.02
MOST_SECONDS: Final = 1.0
# To a program that reads keys it is one key of many: a prompt ends at the first, an editor never.
MOST_KEYS: Final = 12


class TerminalEnd:
    """Types the end until `close`. `on_lost` is called when the terminal is gone."""

    def __init__(self, loop: Loop, master: int, path: str, on_lost: Callable[[], None]) -> None:
        self._loop = loop
        self._master = master
        self._path = path
        self._on_lost = on_lost
        self._keys = 0
        self._delay = FIRST_SECONDS
        self._timer: Timer = loop.call_later(self._delay, self._look)

    def close(self) -> None:
        """Type no more."""
        self._timer.cancel()

    def _look(self) -> None:
        self._delay = min(MOST_SECONDS, self._delay * 2)
        self._timer = self._loop.call_later(self._delay, self._look)
        try:
            if not terminal.has_unread_input(self._path):
                self._type()
        except BlockingIOError:
            return
        except OSError:  # EIO: it was hung up
            self._timer.cancel()
            self._on_lost()

    def _type(self) -> None:
        if terminal.reads_lines(self._master):
            self._keys = 0
        elif self._keys == MOST_KEYS:
            return
        else:
            self._keys += 1
        terminal.type_end(self._master)
