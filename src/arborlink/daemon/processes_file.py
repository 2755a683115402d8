"""`processes.json` in a state folder: which releases the daemon's two processes are of."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

PROCESSES_FILE: Final = "processes.json"


class ProcessInfo(Struct, frozen=True):
    """One process. `version` is None for one from before it said so; `channel` is the version of
    what the two say to each other, and 0 then."""

    pid: int
    version: str | None
    channel: int


class DaemonProcesses(Struct, frozen=True):
    """The pair. `connector` is None while there is none."""

    supervisor: ProcessInfo
    connector: ProcessInfo | None = None


def write(folder: Path, processes: DaemonProcesses) -> None:
    """Write the file; a disk that refuses keeps the old one, and nothing depends on it."""
    fresh = folder / f"{PROCESSES_FILE}.new"
    with suppress(OSError):
        fresh.write_bytes(msgspec.json.encode(processes) + b"\n")
        fresh.replace(folder / PROCESSES_FILE)


def read(folder: Path) -> DaemonProcesses | None:
    """Return what a daemon's state folder says of its processes; None: it says nothing usable."""
    try:
        return msgspec.json.decode((folder / PROCESSES_FILE).read_bytes(), type=DaemonProcesses)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None
