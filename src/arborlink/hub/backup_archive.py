"""Where a backup goes to and comes from: a folder, or one tar file. Knows nothing of hubs.

Both keep holes out: a folder has sparse files; in a tar file a file is one member for each stretch
of it, `NAME@POSITION`, beside which nothing but a member `NAME@0` has to be there.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from arborlink.mount_points import unmounted_above
from arborlink.protocol.errors import Conflict, InvalidInput, NotFound

TAR_SUFFIXES: Final = (".tar", ".tar.gz", ".tgz")
PRIVATE: Final = 0o600  # output and command lines may hold secrets
PRIVATE_FOLDER: Final = 0o700
READ_BYTES: Final = 1024 * 1024
_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
MEMBER: Final = re.compile(r"(.+)@([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of a file and where in it they belong. `name` is relative, with `/`."""

    name: str
    position: int
    data: bytes


class Sink(Protocol):
    """Takes stretches, those of one file one after another."""

    def add(self, stretch: Stretch) -> None: ...


def is_tar(path: Path) -> bool:
    """Whether a backup by this name is one file."""
    return path.name.endswith(TAR_SUFFIXES)


@contextmanager
def new_archive(path: Path) -> Iterator[Sink]:
    """What is added while inside is at `path` afterwards, and on the disk.

    Raises:
        Conflict: there is something already.
        NotFound: the folder that it is to be in is not there, or is to have a disk and has none.
    """
    _check_place(path)
    if path.exists() and (not path.is_dir() or is_tar(path) or any(path.iterdir())):
        raise Conflict(f"{path} exists already. Name another file, or a folder that is empty.")
    if not is_tar(path):
        path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        with new_files(path) as sink:
            yield sink
        return
    unfinished = path.with_name(f".{path.name}.unfinished")
    # A link by that name, in a folder where others may write, would have led elsewhere.
    unfinished.unlink(missing_ok=True)
    fd = os.open(unfinished, _NEW | os.O_RDWR, PRIVATE)
    try:
        with os.fdopen(fd, "wb") as file:
            mode = "w" if path.name.endswith(".tar") else "w:gz"
            with tarfile.open(mode=mode, fileobj=file, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
                yield _Tar(tar)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _check_place(path: Path) -> None:
    """What is missing on the way may be a disk: its place is not made, and not written to."""
    unmounted = unmounted_above(path)
    if unmounted is not None:
        raise NotFound(
            f"No disk is mounted at {unmounted}, which /etc/fstab has as a mount point. Mount it, "
            "or name a place elsewhere."
        )
    if not path.parent.is_dir():
        raise NotFound(
            f"There is no folder {path.parent} for the backup. If a disk belongs there, mount it; "
            "otherwise make the folder first."
        )


@contextmanager
def new_files(folder: Path) -> Iterator[Sink]:
    """What is added while inside is in new files below a folder afterwards, and on the disk.

    Raises:
        InvalidInput: a file is there already.
    """
    with ExitStack() as files:
        yield _Folder(folder, files)
    _sync_all(folder)


def _sync_all(folder: Path) -> None:
    """Only now, one after another: most of it is on the disk by then."""
    for path in (*folder.rglob("*"), folder):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class _Folder:
    """Files below a folder; the present one is open."""

    def __init__(self, folder: Path, files: ExitStack) -> None:
        self._folder = folder
        self._files = files
        self._name = ""
        self._fd = -1

    def add(self, stretch: Stretch) -> None:
        if stretch.name != self._name:
            self._files.close()
            path = self._folder / stretch.name
            path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            try:
                self._fd = os.open(path, _NEW | os.O_WRONLY, PRIVATE)
            except FileExistsError as error:
                raise InvalidInput(f"{stretch.name!r} is there twice") from error
            self._files.callback(os.close, self._fd)
            self._name = stretch.name
        data, position = memoryview(stretch.data), stretch.position
        if not data and position > os.fstat(self._fd).st_size:
            os.truncate(self._fd, position)  # it ends with a hole
        while data:
            written = os.pwrite(self._fd, data, position)
            data, position = data[written:], position + written


class _Tar:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, stretch: Stretch) -> None:
        info = tarfile.TarInfo(f"{stretch.name}@{stretch.position}")
        info.size, info.mode = len(stretch.data), PRIVATE
        self._tar.addfile(info, io.BytesIO(stretch.data))
