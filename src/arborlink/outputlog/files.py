"""One open file, with positional reads and writes that are whole or raise.

The only place where the writer touches the disk, so that a test can pass an opener of its own.
Knows nothing of records.
"""

import errno
import fcntl
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from arborlink.outputlog.holes import punch_hole

_ZEROS: Final = bytes(64 * 1024)  # bytes, what is written at a time where holes do not exist
PRIVATE: Final = 0o600  # output may hold secrets


class LogFile:
    """An open file descriptor.

    Raises:
        OSError: from every method, as the operating system says it.
    """

    def __init__(self, path: Path, flags: int) -> None:
        self.fd = os.open(path, flags, PRIVATE)

    def read(self, size: int, position: int) -> bytes:
        """Return up to `size` bytes from `position`, fewer only at the end of the file."""
        return os.pread(self.fd, size, position)

    def write(self, data: bytes | bytearray | memoryview, position: int) -> None:
        """Write all of `data` at `position`, or raise having written a part."""
        written = self.write_some(data, position)
        total = len(data)
        while written < total:
            # A disk that fills up writes a part first and reports the error with the next write.
            more = self.write_some(memoryview(data)[written:], position + written)
            if more == 0:
                raise OSError(errno.EIO, "the file takes no more bytes")
            written += more

    def write_some(self, data: bytes | bytearray | memoryview, position: int) -> int:
        """Write once and return how many bytes that took."""
        return os.pwrite(self.fd, data, position)

    def size(self) -> int:
        """Return the file's length in bytes."""
        return os.fstat(self.fd).st_size

    def is_regular(self) -> bool:
        """Return whether it is a file, not a folder, a pipe or a device."""
        return stat.S_ISREG(os.fstat(self.fd).st_mode)

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""
        os.ftruncate(self.fd, size)

    def sync(self) -> None:
        """Return when everything written so far is on the disk."""
        if sys.platform == "darwin":
            fcntl.fcntl(
                self.fd, fcntl.F_FULLFSYNC
            )  # fsync alone reaches only the drive's cache there
        else:
            os.fdatasync(self.fd)

    def punch(self, start: int, end: int) -> bool:
        """Give [start, end) back to the file system; False where that is impossible."""
        return punch_hole(self.fd, start, end)

    def wipe(self, start: int, end: int) -> None:
        """Make [start, end) read as zeros, as a hole where possible."""
        if self.punch(start, end):
            return
        for position in range(start, end, len(_ZEROS)):
            self.write(_ZEROS[: end - position], position)

    def try_lock(self) -> bool:
        """Exclude `share_lock`, also of other processes; False while a process holds it."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share_lock(self) -> None:
        """Wait until `try_lock` is free, and exclude it until `unlock` or `close`."""
        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def unlock(self) -> None:
        """Undo `try_lock` or `share_lock`."""
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the descriptor; a second time does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


Opener = Callable[[Path, int], LogFile]
"""Opens a path with the flags of `os.open`."""


def data_path(stem: Path) -> Path:
    """Return the path of the plain data file."""
    return stem.with_name(stem.name + ".log")


def index_path(stem: Path) -> Path:
    """Return the path of the index; the log exists if the index does."""
    return stem.with_name(stem.name + ".idx")


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable, without which synced files can vanish."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
