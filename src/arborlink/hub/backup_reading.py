"""What a backup holds, entry by entry, without trusting it: it may come from anywhere.

A tar file is read here and not by a library: backups need one kind of member, and what else the
format has (links, devices, sparse files, headers of any length) makes files elsewhere, or takes
memory that the archive chooses. No entry is larger than `READ_BYTES`.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from arborlink.hub.backup_archive import MEMBER, READ_BYTES, Stretch
from arborlink.outputlog.copying import stored_ranges
from arborlink.outputlog.files import LogFile
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.limits import GIB

BLOCK_BYTES: Final = tarfile.BLOCKSIZE
# The largest file of the common file systems; holes count.
MAX_FILE_BYTES: Final = 16 * 1024 * GIB
# What a file costs a disk at least, and an entry its archive.
FILE_BYTES: Final = 4_096
ENTRY_BYTES: Final = BLOCK_BYTES
MAX_DEPTH: Final = 8
MAX_NAME_CHARS: Final = 255
_GZIP: Final = b"\x1f\x8b"
_REGULAR: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)


class Entry(NamedTuple):
    """Bytes `[position, position + length)` of the file `name`, and how they are read."""

    name: str
    position: int
    length: int
    read: Callable[[], bytes]

    @property
    def stretch(self) -> Stretch:
        """The bytes themselves."""
        return Stretch(self.name, self.position, self.read())


class Checker:
    """Judges entries before anything is made of them: names, places, and how much it is in all.

    `holds` says which names a backup has; `room` is what there is for it on the disk, in bytes.
    """

    def __init__(self, path: Path, holds: Callable[[str], bool], room: int) -> None:
        self._path = path
        self._holds = holds
        self._room = room
        self._name = ""
        self._end = 0
        self.files = 0
        self.total = 0

    def check(self, entry: Entry) -> None:
        """Take note of an entry.

        Raises:
            InvalidInput: it belongs in no backup, or is too much.
        """
        name, position, length, _ = entry
        end = position + length
        if name != self._name:
            if not self._holds(name):
                raise refused(self._path, f"it holds {name[:MAX_NAME_CHARS]!r}")
            self._name, self._end = name, 0
            self.files += 1
            self.total += FILE_BYTES
            is_next = position >= 0
        else:
            # Each has to bring the file further, so that what there is bounds how many there are.
            is_next = position >= self._end and end > self._end
        if not is_next or end > MAX_FILE_BYTES:
            raise refused(self._path, f"{name!r} has bytes at {position} that cannot be there")
        self._end = end
        self.total += length + ENTRY_BYTES
        if self.total > self._room:
            raise InvalidInput(
                f"{self._path} holds more than the {self._room} bytes that its files may take "
                "here. Free some space, or restore to another disk.",
                code="backup_too_large",
            )


def refused(path: Path, why: str) -> InvalidInput:
    """Return what is said of a file that is no backup."""
    return InvalidInput(f"{path} is not a backup of a hub: {why}.", code="backup_invalid")


def entries(path: Path) -> Iterator[Entry]:
    """Yield what a backup holds, files one after another, positions ascending.

    Raises:
        InvalidInput: it is no backup, or is damaged.
        OSError: it cannot be read.
    """
    if path.is_dir():
        return _of_folder(path, path, 0)
    if not path.is_file():
        raise refused(path, "it is neither a file nor a folder")
    return _of_tar(path)


# ── one file ─────────────────────────────────────────────────────────────────────────────────


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Inflated:
    """A gzip file's content, of which no more than was asked for is unpacked at a time."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._inflate = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        """Whether all of it was unpacked, and agreed with its checksum."""
        return self._inflate.eof

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end.

        Raises:
            zlib.error: it is damaged.
        """
        data = b""
        while not data and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._source.read(64 * 1024)
            data = self._inflate.decompress(packed, size)
            if not packed:
                break
        return data


def _of_tar(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        source: _Source = _Inflated(file) if is_packed else file
        try:
            yield from _members(path, source)
            # What fills the last record, so that the checksum behind it is compared.
            left = 2 * tarfile.RECORDSIZE
            while left > 0 and (filling := source.read(left)):
                left -= len(filling)
            if isinstance(source, _Inflated) and not source.ended:
                raise refused(path, "it was cut short")
        except zlib.error as error:
            raise refused(path, f"it cannot be unpacked ({error})") from error


def _members(path: Path, source: _Source) -> Iterator[Entry]:
    while header := _exactly(path, source, BLOCK_BYTES):
        if not any(header):
            return  # what an archive ends with
        name, size = _header(path, header)
        match = MEMBER.fullmatch(name)
        if match is None:
            raise refused(path, f"it holds {name[:MAX_NAME_CHARS]!r}")
        data = _exactly(path, source, size + -size % BLOCK_BYTES)[:size]
        yield Entry(match[1], int(match[2]), size, lambda data=data: data)  # type: ignore[misc]
    raise refused(path, "it was cut short")


def _header(path: Path, block: bytes) -> tuple[str, int]:
    try:
        member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise refused(path, f"it is damaged or something else ({error})") from error
    if member.type not in _REGULAR:
        raise refused(path, f"{member.name[:MAX_NAME_CHARS]!r} in it is no plain file")
    if not 0 <= member.size <= READ_BYTES:
        raise refused(path, f"{member.name[:MAX_NAME_CHARS]!r} in it has {member.size} bytes")
    return member.name, member.size


def _exactly(path: Path, source: _Source, size: int) -> bytes:
    """Read so many bytes, or none where the source ends."""
    pieces = []
    missing = size
    while missing and (piece := source.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    if missing and pieces:
        raise refused(path, "it was cut short")
    return b"".join(pieces)


# ── a folder ─────────────────────────────────────────────────────────────────────────────────


def _of_folder(top: Path, folder: Path, depth: int) -> Iterator[Entry]:
    """Links are not followed: they lead to files that are not the backup's."""
    if depth > MAX_DEPTH:
        raise refused(top, f"it has folders deeper than {MAX_DEPTH}")
    for path in sorted(folder.iterdir()):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _of_folder(top, path, depth + 1)
        elif stat.S_ISREG(mode):
            yield from _of_file(path, path.relative_to(top).as_posix())
        else:
            raise refused(top, f"{str(path.relative_to(top))!r} in it is no plain file")


def _of_file(path: Path, name: str) -> Iterator[Entry]:
    with closing(LogFile(path, os.O_RDONLY | os.O_NOFOLLOW)) as source:
        size, end = source.size(), 0
        for start, stop in stored_ranges(source, size):
            for position in range(start, stop, READ_BYTES):
                end = min(stop, position + READ_BYTES)
                length = end - position
                yield Entry(name, position, length, _reader(source, position, length))
        if end < size or not size:
            yield Entry(name, size, 0, bytes)  # it ends with a hole, or is empty


def _reader(source: LogFile, position: int, length: int) -> Callable[[], bytes]:
    return lambda: source.read(length, position)
