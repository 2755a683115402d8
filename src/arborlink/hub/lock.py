"""Who holds a data folder: one hub, or whoever restores a backup into it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from arborlink.protocol.errors import Conflict

PID_FILE: Final = "hub.pid"


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data folder: two hubs on one would each believe they own it.

    Raises:
        Conflict: another process holds it.
    """
    # A link by that name would have another file emptied.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    with os.fdopen(os.open(data_dir / PID_FILE, flags, 0o600), "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Conflict(
                f"A hub (process {file.read().strip() or 'unknown'}) already uses {data_dir}. "
                "Stop it, or give this one another --data-dir.",
                code="hub_running",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
