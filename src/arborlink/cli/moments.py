"""Options that take a duration or a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from arborlink.cli.quantities import parse_duration, parse_time

if TYPE_CHECKING:
    from click import Context, Parameter


class TimeType(click.ParamType["datetime"]):
    """A moment: how long ago, a time of day, or a date and time."""

    name = "time"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> datetime:
        """Read it, as of now."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_time(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class DurationType(click.ParamType["float"]):
    """A duration in seconds."""

    name = "duration"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        """Read it."""
        if isinstance(value, float | int):
            return float(value)
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
