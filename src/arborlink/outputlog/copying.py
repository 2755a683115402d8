"""Copies the durable part of a log while another process writes it.

Forgetting is locked out meanwhile, and the front of both files never changes otherwise, so that the
copy is of one moment. Knows nothing of where the copy goes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from arborlink.outputlog import index as ix
from arborlink.outputlog.errors import LogMissing
from arborlink.outputlog.files import LogFile, data_path, index_path
from arborlink.outputlog.recovery import last_mark, tail_slot

_PIECE_BYTES: Final = 1024 * 1024  # read at a time
# Errors of file systems without holes.
_NO_HOLES: Final = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP}


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of one of a log's files, and where in it they belong."""

    name: str
    position: int
    data: bytes


class LogCopy:
    """A log that is held still.

    Attributes:
        end: the durable offset up to which it is copied.
    """

    def __init__(self, stem: Path, index: ix.Index, data: LogFile) -> None:
        self._names = index_path(stem).name, data_path(stem).name
        self._index = index
        self._data = data
        self._mark = b""
        self.end = 0
        slot, mark = last_mark(index, index.count())
        self._index_end = ix.HEADER_BYTES
        if mark is not None:
            self.end = mark.offset - mark.length
            self._index_end = ix.position_of(tail_slot(index, slot, self.end))
            self._mark = ix.encode(self.end, 0, ix.MARK, mark.time, mark.crc)

    def pieces(self) -> Iterator[Piece]:
        """Yield all pieces but holes; data first, so that the index never names missing data."""
        index_name, data_name = self._names
        yield Piece(data_name, 0, b"")
        for position, data in stored(self._data, self.end):
            yield Piece(data_name, position, data)
        for position, data in stored(self._index.file, self._index_end):
            yield Piece(index_name, position, data)
        if self._mark:
            yield Piece(index_name, self._index_end, self._mark)


@contextmanager
def held(stem: Path) -> Iterator[LogCopy]:
    """Keep a log from forgetting anything while inside.

    Raises:
        LogMissing: there is none (any more).
        LogCorrupt: its header is unusable.
        OSError: it cannot be read.
    """
    try:
        index_file = LogFile(index_path(stem), os.O_RDONLY)
    except FileNotFoundError:
        raise LogMissing(stem) from None
    try:
        index_file.share_lock()
        header = index_file.read(ix.HEADER_BYTES, 0)
        if not header:
            raise LogMissing(stem)
        ix.decode_header(header, stem)
        try:
            data = LogFile(data_path(stem), os.O_RDONLY)
        except FileNotFoundError:
            raise LogMissing(stem) from None
        try:
            yield LogCopy(stem, ix.Index(index_file), data)
        finally:
            data.close()
    finally:
        index_file.close()


def stored(file: LogFile, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield what is in a file below a position, and where, without its holes."""
    for start, stop in stored_ranges(file, end):
        position = start
        while position < stop:
            data = file.read(min(_PIECE_BYTES, stop - position), position)
            if not data:
                return
            yield position, data
            position += len(data)


def stored_ranges(file: LogFile, end: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of a file below a position that are not holes."""
    position = 0
    while position < end:
        start, position = _next_stored(file.fd, position, end)
        if start < position:
            yield start, position


def _next_stored(fd: int, position: int, end: int) -> tuple[int, int]:
    """Return the next range that is not a hole; an empty one at the end if there is none."""
    try:
        start = os.lseek(fd, position, os.SEEK_DATA)
        return min(start, end), min(os.lseek(fd, start, os.SEEK_HOLE), end)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return end, end
        if error.errno in _NO_HOLES:
            return position, end
        raise
