"""The flag of a hub's public key."""

from __future__ import annotations

from typing import Final

import click


def _parsed(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    from arborlink.proof.keys import parse
    from arborlink.protocol.errors import InvalidInput

    try:
        return None if value is None else parse(value)
    except InvalidInput as error:
        raise click.BadParameter(error.message) from error


hub_key_option: Final = click.option(
    "--hub-key",
    metavar="KEY",
    callback=_parsed,
    help="The hub's public key, as `arbor hub key` prints it there. Kept for later.  "
    "[default: the known one, else the first that the hub proves]",
)
