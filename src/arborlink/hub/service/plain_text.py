"""Output without the control sequences of terminals, piece by piece, as UTF-8. Pure."""

from __future__ import annotations

import codecs
import re
from typing import Final

# ECMA-48 5.3-5.6. A sequence that is cut off by the end of a piece does not match: it waits.
_SEQUENCE: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[ -/]*[0-OQ-WYZ\\`-~])")
_UNFINISHED: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)\Z")
# OSC, DCS, SOS, PM and APC carry text for the terminal, of any length, up to ST or BEL.
_STRING_START: Final = re.compile(rb"\x1b[\]PX^_]")
_STRING_END: Final = re.compile(rb"\x07|\x1b\\|\x18|\x1a")
# A sequence that has not ended after so many bytes is none.
MAX_SEQUENCE_BYTES: Final = 256
_ESCAPE: Final = b"\x1b"
_EIGHT_BIT_CONTROLS: Final = re.compile("[\x80-\x9f]")
# All controls but tab and newline; carriage returns have become newlines before.
_CONTROLS: Final = bytes(byte for byte in (*range(0x20), 0x7F) if byte not in (0x09, 0x0A, 0x0D))


class PlainText:
    """Takes pieces of one output, in order, and gives back what a person would read.

    Lines that a program wrote over (with a lone carriage return) become lines of their own: nothing
    that could be read is left out. What is not UTF-8 becomes U+FFFD. Holds at most
    `MAX_SEQUENCE_BYTES` back between pieces.
    """

    def __init__(self) -> None:
        self._held = b""
        self._in_string = False
        # A carriage return that may be half of a line's end.
        self._return = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> bytes:
        """The text of this piece, as far as it can be told yet."""
        data, self._held = self._held + data, b""
        parts: list[bytes] = []
        at = 0
        while at < len(data):
            at = self._skip_string(data, at) if self._in_string else self._take(data, at, parts)
        text = self._return + b"".join(parts)
        self._return = b"\r" if text.endswith(b"\r") else b""
        return self._characters(_readable(text.removesuffix(b"\r")))

    def finish(self) -> bytes:
        """What was held back, at the output's end."""
        text = self._return + (b"" if self._in_string else self._held)
        self._held, self._return, self._in_string = b"", b"", False
        return self._characters(_readable(text), final=True)

    def _characters(self, text: bytes, *, final: bool = False) -> bytes:
        """Only whole ones, and none that terminals take for a control."""
        if text.isascii() and not self._decoder.getstate()[0]:
            return text
        return _EIGHT_BIT_CONTROLS.sub("", self._decoder.decode(text, final)).encode()

    def _take(self, data: bytes, at: int, parts: list[bytes]) -> int:
        """Text up to the next escape, which is passed over or held; where to go on."""
        escape = data.find(_ESCAPE, at)
        if escape < 0:
            parts.append(data[at:])
            return len(data)
        parts.append(data[at:escape])
        if _STRING_START.match(data, escape):
            self._in_string = True
            return escape + 2
        found = _SEQUENCE.match(data, escape)
        if found is not None:
            return found.end()
        if len(data) - escape < MAX_SEQUENCE_BYTES and not _is_broken(data, escape):
            self._held = data[escape:]
            return len(data)
        return escape + 1

    def _skip_string(self, data: bytes, at: int) -> int:
        found = _STRING_END.search(data, at)
        if found is not None:
            self._in_string = False
            return found.end()
        if data.endswith(_ESCAPE):
            self._held = _ESCAPE
        return len(data)


def _is_broken(data: bytes, escape: int) -> bool:
    """Whether what follows can no longer become a sequence, however it goes on."""
    return _UNFINISHED.match(data, escape) is None


def _readable(text: bytes) -> bytes:
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text.translate(None, _CONTROLS)
