"""Lines for whoever watches the daemon: short, on stderr, with ids but never bodies or secrets."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import msgspec

from arborlink import visible

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
    line = _as_object(text, level, workspace, task) if is_json else f"arbor: {visible.line(text)}"
    try:
        stream = visible.unguarded(sys.stderr)
        stream.write(f"{line}\n")
        stream.flush()
    except OSError:
        return  # nobody watches any more


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
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    return visible.json_text(msgspec.json.encode(known).decode())
