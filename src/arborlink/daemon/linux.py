"""System calls of Linux that Python has no name for. Elsewhere each says that it is missing."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import Final

RESOLVE_NO_MAGICLINKS: Final = 0x02
RESOLVE_BENEATH: Final = 0x08

# The number is the same on every architecture that has the call (Linux 5.6).
_SYS_OPENAT2: Final = 437
_PR_SET_DUMPABLE: Final = 4
_PR_SET_CHILD_SUBREAPER: Final = 36
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
# Bytes: blocks up to the one come from the heap, which keeps up to the other when they are freed.
_HEAP_BLOCK_BYTES: Final = 4 * 1024 * 1024
_HEAP_KEPT_BYTES: Final = 16 * 1024 * 1024


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def openat2(folder_fd: int, path: str, flags: int, resolve: int) -> int:
    """Open `path` below an open folder under the rules of `resolve`; not inherited by children.

    Raises:
        OSError: as openat2(2) says; ENOSYS where there is no such call.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    how = _OpenHow(flags | os.O_CLOEXEC, 0, resolve)
    library = ctypes.CDLL(None, use_errno=True)
    fd = library.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_int(folder_fd),
        ctypes.c_char_p(path.encode("utf-8", "surrogateescape")),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)
    return int(fd)


def become_subreaper() -> bool:
    """Adopt orphaned descendants, so that they stay below us; False where that is impossible."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def keep_heap() -> bool:
    """Use freed memory again; False where the C library has no such setting.

    It would give every frame's memory back to the system and ask for it again, page by page, which
    costs more than everything else that is done to a frame.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, _HEAP_BLOCK_BYTES)
        and mallopt(_M_TRIM_THRESHOLD, _HEAP_KEPT_BYTES)
    )


def hide_memory() -> bool:
    """Keep other processes of this user out of our memory, which holds the daemon's token."""
    return _prctl(_PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    return int(library.prctl(option, ctypes.c_ulong(value), 0, 0, 0)) == 0
