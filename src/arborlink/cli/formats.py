"""A task's output as `arbor logs` prints it. The same formats as the hub's own."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from arborlink import visible
from arborlink.client import Chunk, Gap, Task
from arborlink.protocol import octets

DEFAULT_SIZE: Final = (80, 24)
MICROSECONDS: Final = 1_000_000

Encoder: TypeAlias = Callable[[Chunk | Gap], bytes]


def raw(item: Chunk | Gap) -> bytes:
    """The bytes; a gap has none."""
    return item.data if isinstance(item, Chunk) else b""


def jsonl(item: Chunk | Gap) -> bytes:
    """One object a line: `text`, or `base64` when it is not UTF-8; `time` in µs."""
    if isinstance(item, Gap):
        gap = {"from": item.start, "to": item.end, "reason": item.reason}
        return msgspec.json.encode({"gap": gap}) + b"\n"
    line: dict[str, object] = {
        "offset": item.offset,
        "length": len(item.data),
        "isError": item.is_error,
        "time": item.time,
    }
    try:
        line["text"] = item.data.decode()
    except UnicodeDecodeError:
        line["base64"] = base64.b64encode(item.data).decode()
    return msgspec.json.encode(line) + b"\n"


class Asciicast:
    """A recording for asciinema players, version 2. What is not UTF-8 becomes U+FFFD."""

    def __init__(self, task: Task) -> None:
        cols, rows = (task.tty.cols, task.tty.rows) if task.tty else DEFAULT_SIZE
        self._header = {
            "version": 2,
            "width": cols,
            "height": rows,
            "title": octets.shown(task.title or task.command),
        }
        self._line_feeds = b"\n" if task.tty else b"\r\n"
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._seconds = 0.0

    def header(self) -> bytes:
        """The first line."""
        return msgspec.json.encode(self._header) + b"\n"

    def event(self, item: Chunk | Gap) -> bytes:
        """One line for each piece."""
        if isinstance(item, Gap):
            text = (
                f"\r\n[{item.end - item.start} bytes are missing: {visible.line(item.reason)}]\r\n"
            )
        else:
            self._seconds = item.time / MICROSECONDS
            text = self._decoder.decode(item.data.replace(b"\n", self._line_feeds))
        return msgspec.json.encode([self._seconds, "o", text]) + b"\n" if text else b""
