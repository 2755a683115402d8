"""How many columns of a terminal a character takes. Pure."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

_SOFT_HYPHEN: Final = "\xad"
# Hangul vowels and final consonants join the syllable before them.
_JOINING_JAMO: Final = ("\u1160", "\u11ff")
_CACHED_CHARACTERS: Final = 8_192


@lru_cache(maxsize=_CACHED_CHARACTERS)
def width(character: str) -> int:
    """Return 0 for what joins the character before it, 2 for wide ones, else 1."""
    if character == _SOFT_HYPHEN:
        return 1
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    if _JOINING_JAMO[0] <= character <= _JOINING_JAMO[1]:
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
