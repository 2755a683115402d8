"""A task's working folder, resolved inside the workspace at the moment of execution (rule 9).

The result is a descriptor, not a path: whatever links are swapped afterwards, the folder that was
checked is the folder that is used.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from arborlink.daemon import linux
from arborlink.protocol import octets

_FLAGS: Final = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
# openat2 is missing, or refused by a seccomp filter that does not know it.
_NO_OPENAT2: Final = frozenset({errno.ENOSYS, errno.EPERM})
# A link leads out, or is absolute and may yet lead back in.
_LEADS_OUT: Final = frozenset({errno.EXDEV, errno.ELOOP})


class FolderRefused(Exception):
    """The working folder cannot be used; the text says why."""


def open_folder(workspace: str, cwd: str) -> int:
    """Open `cwd` (relative to the workspace, or absolute and inside it) as a descriptor.

    Raises:
        FolderRefused: it is outside the workspace, missing, not a folder, or not accessible.
    """
    if "\0" in cwd:
        raise FolderRefused("the working folder's name contains a NUL character")
    relative = _relative(workspace, cwd)
    try:
        root_fd = os.open(workspace, _FLAGS)
    except OSError as error:
        raise FolderRefused(f"the workspace's folder cannot be opened: {error.strerror}") from error
    try:
        return _open_below(root_fd, workspace, relative)
    except OSError as error:
        raise FolderRefused(
            f"cannot use {octets.quoted(cwd)} as working folder: {error.strerror}"
        ) from error
    finally:
        os.close(root_fd)


def _relative(workspace: str, cwd: str) -> str:
    if not os.path.isabs(cwd):
        return cwd or "."
    if os.path.commonpath([workspace, cwd]) == workspace:
        return os.path.relpath(cwd, workspace)
    raise FolderRefused(f"{octets.quoted(cwd)} is outside the workspace")


def _open_below(root_fd: int, workspace: str, relative: str) -> int:
    try:
        return linux.openat2(
            root_fd, relative, _FLAGS, linux.RESOLVE_BENEATH | linux.RESOLVE_NO_MAGICLINKS
        )
    except OSError as error:
        if error.errno not in _NO_OPENAT2 | _LEADS_OUT:
            raise
    return _walk(root_fd, workspace, relative)


def _walk(root_fd: int, workspace: str, relative: str) -> int:
    """Resolve the links first, then walk down without following any.

    A link that is swapped in between makes the walk fail; it cannot make it leave.
    """
    real = os.path.realpath(os.path.join(workspace, relative))
    if os.path.commonpath([workspace, real]) != workspace:
        raise FolderRefused(f"{octets.quoted(relative)} leads out of the workspace")
    fd = os.dup(root_fd)
    for part in os.path.relpath(real, workspace).split(os.sep):
        try:
            below = os.open(part, _FLAGS | os.O_NOFOLLOW, dir_fd=fd)
        finally:
            os.close(fd)
        fd = below
    return fd
