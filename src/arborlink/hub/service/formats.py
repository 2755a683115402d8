"""Stored output as people and programs take it away: raw bytes, JSON lines, asciicast."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from arborlink.hub.service.plain_text import PlainText
from arborlink.outputlog import Chunk, Gap, LogReader
from arborlink.protocol import octets
from arborlink.protocol.errors import OutputDamaged
from arborlink.protocol.limits import KIB
from arborlink.protocol.resources import GapInfo, Task

READ_BYTES: Final = 256 * KIB
DEFAULT_SIZE: Final = (80, 24)
# Programs and proxies take some 8 KiB of headers.
MAX_HEADER_GAPS: Final = 64
# The reason of a gap that is no gap but damage.
CORRUPT: Final = "corrupt"

Stream = str | None


def pieces(
    reader: LogReader, start: int, end: int, stream: Stream, *, merge: bool
) -> Iterator[Chunk | Gap]:
    """Chunks and gaps of `[start, end)`, of one stream ("stdout", "stderr") or both (None)."""
    offset = start
    while offset < end:
        item = reader.read(offset, min(READ_BYTES, end - offset), merge=merge, verify=True)
        if item is None:
            return
        offset = min(item.end, end)
        if isinstance(item, Chunk) and stream is not None:
            if item.is_error != (stream == "stderr"):
                continue
        yield item


def raw(
    reader: LogReader,
    start: int,
    end: int,
    stream: Stream,
    *,
    told: Sequence[GapInfo] = (),
    merge: bool = True,
) -> Iterator[bytes]:
    """The bytes. A byte's position is its offset, so a gap is as many NULs; of one stream alone
    positions have no meaning and gaps are left out.

    Raises:
        OutputDamaged: there is damage that is not among the gaps which the reader was `told`.
    """
    for item in pieces(reader, start, end, stream, merge=merge):
        if isinstance(item, Chunk):
            yield item.data
            continue
        if item.reason == CORRUPT and not _is_told(item, told):
            raise OutputDamaged(f"The bytes {item.start} to {item.end} are damaged.")
        if stream is None:
            yield from _zeros(min(item.end, end) - max(item.start, start))


def _is_told(gap: Gap, told: Sequence[GapInfo]) -> bool:
    return any(each.start <= gap.start and gap.end <= each.end for each in told)


def _zeros(length: int) -> Iterator[bytes]:
    while length > 0:
        yield bytes(min(length, READ_BYTES))
        length -= READ_BYTES


def text(
    reader: LogReader, start: int, end: int, stream: Stream, *, merge: bool = True
) -> Iterator[bytes]:
    """What a person would read, without control sequences; a gap is a line that says so."""
    # A sequence that is cut in two goes on in its own stream, not in the other one.
    plain = {False: PlainText(), True: PlainText()}
    for item in pieces(reader, start, end, stream, merge=merge):
        if isinstance(item, Gap):
            yield _finished(plain.values())
            yield f"\n[{item.end - item.start} bytes are missing: {item.reason}]\n".encode()
        else:
            yield plain[item.is_error].feed(item.data)
    yield _finished(plain.values())


def _finished(texts: Iterable[PlainText]) -> bytes:
    return b"".join(each.finish() for each in texts)


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
    yield asciicast_header(task)
    make = codecs.getincrementaldecoder("utf-8")
    # A character that is cut in two goes on in its own stream, not in the other one.
    decoders = {False: make("replace"), True: make("replace")}
    seconds = 0.0
    for item in pieces(reader, start, end, stream, merge=False):
        if isinstance(item, Gap):
            text = _rest(decoders.values())
            text += f"\r\n[{item.end - item.start} bytes are missing: {item.reason}]\r\n"
        else:
            seconds = max(seconds, item.time_us / 1_000_000)
            text = decoders[item.is_error].decode(item.data)
            if task.tty is None:
                text = text.replace("\n", "\r\n")
        if text:
            yield msgspec.json.encode([seconds, "o", text]) + b"\n"
    text = _rest(decoders.values())
    if text:
        yield msgspec.json.encode([seconds, "o", text]) + b"\n"


def asciicast_header(task: Task) -> bytes:
    """The first line of a recording."""
    cols, rows = (task.tty.cols, task.tty.rows) if task.tty else DEFAULT_SIZE
    title = octets.shown(task.title or task.command)
    header = {"version": 2, "width": cols, "height": rows, "title": title}
    return msgspec.json.encode(header) + b"\n"


def _rest(decoders: Iterable[codecs.IncrementalDecoder]) -> str:
    """What is left of characters that will not be finished."""
    return "".join(decoder.decode(b"", final=True) for decoder in decoders)


def gaps_header(gaps: list[GapInfo]) -> str:
    """`from-to;reason` of each gap, `to` exclusive, separated by commas.

    At most MAX_HEADER_GAPS; the last of more stands for all the rest, its reason is `more`.
    """
    shown = [f"{gap.start}-{gap.end};{gap.reason}" for gap in gaps[:MAX_HEADER_GAPS]]
    if len(gaps) > MAX_HEADER_GAPS:
        shown[-1] = f"{gaps[MAX_HEADER_GAPS - 1].start}-{gaps[-1].end};more"
    return ", ".join(shown)
