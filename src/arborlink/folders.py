"""The folders that daemons of this machine serve, as `identity.toml` of each says."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from arborlink import home
from arborlink.protocol import octets
from arborlink.protocol.errors import InvalidInput

IDENTITY_FILE = "identity.toml"


class ServedFolder(Struct, frozen=True):
    """What there is to know of a daemon without its secrets. `path`: the folder's real path."""

    hub: str
    workspace_id: str
    daemon_id: str
    path: str


def served_folders() -> list[ServedFolder]:
    """Return every folder that a daemon of this user was enrolled for on this machine.

    Files that cannot be read are left out: they are another user's, or damaged.
    """
    found = []
    # InvalidInput: there is no home folder, and so no daemon of this user.
    with suppress(OSError, InvalidInput):
        for state in sorted(home.daemons_folder().iterdir()):
            folder = _load(state / IDENTITY_FILE)
            if folder is not None and folder.workspace_id == state.name:
                found.append(folder)
    return found


def _load(file: Path) -> ServedFolder | None:
    try:
        folder = msgspec.convert(tomllib.loads(file.read_text("utf-8")), ServedFolder)
        return msgspec.structs.replace(folder, path=octets.to_system(folder.path))
    except (OSError, ValueError):  # TOML's and msgspec's errors are ValueErrors
        return None
