"""Durations and times as people write them: `90`, `10m`, `2h30`, `2026-01-31T08:00`. Pure.

What cannot be read is a `ValueError` whose text is a whole sentence for the person who wrote it.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from typing import Final

# Seconds of each unit, from the longest; `ms` stands before `m`, which it begins with.
UNITS: Final = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "ms": 0.001, "m": 60.0, "s": 1.0}
# Of a number without a unit that comes after one with it: `2h30` is two hours and 30 minutes.
NEXT_UNIT: Final = {"w": "d", "d": "h", "h": "m", "m": "s"}
# A hundred years. `datetime` cannot count back much further.
MAX_DURATION_SECONDS: Final = 100 * 365 * UNITS["d"]

_DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:w|d|h|ms|m|s)?)+")
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(w|d|h|ms|m|s|$)")
_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?")


def parse_duration(text: str) -> float:
    """Return how many seconds `text` is: `90`, `10m`, `2h30m`, `2h30`, `1.5h`, `1d`, `500ms`.

    Units are w, d, h, m, s and ms, each at most once and the longest first; a number alone is in
    seconds.

    Raises:
        ValueError: it is no duration, or more than MAX_DURATION_SECONDS.
    """
    seconds, last = 0.0, ""
    rest = text.strip()
    if not _DURATION.fullmatch(rest):
        raise ValueError(_not_a_duration(text))
    for match in _PART.finditer(rest):
        number, unit = match.groups()
        unit = unit or (NEXT_UNIT.get(last, "") if last else "s")
        if not unit or (last and UNITS[unit] >= UNITS[last]):
            raise ValueError(_not_a_duration(text))
        seconds += float(number) * UNITS[unit]
        last = unit
    if not math.isfinite(seconds) or seconds > MAX_DURATION_SECONDS:
        raise ValueError(f"{text!r} is more than a hundred years. Give a shorter time")
    return seconds


def parse_time(text: str, now: datetime) -> datetime:
    """Return the moment that `text` means, with a time zone.

    `text` is a duration before `now`; a date or a time as RFC 3339 has them, local without a zone;
    or a time of day, which is the last one before `now`.

    Raises:
        ValueError: it is neither.
    """
    words = text.strip()
    if _DURATION.fullmatch(words):
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


def _not_a_duration(text: str) -> str:
    return f"{text!r} is no duration. Write seconds, or units from the longest: 90, 10m, 2h30m, 1d"
