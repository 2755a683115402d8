"""Pseudo-terminals: one is opened, sized, and told that its input is over."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from typing import Final

from arborlink.protocol.resources import TerminalSize

_VEOF_DEFAULT: Final = b"\x04"


def open_terminal(size: TerminalSize) -> tuple[int, int, str]:
    """A master, a slave, and the slave's path, through which a new session makes it its own.

    Raises:
        OSError: the system has no more terminals.
    """
    master, slave = os.openpty()
    try:
        resize(master, size.cols, size.rows)
        os.set_blocking(master, False)
        return master, slave, os.ttyname(slave)
    except OSError:
        os.close(master)
        os.close(slave)
        raise


def resize(master: int, cols: int, rows: int) -> None:
    """Set the size in characters; the foreground processes get SIGWINCH.

    Raises:
        OSError: the terminal is gone.
    """
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def end_of_input(master: int) -> bytes:
    """What to type for the end of input: the terminal's VEOF character."""
    try:
        character = termios.tcgetattr(master)[6][termios.VEOF]
    except termios.error:
        return _VEOF_DEFAULT
    return character if isinstance(character, bytes) else bytes([character])
