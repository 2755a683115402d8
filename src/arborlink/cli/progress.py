"""How far a long transfer is, on stderr, for a person whose terminal shows nothing else of it."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable
from typing import Final

from arborlink.cli.console import erase_status, show_status
from arborlink.cli.display import size_text

# Before that nobody wonders.
FIRST_SECONDS: Final = 1.0
NEXT_SECONDS: Final = 0.5
STDOUT: Final = 1


class Progress:
    """A line that is written over and over. `total`: how many bytes there are, if that is known.

    `verb`: what happens to the bytes. Nothing is shown unless `wanted`, and stderr is a terminal.
    """

    def __init__(self, total: int | None, verb: str = "", *, wanted: bool = True) -> None:
        self._total = total
        self._verb = verb
        self._done = 0
        self._began = time.monotonic()
        self._next = self._began + FIRST_SECONDS
        self._wanted = wanted and sys.stderr.isatty()
        self._is_there = False

    def advance(self, count: int) -> None:
        """Count `count` bytes more."""
        self._done += count
        now = time.monotonic()
        if not self._wanted or now < self._next:
            return
        self._next = now + NEXT_SECONDS
        self._is_there = True
        speed = size_text(self._done / (now - self._began))
        of = "" if self._total is None else f" of {size_text(self._total)}"
        show_status(f"{self._verb}{size_text(self._done)}{of}, {speed}/s")

    def finish(self) -> None:
        """Take the line away, for good: what comes next is shown in its place."""
        self._wanted = False
        if self._is_there:
            self._is_there = False
            erase_status()


def output_progress(total: int | None) -> Progress:
    """Return that of output which goes to a file. A program may have the screen (less)."""
    return Progress(total, wanted=_stdout_is(stat.S_ISREG))


def input_progress(descriptor: int, *, wanted: bool = True) -> Progress:
    """Return that of input; of a file it is known how much there is."""
    total = None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            total = max(0, status.st_size - os.lseek(descriptor, 0, os.SEEK_CUR))
    except OSError:
        pass
    return Progress(total, "sent ", wanted=wanted)


def may_show_beside_output() -> bool:
    """Whether no program that has the screen reads our output."""
    return not (_stdout_is(stat.S_ISFIFO) or _stdout_is(stat.S_ISSOCK))


def _stdout_is(kind: Callable[[int], bool]) -> bool:
    try:
        return kind(os.fstat(STDOUT).st_mode)
    except OSError:
        return False
