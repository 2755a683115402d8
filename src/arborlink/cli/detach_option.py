"""`--detach-key`: how a terminal is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from arborlink.cli.screen.detach_key import DEFAULT, parse_keys

if TYPE_CHECKING:
    from arborlink.cli.screen.detach_key import Key

ENVIRONMENT_VARIABLE = "ARBOR_DETACH_KEY"


def _parse(_: click.Context, __: click.Parameter, value: str) -> tuple[Key, ...]:
    return parse_keys(value)


detach_key_option = click.option(
    "--detach-key",
    "detach_key",
    metavar="KEYS",
    envvar=ENVIRONMENT_VARIABLE,
    show_envvar=True,
    default=DEFAULT,
    show_default=True,
    callback=_parse,
    help="Leave the terminal with these: ctrl-a, ctrl-p,ctrl-q, or none. Twice sends it.",
)
