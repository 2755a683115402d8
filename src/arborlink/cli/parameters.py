"""Types of options that several commands have: durations, moments, sizes and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import click

from arborlink.cli.display import DAY, duration_text, parse_size
from arborlink.cli.quantities import parse_time
from arborlink.durations import parse_duration


class Quantity(click.ParamType[Any]):
    """What `parse` makes of a text; the text of its ValueError is what a person is told."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse what was typed; defaults are values already."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def duration(
    *, least: float = 0.0, above: float | None = None, most: float | None = None
) -> Quantity:
    """Return the type of an option that takes seconds, or `1m`, `2h30`; at least `least`, above
    `above`, at most `most` seconds."""

    def parse(text: str) -> float:
        seconds = parse_duration(text)
        if above is not None and seconds <= above:
            raise ValueError(f"{text!r} is too short: it has to be more than {_said(above)}")
        if seconds < least:
            raise ValueError(f"{text!r} is too short: it has to be at least {_said(least)}")
        if most is not None and seconds > most:
            raise ValueError(f"{text!r} is too long: at most {_said(most)} is possible")
        return seconds

    return Quantity("duration", parse)


def _said(seconds: float) -> str:
    return "0" if seconds == 0 else duration_text(seconds)


def _past(text: str) -> datetime:
    return parse_time(text, datetime.now().astimezone())


def days() -> Quantity:
    """Return the type of an option that takes days, or a duration with its unit; gives days."""

    def parse(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = parse_duration(text) / DAY
        if not 0 < found < math.inf:
            raise ValueError(f"{text!r} is too short: it has to be more than 0")
        return found

    return Quantity("days", parse)


DURATION: Final = duration()
TIME: Final = Quantity("time", _past)
SIZE: Final = Quantity("size", parse_size)
