"""Output written down for people and programs: plain text, JSON lines, asciicast. Pure.

A format takes what happened in its order, and gives back the bytes of a document piece by piece.
The hub and the command line both write with these. Raw output has no format.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

import msgspec

from arborlink.protocol import octets
from arborlink.protocol.plain_text import PlainText
from arborlink.protocol.resources import Task, TerminalSize, TerminalSizeChange

DEFAULT_SIZE: Final = (80, 24)
SECOND_US: Final = 1_000_000


class Format(Protocol):
    """Writes one document. `keeps_pieces`: it says which bytes were written together."""

    keeps_pieces: bool

    def begin(self, size: TerminalSizeChange | None) -> bytes:
        """Return what comes before everything else.

        `size`: the terminal's before the first byte of this output; None: it has no terminal.
        """
        ...

    def chunk(self, offset: int, is_error: bool, time_us: int, data: bytes) -> bytes:
        """Return what stands for bytes of stdout, or stderr; `time_us` is since the task's start.

        It may be empty, where more is needed to know what they mean.
        """
        ...

    def resize(self, change: TerminalSizeChange) -> bytes:
        """Return what stands for another size of the terminal, where there is such a thing."""
        ...

    def gap(self, start: int, end: int, reason: str) -> bytes:
        """Return what stands for the bytes `[start, end)`, which can never arrive."""
        ...

    def finish(self) -> bytes:
        """Return what was waiting for more, at the end of the output."""
        ...


class PlainTextFormat:
    """What a person would read (`plain_text`), as UTF-8; a gap is a line that says so."""

    keeps_pieces = False

    def __init__(self, task: Task) -> None:
        self._text = PlainText()

    def begin(self, size: TerminalSizeChange | None) -> bytes:
        """Return nothing."""
        return b""

    def resize(self, change: TerminalSizeChange) -> bytes:
        """Return nothing: lines are as long as they were written."""
        return b""

    def chunk(self, offset: int, is_error: bool, time_us: int, data: bytes) -> bytes:
        """Return lines, without control sequences."""
        return self._text.feed(data, is_error=is_error)

    def gap(self, start: int, end: int, reason: str) -> bytes:
        """Return a line of its own."""
        return self._text.finish() + f"\n{_gap_text(start, end, reason)}\n".encode()

    def finish(self) -> bytes:
        """Return the last line, which has no line feed."""
        return self._text.finish()


class JsonLinesFormat:
    """One object a line: a chunk with `text`, or `base64` when it is not UTF-8; a gap with its
    reason. `time` is in µs since the task's start. `sizes`: the terminal's are lines as well."""

    keeps_pieces = True

    def __init__(self, task: Task, *, sizes: bool = False) -> None:
        self._sizes = sizes

    def begin(self, size: TerminalSizeChange | None) -> bytes:
        """Return a line with the size, if sizes are wanted and there is one."""
        return b"" if size is None else self.resize(size)

    def resize(self, change: TerminalSizeChange) -> bytes:
        """Return one line, if sizes are wanted."""
        return msgspec.json.encode({"size": change}) + b"\n" if self._sizes else b""

    def chunk(self, offset: int, is_error: bool, time_us: int, data: bytes) -> bytes:
        """Return one line."""
        line: dict[str, object] = {
            "offset": offset,
            "length": len(data),
            "isError": is_error,
            "time": time_us,
        }
        try:
            line["text"] = data.decode()
        except UnicodeDecodeError:
            line["base64"] = base64.b64encode(data).decode()
        return msgspec.json.encode(line) + b"\n"

    def gap(self, start: int, end: int, reason: str) -> bytes:
        """Return one line."""
        return msgspec.json.encode({"gap": {"from": start, "to": end, "reason": reason}}) + b"\n"

    def finish(self) -> bytes:
        """Return nothing."""
        return b""


class AsciicastFormat:
    """A recording for asciinema players, version 2. What is not UTF-8 becomes U+FFFD.

    The first line is written with the first event: until then a size is not a change, but the size
    that the recording begins in. So it is the same while the task runs as once it is over.
    """

    keeps_pieces = True

    def __init__(self, task: Task) -> None:
        self._task = task
        make = codecs.getincrementaldecoder("utf-8")
        # A character that is cut in two continues in its own stream, not in the other one.
        self._decoders = {False: make("replace"), True: make("replace")}
        self._seconds = 0.0
        self._has_begun = False
        self._first_size: TerminalSize | None = None

    def begin(self, size: TerminalSizeChange | None) -> bytes:
        """Nothing yet: a later size may still be the one that the recording begins in."""
        self._first_size = size
        return b""

    def chunk(self, offset: int, is_error: bool, time_us: int, data: bytes) -> bytes:
        """Return one event, never before the one that was written last."""
        self._seconds = max(self._seconds, time_us / SECOND_US)
        text = self._decoders[is_error].decode(data)
        # Output without a terminal has bare line feeds; a player needs a carriage return as well.
        return self._event("o", text if self._task.tty else text.replace("\n", "\r\n"))

    def resize(self, change: TerminalSizeChange) -> bytes:
        """An event of its own, before the output that was written at this size."""
        if not self._has_begun:
            self._first_size = change
            return b""
        self._seconds = max(self._seconds, change.time / SECOND_US)
        return self._event("r", f"{change.cols}x{change.rows}")

    def gap(self, start: int, end: int, reason: str) -> bytes:
        """Return an event whose text names the gap."""
        return self._event("o", f"{self._rest()}\r\n{_gap_text(start, end, reason)}\r\n")

    def finish(self) -> bytes:
        """Return the rest of characters that were cut off."""
        return self._event("o", self._rest())

    def _header(self) -> bytes:
        self._has_begun = True
        task, size = self._task, self._first_size
        cols, rows = DEFAULT_SIZE if size is None else (size.cols, size.rows)
        title = octets.shown(task.title or task.command)
        header = {"version": 2, "width": cols, "height": rows, "title": title}
        return msgspec.json.encode(header) + b"\n"

    def _event(self, code: str, data: str) -> bytes:
        header = b"" if self._has_begun else self._header()
        return header + (msgspec.json.encode([self._seconds, code, data]) + b"\n" if data else b"")

    def _rest(self) -> str:
        return "".join(each.decode(b"", final=True) for each in self._decoders.values())


FORMATS: Final[Mapping[str, Callable[[Task], Format]]] = MappingProxyType(
    {"text": PlainTextFormat, "jsonl": JsonLinesFormat, "asciicast": AsciicastFormat}
)
"""By the names that the HTTP API and the command line have for them."""


def _gap_text(start: int, end: int, reason: str) -> str:
    # A reason comes from a peer: what is not printable in it would act on a terminal.
    said = reason if reason.isprintable() else reason.encode("unicode_escape").decode()
    return f"[{end - start} bytes are missing: {said}]"
