"""`arbor hub key`."""

from __future__ import annotations

from pathlib import Path

import click

from arborlink.cli.console import show


@click.command(
    "key",
    epilog="Example: arbor hub key --data-dir /var/lib/arbor",
    short_help="Print the hub's public key.",
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the hub's data is.")
def hub_key_command(data_dir: Path | None) -> None:
    """Print the public key with which the hub proves who it is, from its data folder.

    It is no secret. Give it to `arbor trust`, and as --hub-key to `arbor login` and `arbor daemon`.
    """
    from arborlink import home
    from arborlink.proof import keys

    folder = data_dir or home.hub_folder()
    key = keys.find(folder)
    if key is None:
        raise click.ClickException(
            f"there is no key in {folder}. A hub makes one when it starts: name its folder with "
            "--data-dir, or start it once"
        )
    show(key.public)
