"""How many cells of a terminal a text takes, and how it is cut to fit into some. Pure.

Wide characters take two cells (UAX #11), combining ones and variation selectors none. An emoji that
is made of several, joined by U+200D, takes as much as its first: a terminal that draws the parts
takes more, and a line is then cut one column late at most.
"""

from __future__ import annotations

import unicodedata
from typing import Final

ELLIPSIS: Final = "…"
_JOINER: Final = "\u200d"
# Asks for the coloured form of the character before it, which is two cells wide.
_EMOJI_SELECTOR: Final = "\ufe0f"
_REGIONAL: Final = range(0x1F1E6, 0x1F200)
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
# Vowels and final consonants of Hangul are drawn into the syllable that they end.
_JAMO: Final = range(0x1160, 0x1200)
_NO_CELL: Final = frozenset({"Mn", "Me", "Cf"})


def width(text: str) -> int:
    """Return how many cells `text` takes."""
    if text.isascii():
        return len(text)
    return sum(size for _, size in clusters(text))


def clusters(text: str) -> list[tuple[str, int]]:
    """Return what `text` is made of as it is drawn, each with its cells."""
    found: list[tuple[str, int]] = []
    is_joined = is_flag_open = False
    for character in text:
        regional = ord(character) in _REGIONAL
        if found and (is_joined or _continues(character) or (regional and is_flag_open)):
            before, size = found[-1]
            wide = character == _EMOJI_SELECTOR or regional
            found[-1] = (before + character, 2 if wide else size)
            is_flag_open = False
        else:
            found.append((character, _cells(character)))
            is_flag_open = regional
        is_joined = character == _JOINER
    return found


def _continues(character: str) -> bool:
    """Return whether a character is drawn on the one before."""
    return unicodedata.category(character) in _NO_CELL or any(
        ord(character) in each for each in (_SKIN_TONES, _JAMO)
    )


def _cells(character: str) -> int:
    if _continues(character) and ord(character) not in _SKIN_TONES:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, cells: int) -> str:
    """Return `text`, or its beginning and an ellipsis where it takes more than `cells`."""
    if width(text) <= cells:
        return text
    kept, left = "", cells - 1
    for part, size in clusters(text):
        if size > left:
            break
        kept, left = kept + part, left - size
    return kept + ELLIPSIS if cells > 0 else ""


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """Return `text` with spaces after it, or before it, so that it takes `cells`."""
    space = " " * (cells - width(text))
    return space + text if right else text + space
