"""Pseudo-terminals: one is opened, sized, and told that its input is over."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
from typing import Final

from arborlink.protocol.resources import Terminal
from arborlink.terminal_modes import apply_modes, read_modes

_CTRL_D: Final = 4
_OFF: Final = 255


def open_terminal(wanted: Terminal) -> tuple[int, int, str]:
    """A master, a slave, and the slave's path, through which a new session makes it its own.

    Raises:
        OSError: the system has no more terminals.
    """
    master, slave = os.openpty()
    try:
        resize(master, wanted.cols, wanted.rows)
        apply_modes(slave, {"IUTF8": 1, **wanted.modes})
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


def has_unread_input(path: str) -> bool:
    """Whether a program that reads from the terminal now would find something, if only an end.

    Raises:
        OSError: the terminal is gone.
    """
    # Opened for a moment: while it is open, its master never sees that all programs have left.
    slave = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        poll = select.poll()
        poll.register(slave, select.POLLIN)
        return bool(poll.poll(0))
    finally:
        os.close(slave)


def reads_lines(master: int) -> bool:
    """Whether the kernel edits lines, so that VEOF is the end of the input and not a key.

    Raises:
        OSError: the terminal is gone.
    """
    return bool(read_modes(master)["ICANON"])


def type_end(master: int) -> None:
    """Type VEOF; a terminal without one that reads lines gets Ctrl-D.

    Raises:
        OSError: the terminal is gone, or takes nothing now.
    """
    modes = read_modes(master)
    key = modes["VEOF"]
    if key == _OFF:
        key = _CTRL_D
        if modes["ICANON"]:
            apply_modes(master, {"VEOF": key})
    os.write(master, bytes([key]))
