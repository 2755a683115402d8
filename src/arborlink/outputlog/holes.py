"""Give a range of a file back to the file system: it reads as zeros then and costs no space."""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Final

_KEEP_SIZE: Final = 0x01
_PUNCH_HOLE: Final = 0x02


def punch_hole(fd: int, start: int, end: int) -> bool:
    """Turn the bytes [start, end) of an open file into a hole; the file's size stays.

    Returns False where the platform or the file system cannot: nothing has changed then.
    """
    fallocate = _fallocate()
    if fallocate is None or end <= start:
        return False
    return fallocate(fd, _PUNCH_HOLE | _KEEP_SIZE, start, end - start) == 0


@cache
def _fallocate() -> Callable[[int, int, int, int], int] | None:
    """Return the C library's fallocate with 64-bit offsets."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    # glibc on 32-bit machines has a narrow off_t in the plain one; musl has the plain one only.
    function = getattr(library, "fallocate64", None) or getattr(library, "fallocate", None)
    if function is None:
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    function.restype = ctypes.c_int

    def call(fd: int, mode: int, start: int, length: int) -> int:
        return int(function(fd, mode, start, length))

    return call
