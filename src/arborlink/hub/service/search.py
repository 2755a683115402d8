"""Search in a stored output, window by window, from an offset on. Knows no tasks and no clock.

The bytes are searched in their order, whichever stream wrote them, as people read them: without
control sequences. A hit lies within a line, never in or across a gap. A line that is longer than a
window is searched in windows that overlap by OVERLAP_BYTES, so a hit up to that long is found
wherever it is; a longer one may be cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from arborlink.hub.service.excerpts import CONTEXT_BYTES, excerpt
from arborlink.hub.service.matching import MAX_WINDOW_BYTES, Matcher
from arborlink.outputlog import Gap
from arborlink.protocol.limits import KIB
from arborlink.protocol.resources import SearchHit

# More than the longest text that can be looked for, and less than half of the smallest window.
OVERLAP_BYTES: Final = 4 * KIB


class Source(Protocol):
    """A log, by offset."""

    def read_mixed(self, offset: int, max_bytes: int) -> bytes | Gap | None:
        """What comes at an offset: bytes, the rest of a gap, or None at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Position:
    """Where a search goes on, and how many newlines are before that; None: not known."""

    offset: int
    newlines: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Hits in order, and where to go on.

    `firm`: up to here nothing can change by more output. Less than `position` only where the last
    line has no end yet.
    """

    hits: list[SearchHit]
    position: Position
    complete: bool
    firm: int


@dataclass(frozen=True, slots=True)
class _Window:
    """Bytes without a gap from `start` on. Hits begin at `data[at]` or after it."""

    start: int
    at: int
    data: bytes
    last: bool
    after_gap: bool

    @property
    def offset(self) -> int:
        return self.start + self.at

    def line_ends(self) -> int:
        """After the last whole line; 0 if there is none."""
        return self.data.rfind(b"\n", self.at) + 1

    def limits(self) -> tuple[int, int]:
        """The end of what to search in, and up to where a hit may begin."""
        size = len(self.data)
        if self.last:
            return size, size
        whole = self.line_ends()
        return (whole, whole) if whole else (size, size - OVERLAP_BYTES)


@dataclass(slots=True)
class _Search:
    source: Source
    matcher: Matcher
    end: int
    to: int
    limit: int
    stopped: Callable[[], bool]
    newlines: int | None
    hits: list[SearchHit] = field(default_factory=list)

    def run(self, offset: int) -> Found:
        firm = offset
        while offset < self.to and len(self.hits) < self.limit:
            window = _read_window(self.source, offset, self.end, self.matcher.window)
            if window is None:
                firm = offset = self.to
                break
            if window.after_gap:
                self.newlines = None
            searched = self._search(window)
            offset = window.start + searched
            firm = offset
            if window.last and window.start + len(window.data) >= self.end:
                firm = self._firm(window, offset)
            if self.stopped():
                break
        complete = offset >= self.to
        return Found(self.hits, Position(offset, self.newlines), complete, firm)

    def _search(self, window: _Window) -> int:
        """Look through a window; up to where in it that went."""
        end, settled = window.limits()
        settled = min(settled, self.to - window.start)
        read = self.matcher.readable(window.data, end)
        at = counted = window.at
        position = read.position(at)
        while at < settled and len(self.hits) < self.limit:
            span = self.matcher.find(read.text, position, len(read.text))
            start, end = (settled, settled) if span is None else read.raw(*span)
            if span is None or start >= settled:
                at = settled
                break
            self._count(window.data, counted, start)
            counted = start
            self.hits.append(self._hit(window, start, end))
            # One that is empty would be found again and again.
            at = max(end, start + 1)
            position = max(span[1], span[0] + 1)
            if self.stopped():
                break
        self._count(window.data, counted, at)
        return at

    def _hit(self, window: _Window, start: int, end: int) -> SearchHit:
        shown = excerpt(window.data, start, end)
        return SearchHit(
            offset=window.start + start,
            length=end - start,
            line=None if self.newlines is None else self.newlines + 1,
            text=shown.text,
            column=shown.column,
            width=shown.width,
        )

    def _count(self, data: bytes, start: int, end: int) -> None:
        if self.newlines is not None:
            self.newlines += data.count(b"\n", start, end)

    def _firm(self, window: _Window, offset: int) -> int:
        unfinished = max(window.at, window.line_ends(), len(window.data) - OVERLAP_BYTES)
        last = self.hits[-1] if self.hits else None
        behind = 0 if last is None else last.offset + max(1, last.length)
        return min(offset, max(window.start + unfinished, behind))


def search(
    source: Source,
    matcher: Matcher,
    start: Position,
    *,
    end: int,
    to: int,
    limit: int,
    stopped: Callable[[], bool],
) -> Found:
    """The first `limit` hits that begin in `[start.offset, to)` of a log that ends at `end`.

    `stopped` is asked after every hit and window; then what was found so far is the answer.
    """
    to = min(to, end)
    return _Search(source, matcher, end, to, limit, stopped, start.newlines).run(start.offset)


def newlines_before(source: Source, offset: int, stopped: Callable[[], bool]) -> int | None:
    """How many newlines are before an offset; None if that is not known, as after a gap."""
    count = position = 0
    while position < offset:
        data = source.read_mixed(position, min(MAX_WINDOW_BYTES, offset - position))
        if data is None or isinstance(data, Gap) or stopped():
            return None
        count += data.count(b"\n")
        position += len(data)
    return count


def _read_window(source: Source, offset: int, end: int, size: int) -> _Window | None:
    """The next bytes at or after an offset, with a little of what is before them, up to `size`
    from it on, or less at a gap or the end. None: there are none."""
    start = position = max(0, offset - CONTEXT_BYTES)
    stop = min(end, offset + size)
    parts: list[bytes] = []
    after_gap = False
    while position < stop:
        item = source.read_mixed(position, stop - position)
        if isinstance(item, bytes):
            parts.append(item)
            position += len(item)
        elif item is None or position > offset:
            break
        else:
            parts.clear()
            start = position = item.end
            if position > offset:
                offset, after_gap = position, True
                stop = min(end, offset + size)
    if position <= offset:
        return None
    last = position < stop or position >= end
    return _Window(start, offset - start, b"".join(parts), last, after_gap)
