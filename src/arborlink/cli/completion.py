"""`arbor completion`."""

from __future__ import annotations

import os
from pathlib import PurePath

import click
from click.shell_completion import get_completion_class

from arborlink.cli.console import show_document

SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion",
    epilog='Example: eval "$(arbor completion bash)"',
    short_help="Completion for your shell.",
)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
def completion_command(shell: str | None) -> None:
    """Print the code that makes SHELL complete `arbor`."""
    from arborlink.cli.main import cli

    name = shell or PurePath(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        raise click.UsageError(f"say which shell: {', '.join(SHELLS)}")
    show_document(kind(cli, {}, "arbor", "_ARBOR_COMPLETE").source() + "\n")
