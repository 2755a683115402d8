"""A hub whose data is on this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from arborlink.cli.checks.daemons import is_locked
from arborlink.cli.checks.finding import Finding, failed, ok
from arborlink.cli.checks.machine import OTHERS, check_port, check_room, check_writable

DATABASE: Final = "hub.sqlite3"
PID_FILE: Final = "hub.pid"


def has_hub(data_dir: Path) -> bool:
    """Whether a hub was ever run on this folder."""
    return os.path.exists(data_dir / DATABASE)


def check_local_hub(data_dir: Path, host: str, port: int) -> Iterator[Finding]:
    """The data, and, unless a hub runs, whether one could be started."""
    yield check_writable("data", data_dir)
    yield check_room("disk", data_dir)
    yield check_data_private(data_dir)
    if is_locked(data_dir / PID_FILE):
        yield ok("hub", "it runs")
    else:
        yield check_port(host, port)


def check_data_private(data_dir: Path) -> Finding:
    """Whether others on this machine can look at what tasks have written."""
    mode = data_dir.stat().st_mode
    if not mode & OTHERS:
        return ok("privacy", f"{data_dir} is its owner's alone")
    return failed(
        "privacy",
        f"others on this machine can look into {data_dir}",
        why=f"its mode is {stat.S_IMODE(mode):04o}, and it holds the output of every task",
        do=f"chmod 700 {data_dir}",
    )
