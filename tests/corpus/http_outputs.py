"""What a task may write, and what somebody may look for in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

KIB = 1024


@dataclass(frozen=True, slots=True)
class OutputCase:
    """Bytes that a task writes, piece by piece. `times`: the whole of it again and again."""

    id: str
    kind: str
    pieces: tuple[bytes, ...]
    times: int = 1

    @property
    def content(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces) * self.times


_EMOJI = "\U0001f469\u200d\U0001f467".encode()

OUTPUTS = (
    OutputCase("B40-split-emoji", "B40", tuple(bytes([byte]) for byte in _EMOJI)),
    OutputCase("B40-cut-off-emoji", "B40", (b"a", _EMOJI[:3])),
    OutputCase("B40-not-utf-8", "B40", (b"\xff\xfe\x80\xc0\xaf\xed\xa0\x80",)),
    OutputCase("B40-all-bytes", "B40", (bytes(range(256)),), 64),
    OutputCase("B40-nuls", "B40", (b"\0" * KIB,), 64),
    OutputCase("B40-no-newline", "B40", (b"x" * 32 * KIB,), 256),
    OutputCase("B40-newlines-alone", "B40", (b"\n" * KIB,), 256),
    OutputCase("B40-lone-returns", "B40", (b"10%\r20%\r30%\r",), 1_000),
    OutputCase("B40-escapes-alone", "B40", (b"\x1b" * KIB,), 16),
    OutputCase("B40-nothing", "B40", ()),
    OutputCase("B40-utf-16", "B40", ("\ufeffWort\n".encode("utf-16"),), 100),
    OutputCase("B40-separators", "B40", ("a\u2028b\u2029c\x85d\n".encode(),), 100),
    OutputCase("B40-turned-round", "B40", ("\u202etxet\u202c\n".encode(),), 100),
    OutputCase("B40-like-jsonl", "B40", (b'{"gap":{"from":0,"to":9,"reason":"x"}}\n',), 10),
    OutputCase("B40-like-http", "B40", (b"HTTP/1.1 200 OK\r\nSet-Cookie: x=y\r\n\r\n",), 10),
    OutputCase("B41-clipboard", "B41", (b"\x1b]52;c;ZXZpbA==\x07",)),
    OutputCase("B41-link", "B41", (b"\x1b]8;;javascript:alert(1)\x1b\\x\x1b]8;;\x1b\\",)),
    OutputCase("B41-title", "B41", (b"\x1b]0;a\nb\x07", b"\x1b]2;c\x1b\\")),
    OutputCase("B41-reports", "B41", (b"\x1bP$qm\x1b\\", b"\x1b[21t\x1b[6n\x1b[c\x05")),
    OutputCase("B41-unfinished", "B41", (b"\x1b]0;" + b"x" * 32 * KIB,), 32),
    OutputCase("B41-fake-prompt", "B41", (b"\x1b[2J\x1b[Hroot@host:~# \x1b[8m",)),
    OutputCase("B41-marks", "B41", (b"a" + "\u0301".encode() * 16_000,)),
    OutputCase("B41-sixel", "B41", (b"\x1bPq#0;2;0;0;0!99999999~\x1b\\",)),
    OutputCase("B41-eight-bit", "B41", (b"\x9b2J\x9d0;x\x9c\x90q\x9c",)),
    OutputCase("B41-cut-in-two", "B41", (b"\x1b", b"[", b"31", b"m", b"red", b"\x1b[", b"0m")),
    OutputCase("B41-alternate-screen", "B41", (b"\x1b[?1049h\x1b[?1000h\x1b[?2004h",)),
    OutputCase("B41-kitty", "B41", (b"\x1b_Gf=32,s=1,v=1;AAAA\x1b\\",)),
    OutputCase("B41-charset", "B41", (b"\x1b(0lqqk\x1b(B\x0e\x0f",)),
    OutputCase("B42-image", "B42", (b"<img src=x onerror=alert(1)>\n",)),
    OutputCase("B42-script", "B42", (b"</script><script>alert(1)</script>\n",)),
    OutputCase("B42-page", "B42", (b"<!doctype html><html><body onload=alert(1)>\n",)),
    OutputCase("B42-picture", "B42", (b"<svg xmlns='x' onload='alert(1)'/>\n",)),
    OutputCase("B42-formula", "B42", (b"=cmd|' /C calc'!A0\n",)),
)

# A child that writes what it is given as hexadecimal digits.
WRITER = """
import os, sys
pieces = [bytes.fromhex(line) for line in open(sys.argv[2])]
for _ in range(int(sys.argv[1])):
    for piece in pieces:
        while piece:
            piece = piece[os.write(1, piece):]
