"""This side's terminal: its size, raw mode, and putting everything back."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from arborlink.cli.keyboard import STDIN
from arborlink.terminal_modes import read_modes

STDOUT: Final = 1
MAX_TYPED_BYTES: Final = 1_024
DEFAULT_SIZE: Final = (80, 24)


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


def is_shown() -> bool:
    """Whether a person sees what is written to standard output."""
    try:
        return os.isatty(STDOUT)
    except OSError:
        return False


@contextmanager
def raw_mode(restoring: Callable[[], bytes]) -> Iterator[None]:
    """Send every key to the task; afterwards the terminal is as it was, whatever happened.

    `restoring` returns what to write to it then, if standard output is a terminal.
    """
    if not is_interactive():
        try:
            yield
        finally:
            _restore_screen(restoring)
        return
    saved = termios.tcgetattr(STDIN)
    try:
        with _set_and_again_when_continued(tty.setraw):
            yield
    finally:
        _restore_screen(restoring)
        # Answers and releases of keys that are still on their way are for no one any more.
        with suppress(termios.error):
            termios.tcsetattr(STDIN, termios.TCSAFLUSH, saved)


@contextmanager
def key_pressed(keys: bytes) -> Iterator[asyncio.Event]:
    """Yield what is set once one of `keys` is pressed; nothing that is typed is shown meanwhile.

    Without a terminal, or where another command has it, it is never set. Signals are as ever.
    """
    pressed = asyncio.Event()
    if not is_interactive() or os.tcgetpgrp(STDIN) != os.getpgrp():
        yield pressed
        return
    loop = asyncio.get_running_loop()

    def on_typed() -> None:
        try:
            typed = os.read(STDIN, MAX_TYPED_BYTES)
        except OSError:
            typed = b""
        if not typed:
            loop.remove_reader(STDIN)
        elif set(typed) & set(keys):
            pressed.set()

    saved = termios.tcgetattr(STDIN)
    try:
        with _set_and_again_when_continued(tty.setcbreak):
            loop.add_reader(STDIN, on_typed)
            yield pressed
    finally:
        loop.remove_reader(STDIN)
        with suppress(termios.error):
            termios.tcsetattr(STDIN, termios.TCSAFLUSH, saved)


@contextmanager
def _set_and_again_when_continued(mode: Callable[[int, int], object]) -> Iterator[None]:
    """A shell gives a terminal its own settings while a command is stopped, and keeps them."""

    def on_continued(*_: object) -> None:
        with suppress(termios.error):
            mode(STDIN, termios.TCSANOW)

    before = signal.signal(signal.SIGCONT, on_continued)
    try:
        mode(STDIN, termios.TCSANOW)
        yield
    finally:
        signal.signal(signal.SIGCONT, before)


def _restore_screen(restoring: Callable[[], bytes]) -> None:
    if not is_shown():
        return
    data = restoring()
    # The terminal may be gone: then there is nothing to restore.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        while data:
            data = data[os.write(STDOUT, data) :]
