"""Moments as people type them: `13:05`, `2026-01-31`, `2h` (so long ago). Pure.

What cannot be read is a `ValueError` whose text is a whole sentence for the person who wrote it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Final

from arborlink.durations import parse_duration

_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?")


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
