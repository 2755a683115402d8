"""Text from elsewhere as it may reach a terminal: what would act on it is shown as an escape.

A terminal obeys C0 and C1 controls (ECMA-48), and turns text around at bidirectional ones (Unicode
TR36, §2.5; CVE-2021-42574); a line feed in a name forges a line. All of them are unprintable to
`str.isprintable`, as are the line separators U+2028 and U+2029, invisible format characters, and
the surrogates that stand for bytes of a file name which are not UTF-8 (PEP 383).
"""

from __future__ import annotations

import sys
from typing import TextIO, cast

from arborlink.protocol import octets


def line(text: str) -> str:
    r"""Return `text` on one line, with `\n`, `\x1b`, `\u202e` for what is not printable.

    A byte that is not UTF-8 is `\xe9`, in the form of messages and in Python's own.
    """
    if text.isprintable():
        return text
    shown = octets.shown(text)
    return "".join(each if each.isprintable() else _escape(each) for each in shown)


def lines(text: str) -> str:
    """Return `text` as `line` does, but keep line feeds and tabs: for documents of our own."""
    return "".join(each if each in "\n\t" else line(each) for each in text)


def json_text(encoded: str) -> str:
    r"""Return JSON that means the same, with `\uXXXX` for what is not printable.

    JSON escapes C0 only (RFC 8259, §7). Outside of strings nothing is unprintable but line feeds.
    """
    if encoded.isprintable():
        return encoded
    return "".join(
        each if each.isprintable() or each == "\n" else _json_escape(each) for each in encoded
    )


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else repr(character)[1:-1]


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


class GuardedStream:
    """Passes text to `stream` as `lines` returns it.

    Tracebacks, warnings and libraries write to `sys.stderr` themselves, and their texts quote what
    came from elsewhere. `unguarded` gives the stream to those who have made their text visible.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write `text`; returns its length.

        Raises:
            TypeError: it is bytes. Libraries write none of them to find out whether they may.
        """
        self.stream.write(lines("" + text))
        return len(text)

    def writelines(self, texts: list[str]) -> None:
        """Write each of `texts`."""
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


def guard_standard_streams() -> None:
    """Put a guard before `sys.stdout` and `sys.stderr` of this process."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        # None: the descriptor was closed when the process was started.
        if stream is not None and not isinstance(stream, GuardedStream):
            setattr(sys, name, GuardedStream(stream))


def unguarded(stream: TextIO) -> TextIO:
    """Return the stream behind a guard, or `stream` where there is none."""
    return cast("GuardedStream", stream).stream if isinstance(stream, GuardedStream) else stream
