"""The line around a hit as people read it: text, no control sequences, of some length. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from arborlink.hub.service.readable import hidden_spans
from arborlink.protocol.limits import KIB

MAX_TEXT_CHARS: Final = 200
# Kept of what is before the hit, however long the rest is.
BEFORE_CHARS: Final = 60
# Looked at on each side, so that control sequences leave enough text between them.
CONTEXT_BYTES: Final = 2 * KIB

_CONTROLS: Final = dict.fromkeys([*range(32), *range(127, 160)]) | {9: " ", 13: " "}
_CONTINUATION_BITS: Final = 0b11_000000
_CONTINUATION: Final = 0b10_000000


class Excerpt(NamedTuple):
    """`text[column:column + width]` is the hit, or as much of it as fits."""

    text: str
    column: int
    width: int


def excerpt(data: bytes, start: int, end: int) -> Excerpt:
    """The excerpt of the line in which `[start, end)` lies."""
    low = _line_start(data, start)
    end = min(end, start + CONTEXT_BYTES)
    high = data.find(b"\n", end, end + CONTEXT_BYTES)
    if high < 0:
        high = min(len(data), end + CONTEXT_BYTES)
    line, start, end = data[low:high], start - low, end - low
    spans = hidden_spans(line)
    hit = _shown(line, start, end, [span for span in spans if _inside(span, start, end)])
    after = _shown(line, end, high - low, spans).rstrip()
    hit = hit[: MAX_TEXT_CHARS - BEFORE_CHARS]
    room = max(BEFORE_CHARS, MAX_TEXT_CHARS - len(hit) - len(after))
    before = _shown(line, 0, start, spans)[-room:]
    text = (before + hit + after)[:MAX_TEXT_CHARS]
    return Excerpt(text, len(before), len(hit))


def _line_start(data: bytes, start: int) -> int:
    low = max(0, start - CONTEXT_BYTES)
    newline = data.rfind(b"\n", low, start)
    if newline >= 0:
        return newline + 1
    # Perhaps in the middle of a character, of which nothing is shown then.
    while low < start and data[low] & _CONTINUATION_BITS == _CONTINUATION:
        low += 1
    return low


def _inside(span: tuple[int, int], start: int, end: int) -> bool:
    """Whether a sequence is a part of the hit: not all of it, which is what was looked for."""
    return start <= span[0] and span[1] <= end and span != (start, end)


def _shown(line: bytes, low: int, high: int, spans: list[tuple[int, int]]) -> str:
    """`[low, high)` as text, without the sequences at `spans`."""
    parts: list[bytes] = []
    for start, end in spans:
        if end > low and start < high:
            parts.append(line[low:start])
            low = end
    parts.append(line[low:high])
    return b"".join(parts).decode(errors="replace").translate(_CONTROLS)
