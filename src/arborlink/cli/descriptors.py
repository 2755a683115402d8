"""Standard input, output and error of a process that was started without them (`>&-`, cron, init).

The lowest number that is free goes to the next file or socket that is opened. Were it 0, 1 or 2,
what is meant for a person would be written into that file, and a child would inherit it.
"""

from __future__ import annotations

import os
import sys
from typing import Final

NAMES: Final = ("stdin", "stdout", "stderr")


def open_missing() -> None:
    """Open `/dev/null` where a standard descriptor is closed; call it before anything is opened."""
    for number, name in enumerate(NAMES):
        try:
            os.fstat(number)
        except OSError:
            # The numbers below are in use by now, so this is the lowest that is free.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        # Python has none for a descriptor that was closed when it started.
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))
