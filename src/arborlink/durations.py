"""Durations as people write them: `90`, `90s`, `5m`, `2h30m`, `30d`. Pure.

What cannot be read is a `ValueError` whose text is a whole sentence for the person who wrote it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

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
# What the names of settings end with whose values are durations.
SETTING_SUFFIX: Final = "_seconds"


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


def settings_in_seconds(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with seconds where a duration is written as text (`retention_seconds =
    "30d"`).

    Raises:
        ValueError: a text is no duration; it names the setting.
    """
    return {name: _in_seconds(name, value) for name, value in values.items()}


def _in_seconds(name: str, value: Any) -> Any:
    if not isinstance(value, str) or not name.endswith(SETTING_SUFFIX):
        return value
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _unit(given: str, last: str, *, is_only: bool) -> str | None:
    """Return the unit of a part; None where there is none, or it is not below the one before."""
    if not given:
        return "s" if is_only else _NEXT_UNIT.get(last)
    unit = _NAMES.get(given, given)
    if unit not in _SECONDS or (last and _SECONDS[unit] >= _SECONDS[last]):
        return None
    return unit
