"""Who a daemon is: one workspace, one credential, one state folder, one process at a time."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from arborlink import home
from arborlink.addresses import hub_address
from arborlink.private_files import make_folder
from arborlink.proof.keys import parse
from arborlink.protocol import octets
from arborlink.protocol.errors import Conflict
from arborlink.toml_file import read_toml

_PRIVATE_FILE: Final = 0o600


class Identity(Struct, frozen=True):
    """`identity.toml`. `hub` is an http or https address, `path` the workspace's real path.

    A byte of the path that is not UTF-8 is a surrogate here (PEP 383), and in the file as
    `protocol.octets` has it.

    `ca`: a file with the certificate of the hub's own CA, if it has one. `previous_token`: what is
    tried if the hub refuses `auth_token`. `hub_key`: the hub's public key, if it is known.
    """

    hub: str
    workspace_id: str
    daemon_id: str
    auth_token: str
    path: str
    ca: str | None = None
    previous_token: str | None = None
    hub_key: str | None = None

    @property
    def folder(self) -> Path:
        """The state folder."""
        return home.daemons_folder() / self.workspace_id


def save(identity: Identity) -> None:
    """Write the state folder and `identity.toml`, readable by the owner alone.

    Raises:
        OSError: the disk refuses.
    """
    _write(identity)
    _retire_others(identity)


def keep_token(identity: Identity, auth_token: str, previous_token: str | None) -> Identity:
    """The same daemon with another token, which is on disk for good when this returns.

    Raises:
        OSError: the disk refuses; the file is as it was.
    """
    kept = msgspec.structs.replace(
        identity,
        auth_token=auth_token,
        previous_token=previous_token,
        hub_key=present_hub_key(identity),
    )
    _write(kept)
    return kept


def _write(identity: Identity) -> None:
    folder = identity.folder
    make_folder(folder)
    written = msgspec.structs.replace(identity, path=octets.from_system(identity.path))
    lines = [
        f"{name} = {_quote(value)}\n"
        for name, value in msgspec.structs.asdict(written).items()
        if value is not None
    ]
    fresh = folder / "identity.toml.new"
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE_FILE)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / "identity.toml")
    # The name as well: after a power cut it must not be the old file again.
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def move(identity: Identity, hub: str) -> Identity:
    """The same daemon of the same hub, which is at another address now.

    Raises:
        InvalidInput: as `hub_address`.
        OSError: the disk refuses.
    """
    moved = msgspec.structs.replace(identity, hub=hub_address(hub))
    save(moved)
    return moved


def trust(identity: Identity, ca: str | None) -> Identity:
    """The same daemon, whose hub has a certificate of this CA now.

    Raises:
        OSError: the disk refuses.
    """
    trusting = msgspec.structs.replace(identity, ca=ca)
    save(trusting)
    return trusting


def keep_hub_key(identity: Identity, hub_key: str | None) -> Identity:
    """The same daemon, whose hub has this public key; None: it has none that is known.

    Raises:
        InvalidInput: it is no key.
        OSError: the disk refuses; the file is as it was.
    """
    key = None if hub_key is None else parse(hub_key)
    kept = msgspec.structs.replace(identity, hub_key=key)
    _write(kept)
    return kept


def present_hub_key(identity: Identity) -> str | None:
    """Return the hub's public key as `identity.toml` has it now: a command may have changed it."""
    present = _load(identity.folder / "identity.toml")
    return identity.hub_key if present is None else present.hub_key


def _retire_others(identity: Identity) -> None:
    """A folder is one workspace: earlier identities of this path are kept, but not used."""
    for other in load_all():
        if other.path == identity.path and other.workspace_id != identity.workspace_id:
            file = other.folder / "identity.toml"
            file.replace(file.with_name("identity.toml.replaced"))


def load_all() -> list[Identity]:
    """Every identity on this machine; files that cannot be read are passed over."""
    found = []
    with suppress(FileNotFoundError):
        for folder in sorted(home.daemons_folder().iterdir()):
            identity = _load(folder / "identity.toml")
            if identity is not None and identity.workspace_id == folder.name:
                found.append(identity)
    return found


def find_identity(path: Path) -> Identity | None:
    """The identity of the daemon that serves this folder, if there has been one."""
    real = os.path.realpath(path)
    return next((identity for identity in load_all() if identity.path == real), None)


def _load(file: Path) -> Identity | None:
    try:
        identity = msgspec.convert(read_toml(file), Identity)
        return msgspec.structs.replace(identity, path=octets.to_system(identity.path))
    except (OSError, ValueError):  # both TOML's and msgspec's errors are ValueErrors
        return None


def _quote(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


class StateLock:
    """Held as long as the process lives: at most one supervisor a state folder.

    Raises:
        Conflict: another process has it; the text names it.
    """

    def __init__(self, folder: Path) -> None:
        self._fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise Conflict(_occupied(folder)) from None

    def release(self) -> None:
        """Give it up."""
        os.close(self._fd)


def _occupied(folder: Path) -> str:
    try:
        pid = (folder / "supervisor.pid").read_text().strip()
    except OSError:
        pid = "unknown"
    return (
        f"the workspace {folder.name} already has a daemon here: process {pid}. "
        "Stop that one first, or leave it to its work"
    )
