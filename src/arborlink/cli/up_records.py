"""Which folders `arbor up` serves here: one file a folder, locked while its process lives.

A file that is there and not locked was left by a process that was killed. What it had started may
still run: the lock of the hub's data and that of the daemon's state folder tell.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from arborlink import home
from arborlink.cli.locks import is_locked
from arborlink.private_files import make_folder
from arborlink.protocol import octets

NAME_CHARS: Final = 16
MAX_BYTES: Final = 64 * 1024
OWNER_ONLY: Final = 0o600


class Record(Struct, frozen=True, kw_only=True):
    """What an `arbor up` serves. `path`: the folder; `keeps_hub`: it runs the hub as well."""

    pid: int
    path: str
    keeps_hub: bool
    is_detached: bool


class FoundRecord(Struct, frozen=True):
    """A record and its file; `is_alive`: the process that wrote it still runs."""

    record: Record
    file: Path
    is_alive: bool


class HeldRecord:
    """The record of this process; `release` removes it."""

    def __init__(self, file: Path, descriptor: int) -> None:
        self._file = file
        self._descriptor = descriptor

    def release(self) -> None:
        """Remove the record, and then its lock."""
        self._file.unlink(missing_ok=True)
        os.close(self._descriptor)


def hold(path: Path, *, keeps_hub: bool, is_detached: bool) -> HeldRecord | None:
    """Write the record of `path`, and lock it; None: another `arbor up` serves that folder.

    Raises:
        OSError: it cannot be written.
    """
    file = _file(path)
    make_folder(file.parent)
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(file, flags, OWNER_ONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_at(descriptor, file):
            break
        os.close(descriptor)  # its owner removed it between our two calls
    record = Record(
        pid=os.getpid(),
        path=octets.from_system(str(path)),
        keeps_hub=keeps_hub,
        is_detached=is_detached,
    )
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, msgspec.json.encode(record), 0)
    return HeldRecord(file, descriptor)


def find(path: Path) -> FoundRecord | None:
    """Return the record of a folder, if there is one."""
    return _read(_file(path))


def load_all() -> list[FoundRecord]:
    """Return every record; those that cannot be read are left out."""
    found = (_read(file) for file in sorted(home.up_folder().glob("*.json")))
    return [each for each in found if each is not None]


def remove(found: FoundRecord) -> None:
    """Remove a record whose process has ended, unless another has taken it over."""
    with suppress(OSError):
        if not is_locked(found.file):
            found.file.unlink()


def _read(file: Path) -> FoundRecord | None:
    try:
        with file.open("rb") as stream:
            written = msgspec.json.decode(stream.read(MAX_BYTES), type=Record)
        record = msgspec.structs.replace(written, path=octets.to_system(written.path))
    except (OSError, msgspec.MsgspecError, ValueError):
        return None
    return FoundRecord(record, file, is_locked(file))


def _file(path: Path) -> Path:
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:NAME_CHARS]
    return home.up_folder() / f"{name}.json"


def _is_at(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.stat(file), os.fstat(descriptor))
    except FileNotFoundError:
        return False
