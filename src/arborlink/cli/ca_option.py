"""The flag of a hub's own CA."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click


def _absolute(
    _context: click.Context, _parameter: click.Parameter, value: Path | None
) -> str | None:
    """It is kept, and read from elsewhere later."""
    return None if value is None else str(value.absolute())


ca_option: Final = click.option(
    "--ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    callback=_absolute,
    help="The hub's own CA: a certificate, PEM. Kept for later.",
)
