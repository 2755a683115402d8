"""Find the file that a command's first word names; where commands are restricted, hold it open.

A path is only a name: a link or a file in it can be exchanged between a check and `execve`. A
restricted command is therefore opened once, checked by what the kernel says was opened, and
executed through that descriptor.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from arborlink.protocol import octets
from arborlink.protocol.lifecycle import Reason

NOT_FOUND_CODE: Final = 127
NOT_EXECUTABLE_CODE: Final = 126
NOT_EXECUTABLE: Final = frozenset({errno.EACCES, errno.ENOEXEC, errno.EISDIR, errno.EPERM})

# The kernel reads so many bytes of a script's first line, and follows so many interpreters that
# are scripts themselves (BINPRM_BUF_SIZE and the loop in exec_binprm(), linux/fs/exec.c).
_FIRST_LINE_BYTES: Final = 256
_MAX_INTERPRETERS: Final = 5
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_O_PATH: Final = getattr(os, "O_PATH", os.O_RDONLY)


class StartFailed(Exception):
    """The command could not be started. `exit_code` is the one a shell would give, or None."""

    def __init__(self, reason: Reason, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.exit_code = exit_code


def not_executable(name: bytes, why: str) -> StartFailed:
    """Say that a file is there and cannot be executed, as 126."""
    text = f"{octets.quoted_bytes(name)} cannot be executed: {why}"
    return StartFailed(Reason.COMMAND_NOT_EXECUTABLE, text, NOT_EXECUTABLE_CODE)


def not_found(name: bytes) -> StartFailed:
    """Say that a path leads to no file, as 127."""
    text = (
        f"{octets.quoted_bytes(name)} does not exist, or the interpreter that its first line names"
    )
    return StartFailed(Reason.COMMAND_NOT_FOUND, text, NOT_FOUND_CODE)


def absolute_folders(path: bytes) -> list[bytes]:
    """Split a PATH. Entries that are not absolute would depend on the working folder: left out."""
    return [entry for entry in path.split(b":") if entry.startswith(b"/")]


def find_in_path(name: bytes, folders: Iterable[bytes]) -> bytes:
    """Return the first file of that name that may be executed.

    Raises:
        StartFailed: there is none.
    """
    seen = False
    for folder in folders:
        candidate = os.path.join(folder, name)
        if os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                return candidate
            seen = True
    if seen:
        raise not_executable(name, "no permission")
    text = f"{octets.quoted_bytes(name)} is not in the PATH"
    raise StartFailed(Reason.COMMAND_NOT_FOUND, text, NOT_FOUND_CODE)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Hold a file to execute open. Its owner closes `fd`.

    `named` is the directory entry that was opened: the real path of its folder, and the name in
    it. `real` is the file's own path, which is another one where the entry is a symbolic link.
    """

    fd: int
    named: str
    real: str

    @property
    def path(self) -> bytes:
        """Return a path that leads to the open file, in a child as well, whatever is renamed."""
        return os.fsencode(_link(self.fd))


def open_file(path: bytes) -> OpenFile:
    """Open a regular file for execution, relative to the current folder.

    Raises:
        StartFailed: there is no such file, or it is of another kind.
        OSError: there are no descriptors left, which says nothing about the file.
    """
    folder, name = os.path.split(path)
    if name in (b"", b".", b".."):
        raise not_executable(path, "it is a folder")
    try:
        folder_fd = os.open(folder or b".", _O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fd = os.open(name, _O_PATH | os.O_CLOEXEC, dir_fd=folder_fd)
            named = os.path.join(real_path(folder_fd), os.fsdecode(name))
        finally:
            os.close(folder_fd)
    except FileNotFoundError as error:
        raise not_found(path) from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        raise not_executable(path, str(error.strerror)) from error
    try:
        return OpenFile(fd, named, _checked_path(fd, path))
    except BaseException:
        os.close(fd)
        raise


def real_path(fd: int) -> str:
    """Ask the kernel for the path of what is open: no link and no `..` is left in it.

    Raises:
        StartFailed: there is no /proc that could tell.
    """
    try:
        return os.readlink(_link(fd))
    except OSError as error:
        text = f"a restricted command cannot be checked without /proc: {error.strerror}"
        raise StartFailed(Reason.START_FAILED, text) from error


def through_interpreters(file: OpenFile, argv: list[bytes]) -> tuple[OpenFile, list[bytes]]:
    """Follow a script's first line, as the kernel would, to the program that reads the script.

    The kernel hands the path that it was given over to the interpreter. For a path in /proc that
    would be a number that means nothing to `dirname "$0"`, hence the line is read here, and the
    interpreter gets the script's path as `file.named`.

    Returns:
        `file` itself and `argv` for a program; else another open file, and `file` is closed.

    Raises:
        StartFailed: an interpreter is missing, or its path depends on the working folder; `file`
            is closed.
    """
    script = os.fsencode(file.named)
    for _ in range(_MAX_INTERPRETERS):
        try:
            words = _interpreter(file, script)
            if words is None:
                return file, argv
            following = open_file(words[0])
        except BaseException:
            os.close(file.fd)
            raise
        os.close(file.fd)
        file, argv, script = following, [*words, script, *argv[1:]], words[0]
    os.close(file.fd)
    raise not_executable(script, "its interpreter is a script as well, too many times over")


def _interpreter(file: OpenFile, script: bytes) -> list[bytes] | None:
    """Read the interpreter and its one optional argument from a script's first line."""
    try:
        fd = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        return None  # a program that may be executed and not read; no interpreter could read it
    except OSError as error:
        raise not_executable(script, str(error.strerror)) from error
    try:
        head = os.pread(fd, _FIRST_LINE_BYTES, 0)
    finally:
        os.close(fd)
    if not head.startswith(b"#!"):
        return None
    line, newline, _ = head[2:].partition(b"\n")
    words = line.split(b"\0", 1)[0].strip(b" \t").replace(b"\t", b" ").split(b" ", 1)
    # Without an end in what the kernel reads, the interpreter's path may be cut off.
    if not words[0] or not (newline or len(words) > 1 or len(head) < _FIRST_LINE_BYTES):
        raise not_executable(script, "its first line names no interpreter")
    if not words[0].startswith(b"/"):
        raise not_executable(script, "its interpreter's path is not absolute")
    return [words[0], *(word.strip(b" ") for word in words[1:])]


def _checked_path(fd: int, path: bytes) -> str:
    state = os.fstat(fd)
    if stat.S_ISDIR(state.st_mode):
        raise not_executable(path, "it is a folder")
    if not stat.S_ISREG(state.st_mode):
        raise not_executable(path, "it is not a file")
    real = real_path(fd)
    try:
        # The kernel marks the path of a deleted file, and that path may be another file's.
        if os.path.samestat(os.stat(real, follow_symlinks=False), state):
            return real
    except OSError:
        pass
    raise not_found(path)


def _link(fd: int) -> str:
    return f"/proc/self/fd/{fd}"
