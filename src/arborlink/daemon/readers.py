"""The logs that are open for sending: few at a time, however many tasks wait to be sent again."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Final

from arborlink.outputlog import LogReader

# Two descriptors each, and a process may have 1024 by default. More tasks than this take turns.
OPEN_READERS: Final = 64


class Readers:
    """Opens a log when it is asked for, and closes the one that was not for the longest time."""

    def __init__(self, most: int = OPEN_READERS) -> None:
        self._most = most
        self._open: OrderedDict[Path, LogReader] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def get(self, stem: Path) -> LogReader:
        """The reader of a log, until the next call of this.

        Raises:
            LogError: there is no such log, or it cannot be used.
            OSError: the disk refuses.
        """
        reader = self._open.get(stem)
        if reader is not None:
            self._open.move_to_end(stem)
            return reader
        while len(self._open) >= self._most:
            self._open.popitem(last=False)[1].close()
        reader = self._open[stem] = LogReader(stem)
        return reader

    def close(self, stem: Path) -> None:
        """Close a log, if it is open."""
        reader = self._open.pop(stem, None)
        if reader is not None:
            reader.close()
