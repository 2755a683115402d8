"""A hub whose data is on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from arborlink.cli.checks.finding import Finding, ok
from arborlink.cli.checks.machine import (
    check_folder_private,
    check_port,
    check_private,
    check_process,
    check_room,
    check_writable,
)
from arborlink.cli.locks import is_locked, read_pid
from arborlink.proof.keys import KEY_FILE

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
    private = check_private("key", data_dir / KEY_FILE)
    if private is not None:
        yield private
    if is_locked(data_dir / PID_FILE):
        pid = read_pid(data_dir / PID_FILE)
        stuck = check_process("hub", "the hub", pid, "start it again")
        yield stuck or ok("hub", f"it runs (process {pid or '?'})")
    else:
        yield check_port(host, port)


def check_data_private(data_dir: Path) -> Finding:
    """Whether others on this machine can look at what tasks have written."""
    return check_folder_private("privacy", data_dir, "the output of every task")
