"""Signals of the processes that tests start."""

from __future__ import annotations

import signal


def default_signals() -> None:
    """Of a new process: what `nohup` or a script's `&` ignores for the tests, it hears."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
