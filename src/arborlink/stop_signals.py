"""Which signals ask a long-lived process to stop."""

from __future__ import annotations

import signal
from typing import Final

_ALL: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that ask this process to stop, as it was started.

    `nohup` starts a program with SIGHUP ignored for one purpose: it goes on when its terminal is
    closed. SIGINT is handled even so: a shell without job control ignores it for everything that it
    starts with `&`, which says nothing about what its user wants.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return tuple(number for number in _ALL if number is not signal.SIGHUP)
    return _ALL
