"""What a part of an output that is not drawn has switched on and off. Pure.

A flood is written faster than it can be drawn, and most of it is gone from the screen at once.
What it switches stays: of each mode the last sequence counts, so the part is looked through from
its end, and where the time is up the rest of it is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from arborlink.hub.screen.modes import ALTERNATE, MOUSE, MOUSE_ENCODINGS, SAVED_CURSOR, SWITCHES

BLOCK_BYTES: Final = 64 * 1024
# A sequence that begins in a block and ends in the next is found with the first.
_OVERLAP_BYTES: Final = 320
# Of pushed and popped flags of the keyboard, whose order counts.
MAX_KEYBOARD_SEQUENCES: Final = 64

_SEQUENCE: Final = re.compile(
    rb"\x1b(?:\[(?:(?P<private>\?)(?P<modes>[0-9;]{1,64})(?P<final>[hl])"
    rb"|(?P<keyboard>[<=>][0-9;]{0,16}u)"
    rb"|(?P<other>>[0-9;]{0,16}[mn]|[0-9;]{0,16}r|!p|[0-9]? q|(?:4|20)[hl]))"
    rb"|(?P<single>[=>c]|[()*+][0-9A-Z])"
    rb"|\](?P<title>[02]);[^\x07\x1b]{0,256}(?:\x07|\x1b\\))"
)
_GROUPS: Final = (
    dict.fromkeys(ALTERNATE, "alternate")
    | dict.fromkeys(MOUSE, "mouse")
    | dict.fromkeys(MOUSE_ENCODINGS, "encoding")
)
# All others change nothing. What is found is bounded by that, whatever the part has.
_KEPT: Final = frozenset({*_GROUPS, *SWITCHES, SAVED_CURSOR})
_RESET: Final = b"\x1bc"


def skipped_modes(
    read: Callable[[int, int], bytes], start: int, end: int, is_late: Callable[[], bool]
) -> bytes:
    """Return the sequences of `[start, end)` that still count at its end, in their order.

    `read(offset, size)` gives the bytes there, fewer where some are missing.
    """
    found: list[bytes] = []
    seen: set[object] = set()
    keyboard = 0
    while end > start and not is_late():
        begin = max(start, end - BLOCK_BYTES)
        block = read(begin, end - begin + _OVERLAP_BYTES)
        for key, sequence in _last_first(block, end - begin):
            if key == "keyboard":
                keyboard += 1
                if keyboard <= MAX_KEYBOARD_SEQUENCES:
                    found.append(sequence)
            elif key not in seen:
                seen.add(key)
                found.append(sequence)
            if sequence == _RESET:
                return b"".join(reversed(found))
        end = begin
    return b"".join(reversed(found))


def _last_first(block: bytes, size: int) -> Iterator[tuple[object, bytes]]:
    if b"\x1b" not in block:
        return
    matches = [match for match in _SEQUENCE.finditer(block) if match.start() < size]
    for match in reversed(matches):
        if match["private"]:
            for mode in reversed(match["modes"].split(b";")):
                number = int(mode) if mode else 0
                if number in _KEPT:
                    yield _GROUPS.get(number, number), b"\x1b[?%d%b" % (number, match["final"])
        elif match["keyboard"]:
            yield "keyboard", match.group()
        elif match["title"]:
            yield "title", match.group()
        else:
            yield _key(match.group()), match.group()


def _key(sequence: bytes) -> bytes:
    """Return what two sequences have in common of which the later one alone counts."""
    if sequence[1:2] in (b"=", b">"):
        return b"keypad"
    if sequence[1:2] in b"()*+":
        return sequence[1:2]
    if sequence.startswith((b"\x1b[4", b"\x1b[20")) and sequence[-1:] in b"hl":
        return sequence[:-1]
    if sequence.startswith(b"\x1b[>"):
        return b"keys"
    return sequence[-1:]
