r"""Bytes as text: arguments, folders and values of variables that need not be UTF-8. Pure.

POSIX knows bytes, JSON knows text. In every message and request a byte that is not part of valid
UTF-8 is written as two characters: U+0000, and U+0080 to U+00FF with the byte's value. `caf\xe9` is
`"caf\u0000\u00e9"`. Nothing that a program can receive contains U+0000 (execve(2)), so a text that
means something else is never taken for this, and a peer that does not know it refuses the text
instead of running another command.

Python has a form of its own, lone surrogates (PEP 383), which neither JSON nor MessagePack can
carry: RFC 8259, §8.2. It is called the system's form here.
"""

from __future__ import annotations

import re
from typing import Final

MARK: Final = "\0"
_MARKED: Final = re.compile("\0([\x80-\xff])")
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
# Base of the surrogates that stand for bytes in Python's text (PEP 383).
_SURROGATES: Final = 0xDC00
_QUOTED: Final = re.compile(r"\\udc([89a-f][0-9a-f])")


def from_bytes(data: bytes) -> str:
    """Return the text that stands for `data`.

    Raises:
        ValueError: it contains NUL.
    """
    return from_system(data.decode("utf-8", "surrogateescape"))


def from_system(text: str) -> str:
    """Return the text that stands for the bytes of `text`, which is in the system's form.

    Raises:
        ValueError: it contains NUL, or surrogates that stand for no byte.
    """
    if MARK in text:
        raise ValueError("it contains a NUL character, which no program can receive")
    if text.isascii():
        return text
    marked = _ESCAPED.sub(lambda found: MARK + chr(ord(found[0]) - _SURROGATES), text)
    try:
        marked.encode()
    except UnicodeEncodeError as error:
        character = text[error.start : error.start + 1] or text
        raise ValueError(f"it contains {character!r}, which is no character") from None
    return marked


def to_bytes(text: str) -> bytes:
    """Return the bytes that `text` stands for.

    Raises:
        ValueError: it contains NUL other than as a mark.
    """
    return to_system(text).encode("utf-8", "surrogateescape")


def to_system(text: str) -> str:
    """Return the bytes that `text` stands for, in the system's form, and in it only one way.

    Raises:
        ValueError: it contains NUL other than as a mark.
    """
    if MARK not in text:
        return text
    system = _MARKED.sub(lambda found: chr(ord(found[1]) + _SURROGATES), text)
    if MARK in system:
        raise ValueError("it contains a NUL character, which no program can receive")
    # Marked bytes that are UTF-8 together are the character that they are elsewhere.
    return system.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def is_valid(text: str) -> bool:
    """Return whether `text` stands for bytes that a program can receive."""
    return MARK not in text or MARK not in _MARKED.sub("", text)


def shown(text: str) -> str:
    r"""Return `text` for people and for searches: `\xe9` where a byte is marked."""
    if MARK not in text:
        return text
    return _MARKED.sub(lambda found: f"\\x{ord(found[1]):02x}", text)


def quoted(text: str) -> str:
    r"""Return `text`, in the system's form, in quotes for a sentence: `'caf\xe9'`."""
    return _QUOTED.sub(r"\\x\1", repr(text))


def quoted_bytes(data: bytes) -> str:
    """Return bytes in quotes for a sentence, as `quoted` does for text."""
    return quoted(data.decode("utf-8", "surrogateescape"))


def beginning(data: bytes) -> str:
    """Return the text that the UTF-8 `data` begins with, which may end in the middle of one."""
    return data.decode(errors="ignore").removesuffix(MARK)
