"""One terminal's model, and how far in its log it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.parser import Parser
from arborlink.hub.screen.pens import PLAIN
from arborlink.hub.screen.skipping import skipped_modes
from arborlink.hub.screen.snapshot import snapshot
from arborlink.outputlog import Gap, LogError, LogReader
from arborlink.protocol import limits
from arborlink.protocol.limits import KIB
from arborlink.protocol.resources import TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory

# What a model that is further behind than the first does not draw, but for the last of it.
FAR_BEHIND_BYTES: Final = 512 * KIB
TAIL_BYTES: Final = 256 * KIB
# Of text without sequences, between two looks at the clock.
PIECE_BYTES: Final = 1 * KIB
READ_BYTES: Final = 64 * KIB
# Of the time for what is skipped; then the tail is drawn with what was found.
SCAN_SECONDS: Final = 0.3
# A line, or at least a sequence, begins within so many bytes; a tail begins there.
_LINE_BYTES: Final = 4 * KIB
_DEFAULT_SIZE: Final = (80, 24)


class Follower:
    """Draws a log as far as it is asked to. `offset`: up to where it is drawn."""

    def __init__(self, stem: Path, sizes: list[TerminalSizeChange]) -> None:
        self.sizes = SizeHistory(sizes)
        self.offset = 0
        self._stem = stem
        self._reader: LogReader | None = None
        first = self.sizes.at(0) or self.sizes.last
        self.model = ScreenModel(*(_DEFAULT_SIZE if first is None else (first.cols, first.rows)))
        self._parser = Parser(self.model)

    def end(self) -> int:
        """Return where the log ends now.

        Raises:
            LogError, OSError: it cannot be read.
        """
        reader = self._log()
        return 0 if reader is None else reader.end()

    def draw(self, end: int, is_late: Callable[[], bool]) -> bool:
        """Draw up to `end`, as long as there is time; whether all of it was drawn.

        Raises:
            LogError, OSError: the log cannot be read.
        """
        while self.offset < end or self._parser.is_behind:
            if is_late() or not self._parser.feed(b"", is_late):
                return False
            self._apply_sizes()
            if self.offset >= end:
                break
            found = self._read(self.offset, min(end, self._next_size()) - self.offset)
            if not isinstance(found, bytes):
                # Bytes that will never arrive, or were given back.
                self._parser.interrupt()
                self.offset = max(found, self.offset + 1)
                continue
            for start in range(0, len(found), PIECE_BYTES):
                piece = found[start : start + PIECE_BYTES]
                self.offset += len(piece)
                if not self._parser.feed(piece, is_late):
                    return False
                if is_late():
                    return self.offset >= end
        self._apply_sizes()
        return True

    def skip(self, to: int, is_late: Callable[[], bool]) -> None:
        """Go on at `to` or shortly after it, with the modes as they are there.

        Raises:
            LogError, OSError: the log cannot be read.
        """
        if to <= self.offset:
            return
        model = self.model
        sequences = skipped_modes(self._bytes, self.offset, to, is_late)
        self._parser.interrupt()
        if not model.is_alternate:
            self._clear()
        self.offset = to
        self._apply_sizes()
        self._parser.feed(sequences)
        # A program that fills the screen draws what changes: what it does not may be right still.
        if not model.is_alternate:
            self._clear()
        model.cursor.pen = PLAIN
        self.offset += _beginning(self._bytes(to, _LINE_BYTES))

    def catch_up(self, end: int, seconds: float) -> bool:
        """Draw up to `end`, or skip what is too much of it; False if the time is up before.

        Raises:
            LogError, OSError: the log cannot be read.
        """
        began = time.monotonic()
        if end - self.offset > FAR_BEHIND_BYTES:
            scan = min(SCAN_SECONDS, seconds / 3)
            self.skip(end - TAIL_BYTES, lambda: time.monotonic() > began + scan)
        return self.draw(end, lambda: time.monotonic() > began + seconds)

    def close(self) -> None:
        """Close the log."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _log(self) -> LogReader | None:
        if self._reader is None and self._stem.with_suffix(".idx").exists():
            self._reader = LogReader(self._stem)
        return self._reader

    def _read(self, offset: int, size: int) -> bytes | int:
        """Return bytes at an offset, or where there are some again."""
        reader = self._log()
        if reader is None:
            raise LogError(f"{self._stem.name} is gone")
        found = reader.read_mixed(offset, max(1, min(size, READ_BYTES)))
        if isinstance(found, Gap):
            return found.end
        return found or offset + size

    def _bytes(self, offset: int, size: int) -> bytes:
        """Return what there is of `[offset, offset + size)`; nothing where bytes are missing."""
        parts: list[bytes] = []
        end = offset + size
        while offset < end:
            found = self._read(offset, end - offset)
            if isinstance(found, bytes):
                parts.append(found)
                offset += len(found)
            else:
                offset = found
        return b"".join(parts)

    def _apply_sizes(self) -> None:
        size = self.sizes.at(self.offset)
        if size is not None:
            self.model.resize(size.cols, size.rows)

    def _next_size(self) -> int:
        following = self.sizes.after(self.offset)
        return following[0].offset if following else limits.MAX_OFFSET

    def _clear(self) -> None:
        """Nothing is known of the main screen any more."""
        model = self.model
        model.main.clear()
        if model.main.scrollback is not None:
            model.main.scrollback.clear()
        model.cursor.x, model.cursor.y, model.cursor.is_past = 0, 0, False


def _beginning(data: bytes) -> int:
    """Return where in a part of an output to begin: at a line, or else at a sequence."""
    line = data.find(b"\n")
    if line >= 0:
        return line + 1
    return max(0, data.find(b"\x1b"))


def taken_bytes(model: ScreenModel) -> bytes | None:
    """Return the snapshot of a model, None if it is too large to be sent."""
    return snapshot(model, limits.SCREEN_BYTES)
