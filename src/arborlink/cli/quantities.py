"""Durations and moments as people type them: `90`, `1m`, `2h30`, `1.5h`; `13:05`, `2h`. Pure.

What cannot be read is a `ValueError` whose text is a whole sentence for the person who wrote it.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Final

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_NAMES: Final = {
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "min": "m",
    "minute": "m",
    "minutes": "m",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
    "week": "w",
    "weeks": "w",
}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-z]*)\s*")
# After the last unit a bare number counts the next smaller one: `2h30` is two and a half hours.
_NEXT_UNIT: Final = {"d": "h", "h": "m", "m": "s"}
MAX_DURATION_CHARS: Final = 64
# A hundred years. `datetime` cannot count back much further.
MAX_DURATION_SECONDS: Final = 100 * 365 * _SECONDS["d"]
_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?")


def parse_duration(text: str) -> float:
    """Return the seconds that `text` means: a number is seconds; `500ms`, `1m`, `2h30`, `1d12h`.

    Raises:
        ValueError: it is no duration, or more than MAX_DURATION_SECONDS.
    """
    rest = text.strip().lower()
    total, last, at = 0.0, "", 0
    while at < len(rest) and len(rest) <= MAX_DURATION_CHARS:
        part = _PART.match(rest, at)
        unit = part and _unit(part.group(2), last, is_only=part.end() == len(rest) and at == 0)
        if part is None or unit is None:
            break
        total += float(part.group(1)) * _SECONDS[unit]
        last, at = unit, part.end()
    if not rest or at < len(rest) or not math.isfinite(total):
        raise ValueError(
            f"{text!r} is not a duration. Write seconds (90) or units: 500ms, 1m, 2h30m, 1.5h, 1d"
        )
    if total > MAX_DURATION_SECONDS:
        raise ValueError(f"{text!r} is more than a hundred years. Write a shorter time")
    return total


def _unit(given: str, last: str, *, is_only: bool) -> str | None:
    """Return the unit of a part; None where there is none, or it is not below the one before."""
    if not given:
        return "s" if is_only else _NEXT_UNIT.get(last)
    unit = _NAMES.get(given, given)
    if unit not in _SECONDS or (last and _SECONDS[unit] >= _SECONDS[last]):
        return None
    return unit


def parse_time(text: str, now: datetime) -> datetime:
    """Return the moment that `text` means, with a time zone.

    `text` is a duration before `now`; a date or a time as RFC 3339 has them, local without a zone;
    or a time of day, which is the last one before `now`.

    Raises:
        ValueError: it is neither.
    """
    words = text.strip()
    with suppress(ValueError):
        return now - timedelta(seconds=parse_duration(words))
    try:
        if _CLOCK.fullmatch(words):
            # `fromisoformat` wants two digits of the hour.
            return _last(time.fromisoformat(words if words[2] == ":" else f"0{words}"), now)
        moment = datetime.fromisoformat(words)
        # A zone that leads before year 1 or after 9999 is found out here.
        return moment.astimezone()
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time. Write how long ago (10m, 2h30m, 90), a time of day (08:30), "
            "or a date and time (2026-01-31, 2026-01-31T08:30, 2026-01-31T08:30:00Z)"
        ) from None


def _last(clock: time, now: datetime) -> datetime:
    local = now.astimezone()
    today: date = local.date()
    moment = datetime.combine(today, clock).astimezone()
    if moment > now:
        moment = datetime.combine(today - timedelta(days=1), clock).astimezone()
    return moment
