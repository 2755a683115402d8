"""This side's terminal: its size, raw mode, and putting everything back."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from arborlink.cli.keyboard import STDIN
from arborlink.terminal_modes import read_modes

STDOUT: Final = 1
DEFAULT_SIZE: Final = (80, 24)
DETACH_KEY: Final = b"\x1d"  # Ctrl-]
ENTER_SCREEN: Final = b"\x1b[?1049h"
LEAVE_SCREEN: Final = b"\x1b[?1049l"
# Bracketed paste, mouse reports and colours off, cursor visible: what a program that was left
# running may have set.
RESET: Final = b"\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?25h\x1b[0m"


def is_interactive() -> bool:
    """Whether a person sits at standard input."""
    try:
        return os.isatty(STDIN)
    except OSError:
        return False


def size() -> tuple[int, int]:
    """Columns and rows of whichever standard stream is a terminal."""
    for descriptor in (STDOUT, STDIN, 2):
        try:
            columns, rows = os.get_terminal_size(descriptor)
        except OSError:
            continue
        if columns > 0 and rows > 0:
            return columns, rows
    return DEFAULT_SIZE


def modes() -> dict[str, int]:
    """Settings of the line of our terminal, before it is made raw; none if there is no terminal."""
    try:
        return read_modes(STDIN)
    except OSError:
        return {}


class Screen:
    """Remembers whether the program on it has switched to the alternate screen."""

    def __init__(self) -> None:
        self._alternate = False

    def saw(self, data: bytes) -> None:
        """These bytes were shown."""
        entered, left = data.rfind(ENTER_SCREEN), data.rfind(LEAVE_SCREEN)
        if entered != left:
            self._alternate = entered > left

    def restoring(self) -> bytes:
        """What puts the terminal back."""
        return (LEAVE_SCREEN if self._alternate else b"") + RESET


@contextmanager
def raw_mode(screen: Screen) -> Iterator[None]:
    """Every key goes to the task; afterwards the terminal is as it was, whatever happened."""
    if not is_interactive():
        yield
        return
    saved = termios.tcgetattr(STDIN)
    try:
        tty.setraw(STDIN, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSANOW, saved)
        if os.isatty(STDOUT):
            sys.stdout.flush()
            os.write(STDOUT, screen.restoring())