"""

# ── what is looked for ───────────────────────────────────────────────────────────────────────────

# A megabyte on which a matcher that tries everything would take for ever.
EVIL_OUTPUT = OutputCase("B26-evil", "B26", (b"a" * 32 * KIB, b"a" * 32 * KIB, b"\n"), 16)

_FOUND, _INVALID, _REFUSED = "200", "422 invalid_expression", "422 invalid_input"
EXPRESSIONS: Mapping[str, tuple[str, str]] = {
    "nested-plus": (_FOUND, "(a+)+$"),
    "nested-star": (_FOUND, "(a*)*b"),
    "either": (_FOUND, "(a|aa)+!"),
    "optional": (_FOUND, "(a|a?)+b"),
    "greedy": (_FOUND, "(.*)*x"),
    "many-dots": (_FOUND, ".*.*.*.*.*.*=.*"),
    "words": (_FOUND, r"^(\w+\s?)*$"),
    "long-repeat": (_FOUND, "a{1000}b"),
    "folded": (_FOUND, "(?i)[a-z]+[a-z]+[a-z]+!"),
    "empty-match": (_FOUND, "a*?"),
    "quoted": (_FOUND, r"\Q(a+)+$\E"),
    "unicode-class": (_FOUND, r"\p{L}+\p{Nd}"),
    "repeat-of-repeat": (_INVALID, "((a{1,100}){1,100}){1,100}"),
    "too-long-repeat": (_INVALID, "a{100000}"),
    "too-large": (_INVALID, r"(?:\pL{100}){9}"),
    "back-reference": (_INVALID, r"(a)\1"),
    "look-ahead": (_INVALID, "(?=a)a"),
    "look-behind": (_INVALID, "(?<=a)a"),
    "atomic": (_INVALID, "(?>a+)b"),
    "open-group": (_INVALID, "("),
    "open-class": (_INVALID, "[a"),
    "nothing-to-repeat": (_INVALID, "*"),
    "deep": (_INVALID, "(" * 999),
    "open-name": (_INVALID, "(?P<a"),
    "single-bytes": (_INVALID, r"\C"),
    "start-of-text": (_INVALID, r"\Aa"),
    "trailing-backslash": (_INVALID, "a\\"),
    "empty": (_REFUSED, ""),
    "too-many-characters": (_REFUSED, "a" * 1_001),
}
UNUSABLE_TEXTS: Mapping[str, tuple[str, str]] = {
    "nul": ("422 nul_character", "%00"),
    "nul-inside": ("422 nul_character", "a%00b"),
    "too-many-characters": ("422 invalid_input", "x" * 257),
}
# Looked for as they are: nothing in them means anything.
TEXTS = (
    "' OR 1=1 --",
    '"',
    "''",
    "*",
    "NEAR(",
    "a AND b",
    "-a",
    "title:x",
    "%",
    "_",
    "%_%",
    "\\",
    "\\%",
    "[a-z]",
    "{$regex: .*}",
    "$regex",
    "__proto__",
    "{0.__init__}",
    "${jndi:ldap://x}",
    "%n%s",
    "\u202e",
    "\u2028",
    "\r\nSet-Cookie: x=y",
    "../../etc/passwd",
    "\ud83d\ude00",
    "<img src=x onerror=alert(1)>",
    "=cmd()",
    "x" * 256,
)
