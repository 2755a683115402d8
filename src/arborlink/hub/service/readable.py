"""Output as people read it, for a search: without what a terminal does not show. Pure.

Where a byte of the text is in the output is known, so that a hit can be told by its offset. Nothing
that is left out reaches over the end of a line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int]

# ECMA-48, 5.3-5.6, after its introducer. A string that a program did not end goes as far as its
# line, as in plain text; a sequence that is cut off by the end of the data counts as one.
_CONTROL: Final = rb"[0-?]*[ -/]*(?:[@-~]|\Z)"
_STRING: Final = rb"[^\x07\x18\x1a\x1b\n]*?(?:[\x07\x18\x1a]|\x1b\\|\xc2\x9c|(?=[\x1b\n])|\Z)"
_ESCAPES: Final = (
    rb"\x1b(?:\[" + _CONTROL + rb"|[\]PX^_]" + _STRING + rb"|[ -/]*[0-OQ-WYZ\\`-~]|[ -/]*\Z|)"
)
# C1 controls as UTF-8 has them.
_C1: Final = rb"\xc2(?:\x9b" + _CONTROL + rb"|[\x90\x98\x9d-\x9f]" + _STRING + rb"|[\x80-\x9f])"
# The rest of a line's end: what `$` is before.
_RETURNS: Final = rb"\r+(?=\n)"
_BACKSPACE: Final = b"\x08"
_LINE_FEED: Final = 0x0A

_C1_CONTROL: Final = re.compile(rb"\xc2[\x80-\x9f]")


@lru_cache(maxsize=16)
def _pattern(*alternatives: bytes) -> re.Pattern[bytes]:
    return re.compile(b"|".join(alternatives))


class Readable:
    """The text of some output.

    `control`: what is left out of it first, None: nothing. Then each backspace is, with the
    character before it, over which the next one is written, as in bold and underlined text of
    `man`; unless `keeps_backspaces`.
    """

    def __init__(
        self, data: bytes, control: re.Pattern[bytes] | None, *, keeps_backspaces: bool = False
    ) -> None:
        self.text = data
        self._layers: list[_Layer] = []
        if control is not None:
            self._add(_Layer(partial(_matches, control, data)), control.sub(b"", data))
        if not keeps_backspaces and _BACKSPACE in self.text:
            text = self.text
            self._add(_Layer(partial(_overwritten, text)), _without_overwritten(text))

    @classmethod
    def shown(cls, data: bytes, *, line_ends: bool) -> Readable:
        """Make it without what a terminal does not show; with `line_ends` also without the carriage
        returns before line feeds."""
        # Most output has no such bytes: it is not looked through a second time.
        used = [_ESCAPES] if b"\x1b" in data else []
        if b"\xc2" in data and _C1_CONTROL.search(data):
            used.append(_C1)
        if line_ends and b"\r\n" in data:
            used.append(_RETURNS)
        return cls(data, _pattern(*used) if used else None)

    def _add(self, layer: _Layer, text: bytes) -> None:
        self._layers.append(layer)
        self.text = text

    def position(self, offset: int) -> int:
        """Return where in the text an offset of the data is: of what is hidden, where it would be.

        It takes as long as what is before the offset.
        """
        for layer in self._layers:
            offset = layer.position(offset)
        return offset

    def raw(self, start: int, end: int) -> tuple[int, int]:
        """Return where `[start, end)` of the text is in the data, from first to last byte."""
        first = self._offset(start)
        return first, self._offset(end - 1) + 1 if end > start else first

    def _offset(self, position: int) -> int:
        for layer in reversed(self._layers):
            position = layer.offset(position)
        return position


class _Layer:
    """What is left out of bytes: the ranges that `spans` gives, in order, whenever it is called."""

    def __init__(self, spans: Callable[[], Iterator[Span]]) -> None:
        self._spans = spans
        self._places: tuple[list[int], list[int]] | None = None

    def position(self, offset: int) -> int:
        removed = 0
        for start, end in self._spans():
            if start >= offset:
                break
            removed += min(end, offset) - start
        return offset - removed

    def offset(self, position: int) -> int:
        if self._places is None:
            self._places = self._find_places()
        positions, removed = self._places
        return position + removed[bisect_right(positions, position)]

    def _find_places(self) -> tuple[list[int], list[int]]:
        """Where in the rest something is left out, and how much up to each of these places."""
        positions, removed = list[int](), [0]
        for start, end in self._spans():
            positions.append(start - removed[-1])
            removed.append(removed[-1] + end - start)
        return positions, removed


def hidden_spans(line: bytes) -> list[Span]:
    """Return what of a line is not shown, in order."""
    return sorted([*_matches(_pattern(_ESCAPES, _C1), line), *_overwritten(line)])


def _matches(pattern: re.Pattern[bytes], data: bytes) -> Iterator[Span]:
    for found in pattern.finditer(data):
        yield found.span()


def _overwritten(data: bytes) -> Iterator[Span]:
    after = 0
    for part in data.split(_BACKSPACE)[:-1]:
        end = after + len(part)
        yield end - _last_character(part), end + 1
        after = end + 1


def _without_overwritten(data: bytes) -> bytes:
    *before, last = data.split(_BACKSPACE)
    return b"".join([*(part[: len(part) - _last_character(part)] for part in before), last])


def _last_character(part: bytes) -> int:
    """Return how many bytes the last character has; 0: there is none on its line."""
    if not part or part[-1] == _LINE_FEED:
        return 0
    size = 1
    while size < min(len(part), 4) and part[-size] & 0xC0 == 0x80:
        size += 1
    return size
