"""Lock files and process ids, by which a command sees whether a hub, daemon or `arbor up` runs."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def is_locked(file: Path) -> bool:
    """Return whether a process holds this lock file; if none does, it is held for an instant."""
    try:
        with file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def read_pid(file: Path) -> int | None:
    """Return the process id that a file holds; None if it holds none."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def is_alive(pid: int) -> bool:
    """Return whether a process with this id runs; one that has ended and was not collected by its
    parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return process_state(pid) not in ("Z", "X")


def process_state(pid: int) -> str | None:
    """Return the state of a process as proc(5) names it: `T` is stopped, `Z` has ended; None where
    that cannot be read."""
    try:
        # The name before it, in parentheses, may hold anything.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2][:1] or None
    except OSError:
        return None
