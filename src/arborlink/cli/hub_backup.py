"""`arbor hub backup` and `arbor hub restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from arborlink.cli.console import say
from arborlink.cli.display import day_text
from arborlink.cli.hub_options import hub_packages

MIB_BYTES: Final = 1024 * 1024
_PATH: Final = click.Path(path_type=Path)
_data_dir = click.option("--data-dir", type=_PATH, help="Where the hub's data is.")
_config = click.option("--config", type=_PATH, help="An arbor.toml.")


@click.command(
    "backup",
    epilog="Example: arbor hub backup /mnt/backups/arbor-monday.tar",
    short_help="Copy a hub's data, while it runs.",
)
@click.argument("destination", type=_PATH)
@_data_dir
@_config
def hub_backup_command(destination: Path, data_dir: Path | None, config: Path | None) -> None:
    """Copy database and output to DESTINATION: a new folder, or one file if it ends in .tar,
    .tar.gz or .tgz. The hub may run, and its tasks write, meanwhile."""
    with hub_packages():
        from arborlink.hub.app import save

    manifest = save({"data_dir": data_dir}, config, destination)
    say(f"{_summary(manifest.tasks, manifest.output_bytes)} saved in {destination}")
    if manifest.left_out:
        say(
            f"{manifest.left_out} tasks are not in it: their output was removed meanwhile, or "
            "cannot be read"
        )


@click.command(
    "restore",
    epilog="Example: arbor hub restore /mnt/backups/arbor-monday.tar --data-dir /var/lib/arbor",
    short_help="Restore a hub's data from a backup.",
)
@click.argument("backup", type=_PATH)
@_data_dir
@_config
def hub_restore_command(backup: Path, data_dir: Path | None, config: Path | None) -> None:
    """Restore a hub's data from BACKUP. The hub must not run, and its data folder must be empty.

    Daemons that reconnect continue from what the backup contains; output that they no longer have
    becomes a gap.
    """
    with hub_packages():
        from arborlink.hub.app import load

    manifest = load({"data_dir": data_dir}, config, backup)
    found = _summary(manifest.tasks, manifest.output_bytes)
    say(f"restored {found}, from {day_text(manifest.created_at)}")


def _summary(tasks: int, output_bytes: int) -> str:
    return f"{tasks} tasks with {output_bytes / MIB_BYTES:.1f} MiB of output"
