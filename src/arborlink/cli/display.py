"""Times, durations and sizes as they are written for people, and sizes as people type them. Pure,
but for the machine's time zone.

Times are shown in the local zone and to the second; `--json` has them as the API says them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Final

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_UNITS: Final = (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", 1))
_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?b?)")
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
# Below it a duration is shown with a tenth of a second.
PRECISE_BELOW_SECONDS: Final = 10.0


def moment(time: str) -> datetime:
    """Return an RFC 3339 time of the API."""
    return datetime.fromisoformat(time)


def ago(time: str | None, now: datetime | None = None) -> str:
    """Return how long ago an RFC 3339 time is, in the largest unit; "never" for None."""
    if time is None:
        return "never"
    seconds = seconds_since(time, now)
    return "just now" if seconds < 1 else f"{about(seconds)} ago"


def seconds_since(time: str, now: datetime | None = None) -> float:
    """Return how many seconds ago an RFC 3339 time is; 0 where clocks differ and it is to come."""
    return max(0.0, ((now or datetime.now(UTC)) - moment(time)).total_seconds())


def about(seconds: float) -> str:
    """Return a duration in its largest unit: `32 min`."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def duration_text(seconds: float) -> str:
    """Return a duration in its two largest units: `80 ms`, `1.2 s`, `48 s`, `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < PRECISE_BELOW_SECONDS:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for at, (unit, size) in enumerate(_UNITS):
        if whole >= size:
            rest = 0 if unit == "s" else whole % size // _UNITS[at + 1][1]
            return f"{whole // size} {unit}" + (f" {rest} {_UNITS[at + 1][0]}" if rest else "")
    return "0 s"


def time_text(time: str, *, utc: bool = False, now: datetime | None = None) -> str:
    """Return an RFC 3339 time to the second, in the local zone or in UTC.

    Without `now` with its date: `2026-01-31 13:05:09`; with it, only where that is another day.
    """
    zone: tzinfo | None = UTC if utc else None
    there = moment(time).astimezone(zone)
    is_today = now is not None and there.date() == now.astimezone(zone).date()
    return there.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S") + (" UTC" if utc else "")


def day_text(time: str, *, utc: bool = False) -> str:
    """Return an RFC 3339 time to the minute, with its date: `2026-01-31 13:05`."""
    there = moment(time).astimezone(UTC if utc else None)
    return there.strftime("%Y-%m-%d %H:%M") + (" UTC" if utc else "")


def size_text(count: float) -> str:
    """Return an amount of bytes in the unit that fits: `1.5 KiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def parse_size(text: str) -> int:
    """Return the bytes that `text` means: a number, or one with K, M, G or T, which are binary.

    Raises:
        ValueError: it is no size. The text says how one is written.
    """
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is not a size. Write bytes (4096) or units: 64K, 1.5M, 2GiB")
    unit: int = 1024 ** _POWERS[found.group(2)]
    return round(float(found.group(1)) * unit)
