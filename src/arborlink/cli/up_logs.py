"""Follows log files while they are turned over: `arbor up --verbose`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

POLL_SECONDS: Final = 0.2
READ_BYTES: Final = 64 * 1024
MAX_LINE_BYTES: Final = 64 * 1024


async def follow(name: str, path: Path, say: Callable[[str], None]) -> None:
    """Pass each new line of the file at `path` to `say`, after `name`, until cancelled."""
    tail = _Tail(path)
    try:
        while True:
            for line in tail.read():
                say(f"{name}: {line}")
            await asyncio.sleep(POLL_SECONDS)
    finally:
        tail.close()


class _Tail:
    """The lines that come to one file from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending = b""
        self._file = self._open()
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)

    def read(self) -> list[str]:
        """Return what is new; of a file that was turned over, the rest of it comes first."""
        lines = self._rest()
        if self._is_replaced():
            self.close()
            self._file = self._open()
            lines += self._rest()
        return lines

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rest(self) -> list[str]:
        found: list[bytes] = []
        while self._file is not None and (data := self._file.read(READ_BYTES)):
            *lines, self._pending = (self._pending + data).split(b"\n")
            self._pending = self._pending[:MAX_LINE_BYTES]
            found += lines
        return [line.decode("utf-8", "replace") for line in found]

    def _open(self) -> BinaryIO | None:
        try:
            return self._path.open("rb")
        except OSError:
            return None

    def _is_replaced(self) -> bool:
        try:
            now = os.stat(self._path)
        except OSError:
            return False
        return self._file is None or not os.path.samestat(now, os.fstat(self._file.fileno()))
