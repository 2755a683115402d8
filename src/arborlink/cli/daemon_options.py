"""The flags of a daemon, for whatever starts one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from arborlink.cli.ca_option import ca_option
from arborlink.cli.hub_key_option import hub_key_option

F = TypeVar("F", bound=Callable[..., Any])

_FOLDER: Final = click.Path(path_type=Path, exists=True, file_okay=False)


def daemon_options(*, first: str, stop: str) -> Callable[[F], F]:
    """Give a command those flags.

    Args:
        first: when the flags of an enrolment count, such as "First time".
        stop: what stops the daemon, such as "SIGTERM".
    """
    options = (
        click.argument("paths", nargs=-1, type=_FOLDER),
        click.option("--hub", "hub_url", help=f"{first}: the hub's address."),
        click.option(
            "--code",
            metavar="-",
            help=f"{first}: read the code that `arbor enroll` printed from stdin.  "
            "[default: ARBOR_CODE, or it is asked for]",
        ),
        click.option(
            "--code-file",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help=f"{first}: read the code from this file.",
        ),
        click.option("--name", help=f"{first}, with ARBOR_TOKEN: the new workspace's name."),
        ca_option,
        hub_key_option,
        click.option(
            "--on-stop",
            type=click.Choice(["cancel", "wait"]),
            default="cancel",
            show_default=True,
            help=f"What {stop} does to running tasks.",
        ),
    )

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add
