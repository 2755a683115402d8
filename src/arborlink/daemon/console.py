"""Lines for whoever watches the daemon: short, on stderr, with ids but never bodies or secrets."""

from __future__ import annotations

import os
import sys

_LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}


def say(text: str, *, level: str = "info") -> None:
    """Write a line, unless `ARBOR_LOG_LEVEL` asks for less."""
    least = _LEVELS.get(os.environ.get("ARBOR_LOG_LEVEL", "info").lower(), 1)
    if _LEVELS[level] < least:
        return
    try:
        sys.stderr.write(f"arbor: {text}\n")
        sys.stderr.flush()
    except OSError:
        return  # nobody watches any more
