"""The daemon's log: short lines with ids but never bodies or secrets, on stderr or in a file."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from arborlink import visible
from arborlink.log_file import LOG_FILE, LogFile

_LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}


def say(
    text: str, *, level: str = "info", workspace: str | None = None, task: str | None = None
) -> None:
    """Write a line, unless `ARBOR_LOG_LEVEL` asks for less; an object if `ARBOR_LOG_FORMAT` does.

    `workspace`, `task`: what it is about. Lines for people name it only if `text` does.
    """
    least = _LEVELS.get(os.environ.get("ARBOR_LOG_LEVEL", "info").lower(), 1)
    if _LEVELS[level] < least:
        return
    is_json = os.environ.get("ARBOR_LOG_FORMAT", "").lower() == "json"
    file = _log_file(os.environ.get(LOG_FILE))
    if is_json:
        line = _as_object(text, level, workspace, task)
    elif file is not None:
        line = f"{_now()} [{level}] {visible.line(text)}"
    else:
        line = f"arbor: {visible.line(text)}"
    if file is None or not _append(file, line):
        _to_stderr(line)


def say_new_key(workspace: str, hub_key: str) -> None:
    """Write the line about a hub's key that was taken because the hub proved it first."""
    say(
        f"{workspace}: the hub's key is {hub_key}, and is asked for from now on",
        workspace=workspace,
    )


def _as_object(text: str, level: str, workspace: str | None, task: str | None) -> str:
    # The same names as in the hub's log.
    fields = {
        "event": text,
        "workspace": workspace,
        "task": task,
        "level": level,
        "timestamp": _now(),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    return visible.json_text(msgspec.json.encode(known).decode())


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@cache
def _log_file(named: str | None) -> LogFile | None:
    return LogFile(Path(named)) if named else None


def _append(file: LogFile, line: str) -> bool:
    try:
        file.write(line)
    except OSError:
        return False
    return True


def _to_stderr(line: str) -> None:
    try:
        stream = visible.unguarded(sys.stderr)
        stream.write(f"{line}\n")
        stream.flush()
    except OSError:
        return  # its reader is gone
