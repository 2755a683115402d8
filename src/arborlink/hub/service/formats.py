"""Stored output as people and programs take it away: raw bytes, JSON lines, asciicast."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Iterator
from typing import Final

import msgspec

from arborlink.outputlog import Chunk, Gap, LogReader
from arborlink.protocol.limits import KIB
from arborlink.protocol.resources import GapInfo, Task

READ_BYTES: Final = 256 * KIB
DEFAULT_SIZE: Final = (80, 24)

Stream = str | None


def pieces(
    reader: LogReader, start: int, end: int, stream: Stream, *, merge: bool
) -> Iterator[Chunk | Gap]:
    """Chunks and gaps of `[start, end)`, of one stream ("stdout", "stderr") or both (None)."""
    offset = start
    while offset < end:
        item = reader.read(offset, min(READ_BYTES, end - offset), merge=merge)
        if item is None:
            return
        offset = min(item.end, end)
        if isinstance(item, Chunk) and stream is not None:
            if item.is_error != (stream == "stderr"):
                continue
        yield item


def raw(
    reader: LogReader, start: int, end: int, stream: Stream, *, merge: bool = True
) -> Iterator[bytes]:
    """The bytes. A byte's position is its offset, so a gap is as many NULs; of one stream alone
    positions have no meaning and gaps are left out."""
    for item in pieces(reader, start, end, stream, merge=merge):
        if isinstance(item, Chunk):
            yield item.data
        elif stream is None:
            yield from _zeros(min(item.end, end) - max(item.start, start))


def _zeros(length: int) -> Iterator[bytes]:
    while length > 0:
        yield bytes(min(length, READ_BYTES))
        length -= READ_BYTES


def jsonl(reader: LogReader, start: int, end: int, stream: Stream) -> Iterator[bytes]:
    """One object a line: a chunk with `text`, or `base64` when it is not UTF-8; a gap with its
    reason. `time` is in µs since the task's start."""
    for item in pieces(reader, start, end, stream, merge=False):
        if isinstance(item, Gap):
            gap = {"from": item.start, "to": item.end, "reason": item.reason}
            yield msgspec.json.encode({"gap": gap}) + b"\n"
            continue
        line: dict[str, object] = {
            "offset": item.offset,
            "length": len(item.data),
            "isError": item.is_error,
            "time": item.time_us,
        }
        try:
            line["text"] = item.data.decode()
        except UnicodeDecodeError:
            line["base64"] = base64.b64encode(item.data).decode()
        yield msgspec.json.encode(line) + b"\n"


def asciicast(
    reader: LogReader, start: int, end: int, stream: Stream, task: Task
) -> Iterator[bytes]:
    """A recording for asciinema players, version 2. What is not UTF-8 becomes U+FFFD."""
    cols, rows = (task.tty.cols, task.tty.rows) if task.tty else DEFAULT_SIZE
    header = {"version": 2, "width": cols, "height": rows, "title": task.title or task.command}
    yield msgspec.json.encode(header) + b"\n"
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    seconds = 0.0
    for item in pieces(reader, start, end, stream, merge=False):
        if isinstance(item, Gap):
            text = f"\r\n[{item.end - item.start} bytes are missing: {item.reason}]\r\n"
        else:
            seconds = item.time_us / 1_000_000
            text = decoder.decode(item.data)
            if task.tty is None:
                text = text.replace("\n", "\r\n")
        if text:
            yield msgspec.json.encode([seconds, "o", text]) + b"\n"


def gaps_header(gaps: list[GapInfo]) -> str:
    """`from-to;reason` of each gap, `to` exclusive, separated by commas."""
    return ", ".join(f"{gap.start}-{gap.end};{gap.reason}" for gap in gaps)
