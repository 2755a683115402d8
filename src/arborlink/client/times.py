"""The times of resources as Python's. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import overload

from arborlink.protocol.errors import InvalidInput


@overload
def parse_time(text: str) -> datetime: ...


@overload
def parse_time(text: None) -> None: ...


def parse_time(text: str | None) -> datetime | None:
    """Return a time of a resource, such as `Task.created_at`, with its zone (UTC), to the
    microsecond; None stays None, as `Task.finished_at` of a task that runs.

    Raises:
        InvalidInput: it is not a time in the form of RFC 3339.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidInput(f"{text!r} is no time as 2026-01-31T12:00:00Z is", code="not_a_time")
    return time
