"""Asks before something is destroyed."""

from __future__ import annotations

import sys
from typing import Final

import click

from arborlink.cli.console import ask

yes_option: Final = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def confirm(what: str, *, yes: bool) -> None:
    """Return if a person says that `what` is to be done, or `--yes` did.

    Raises:
        ClickException: they do not, or there is nobody to ask.
    """
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.ClickException(f"there is no terminal to ask at. To {what}, add --yes")
    if ask(f"{what}? (y/N) ").lower() not in ("y", "yes"):
        raise click.ClickException("nothing was changed")
