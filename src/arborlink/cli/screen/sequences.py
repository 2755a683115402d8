"""Splits what a program writes to its terminal into text and control sequences. Pure.

The grammar is that of ECMA-48 §5.4 and §5.6, with what terminals add to it: C0 controls inside of
a sequence are carried out and the sequence goes on; CAN and SUB end it; ESC begins another one
(the state machine of the VT500). C1 controls are recognised as two bytes and, encoded in UTF-8, as
one character; of lone bytes from 0x80 on only CSI is, since old code pages have letters there and
a string's end could be waited for in vain.

What cannot be decided yet is held back, so a sequence is always handed out whole; at most
MAX_HELD_BYTES are held.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Longer strings (pictures, clipboards) are handed out in parts; no other sequence is so long.
MAX_HELD_BYTES: Final = 4_096

_ESCAPE: Final = 0x1B
_BELL: Final = 0x07
_CSI_BYTE: Final = 0x9B
_LEAD_OF_C1: Final = 0xC2
# How many bytes a character of UTF-8 has, by its first one.
_LENGTHS: Final = ((0xC2, 0xDF, 2), (0xE0, 0xEF, 3), (0xF0, 0xF4, 4))

# What is looked at by itself. The rest, most of what is written, is passed over at once: text, and
# the sequences that move the cursor, erase, insert, delete and colour. None of them asks, or
# changes what outlasts the program.
_SPECIAL: Final = re.compile(
    rb"[\x05\x07\x0e\x0f\x1b\x9b\xc2](?:(?<=[\x05\x07\x0e\x0f\x9b])"
    rb"|(?<=\x1b)(?!\[[0-9;:]*[@A-HJKLMPXZ`abdefm])|(?<=\xc2)(?=[\x80-\x9f]))"
)
_C0: Final = rb"[\x00-\x17\x19\x1c-\x1f\x7f]*"
_CSI: Final = re.compile(
    rb"(?:\x1b" + _C0 + rb"\[|\xc2?\x9b)([\x00-\x17\x19\x1c-\x3f\x7f]*)([\x40-\x7e]?)"
)
_STRING: Final = re.compile(rb"\x1b" + _C0 + rb"([P\]X^_])|\xc2([\x90\x98\x9d-\x9f])")
_STRING_END: Final = re.compile(rb"[\x07\x18\x1a\x1b]|\xc2(?=[\x80-\x9f]|\Z)")
_ESCAPED: Final = re.compile(rb"\x1b([\x00-\x17\x19\x1c-\x2f\x7f]*)([\x30-\x7e]?)")
_CONTROLS: Final = bytes([*range(0x20), 0x7F])
# Sets a colour of the Linux console: it has no end, unlike the strings that begin in this way.
_CONSOLE_COLOUR: Final = re.compile(rb"\x1b\](?:R|P[0-9A-Fa-f]{7})")
_CONSOLE_PART: Final = re.compile(rb"\x1b\]P[0-9A-Fa-f]{0,6}\Z")
_PRIVATE: Final = b"<=>?"


class Kind(enum.Enum):
    """What a `Sequence` is."""

    TEXT = enum.auto()
    CONTROL = enum.auto()
    ESCAPE = enum.auto()
    CSI = enum.auto()
    STRING = enum.auto()
    # What follows a string that was too long to be held.
    STRING_REST = enum.auto()
    # The beginning of a sequence that was broken off: it means nothing. Terminals differ in where
    # such a sequence is over, so it could be half of another one.
    BROKEN = enum.auto()


@dataclass(frozen=True, slots=True)
class Sequence:
    """A piece of output; the `raw` of all of them are what was written, but for sequences too long
    to mean anything.

    `final`: last byte of an escape or control sequence, or the byte that says which string it is
    (`P`, `]`, `X`, `^`, `_`). `marks`: its private marker and intermediate bytes. `body`: the
    parameters of a control sequence, or the content of a string.
    """

    raw: bytes
    kind: Kind
    final: bytes = b""
    marks: bytes = b""
    body: bytes = b""
    is_whole: bool = True

    @property
    def form(self) -> bytes:
        """What it does, whatever its parameters are: `?h`, ` q`."""
        return self.marks + self.final

    def numbers(self) -> list[int]:
        """The parameters, 0 for those left out; of sub-parameters the first."""
        fields = (each.partition(b":")[0] for each in self.body.split(b";"))
        return [int(each[:9]) if each.isdigit() else 0 for each in fields]


class Splitter:
    """Cuts output into sequences, whatever pieces it comes in."""

    def __init__(self) -> None:
        self._held = b""
        self._in_string: bytes | None = None
        self._discards = False

    @property
    def in_string(self) -> bool:
        """Whether the beginning of a string was handed out, and its end was not."""
        return self._in_string is not None

    def split(self, data: bytes) -> Iterator[Sequence]:
        """Yield what can be decided of `data` and what was held before it. Use all of it."""
        data = self._held + data
        self._held = b""
        at = 0
        while at < len(data):
            found = self._rest_of_string(data, at) if self._in_string else self._next(data, at)
            if found is None:
                yield from self._hold(data[at:])
                return
            at += len(found.raw)
            if self._discards:
                self._discards = False
            elif found.raw:
                yield found

    def _hold(self, rest: bytes) -> Iterator[Sequence]:
        if len(rest) <= MAX_HELD_BYTES:
            self._held = rest
            return
        start = _STRING.match(rest)
        if start is None:
            # A control sequence that long means nothing: only its end is waited for.
            self._held = rest[:1] if rest[0] == _ESCAPE and rest[1:2] != b"[" else rest[:2]
            self._discards = True
            return
        # An escape at the end may be half of what ends it.
        cut = len(rest) - (rest[-1] in (_ESCAPE, _LEAD_OF_C1))
        self._held = rest[cut:]
        self._in_string = _string_kind(start)
        body = rest[start.end() : cut]
        yield Sequence(rest[:cut], Kind.STRING, self._in_string, body=body, is_whole=False)

    def _next(self, data: bytes, at: int) -> Sequence | None:
        special = _special(data, at)
        if special > at:
            return Sequence(data[at:special], Kind.TEXT)
        byte = data[at]
        if byte == _ESCAPE:
            return _escape(data, at)
        if byte == _LEAD_OF_C1 and len(data) > at + 1:
            return _control_of_utf8(data, at)
        if byte == _CSI_BYTE:
            return _control_sequence(data, at)
        if byte < 0x80:
            return Sequence(data[at : at + 1], Kind.CONTROL, data[at : at + 1])
        return None

    def _rest_of_string(self, data: bytes, at: int) -> Sequence | None:
        kind = self._in_string or b""
        content, end = _string_end(data, at, kind)
        if end is None:
            return Sequence(data[at:content], Kind.STRING_REST, kind) if content > at else None
        self._in_string = None
        return Sequence(data[at:end], Kind.STRING_REST, kind)


def _special(data: bytes, at: int) -> int:
    """Where what is not plain begins: a control, a sequence, or half of a character."""
    for found in _SPECIAL.finditer(data, at):
        where = found.start()
        if data[where] != _CSI_BYTE or not _is_continuation(data, where):
            return where
    for length in (1, 2, 3):
        if len(data) - length >= at and _is_cut(data, len(data) - length):
            return len(data) - length
    return len(data)


def _escape(data: bytes, at: int) -> Sequence | None:
    if (colour := _CONSOLE_COLOUR.match(data, at)) is not None:
        return Sequence(colour[0], Kind.ESCAPE, b"P", b"]")
    if _CONSOLE_PART.match(data, at) is not None:
        return None
    if _CSI.match(data, at) is not None:
        return _control_sequence(data, at)
    if (start := _STRING.match(data, at)) is not None:
        return _string(data, at, start)
    found = _ESCAPED.match(data, at)
    if found is None or (not found[2] and found.end() < len(data)):
        # Another escape, a character, CAN or SUB: this one is over without a meaning.
        return Sequence(data[at : at + 1 if found is None else found.end()], Kind.BROKEN)
    if not found[2]:
        return None
    return Sequence(found[0], Kind.ESCAPE, found[2], found[1].translate(None, _CONTROLS))


def _control_of_utf8(data: bytes, at: int) -> Sequence | None:
    if data[at + 1] == 0x9B:
        return _control_sequence(data, at)
    if (start := _STRING.match(data, at)) is not None:
        return _string(data, at, start)
    # Each of the others is the same as ESC and a letter (ECMA-48, §5.3).
    return Sequence(data[at : at + 2], Kind.ESCAPE, bytes([data[at + 1] - 0x40]))


def _control_sequence(data: bytes, at: int) -> Sequence | None:
    found = _CSI.match(data, at)
    if found is None or (not found[2] and found.end() == len(data)):
        return None
    if not found[2]:
        return Sequence(found[0], Kind.BROKEN)
    inner = found[1].translate(None, _CONTROLS)
    marker = inner[:1] if inner[:1] and inner[0] in _PRIVATE else b""
    body = inner[len(marker) :].rstrip(bytes(range(0x20, 0x30)))
    intermediates = inner[len(marker) + len(body) :]
    return Sequence(found[0], Kind.CSI, found[2], marker + intermediates, body)


def _string(data: bytes, at: int, start: re.Match[bytes]) -> Sequence | None:
    kind = _string_kind(start)
    content, end = _string_end(data, start.end(), kind)
    if end is None:
        return None
    return Sequence(data[at:end], Kind.STRING, kind, body=data[start.end() : content])


def _string_kind(start: re.Match[bytes]) -> bytes:
    return start[1] or bytes([start[2][0] - 0x40])


def _string_end(data: bytes, at: int, kind: bytes) -> tuple[int, int | None]:
    """Where a string's content ends, and where what ends it does; None: not in `data`."""
    for found in _STRING_END.finditer(data, at):
        where, byte = found.start(), data[found.start()]
        if byte == _BELL:
            # Only commands of the operating system end with it; it is content of the others.
            if kind == b"]":
                return where, where + 1
        elif byte in (_ESCAPE, _LEAD_OF_C1):
            if where + 1 == len(data):
                return where, None
            is_terminator = data[where + 1] == (0x5C if byte == _ESCAPE else 0x9C)
            return where, where + 2 if is_terminator else where
        else:
            return where, where + 1
    return len(data), None


def _character_length(lead: int) -> int:
    """How many bytes a character of UTF-8 has that begins with `lead`; 0: none begins with it."""
    return next((length for first, last, length in _LENGTHS if first <= lead <= last), 0)


def _is_cut(data: bytes, at: int) -> bool:
    """Whether the rest of `data` is the beginning of one character."""
    rest = data[at:]
    continues = all(0x80 <= each <= 0xBF for each in rest[1:])
    return continues and len(rest) < _character_length(rest[0])


def _is_continuation(data: bytes, at: int) -> bool:
    """Whether the byte at `at` lies within a character that began before it."""
    for back in (1, 2, 3):
        if at < back:
            return False
        byte = data[at - back]
        if not 0x80 <= byte <= 0xBF:
            return _character_length(byte) > back
    return False
