"""What the terminal here sends: keys, pastes, answers; among the keys those that leave. Pure.

One key has many encodings: a control character; `CSI code ; modifiers u` with further fields of the
kitty keyboard protocol; `CSI 27 ; modifiers ; code ~` of xterm's modifyOtherKeys; and
`CSI Vk ; Sc ; Uc ; Kd ; Cs ; Rc _` of Windows' terminals. Which one is sent the program decides,
so all are recognised at all times. Within a bracketed paste nothing is a key.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from arborlink.cli.screen.detach_key import Key

# A key alone leaves when it does not come again in this time; pressed twice it is sent once.
TWICE_SECONDS: Final = 0.3
# Of several keys, what was pressed is sent when no other one follows in this time.
SEQUENCE_SECONDS: Final = 1.0
# Half a sequence comes whole in this time, unless it is the Escape key.
INCOMPLETE_SECONDS: Final = 0.025
# What is not whole by then is passed on as it is.
MAX_HELD_BYTES: Final = 4_096

PASTE_BEGINS: Final = b"\x1b[200~"
PASTE_ENDS: Final = b"\x1b[201~"
_CTRL, _SHIFT = 4, 1
# Caps Lock and Num Lock are modifiers to the kitty protocol.
_LOCKS: Final = 64 | 128
_RELEASE: Final = 3
# Left and right Shift, Ctrl, Alt and so on, and the locks, as keys of their own.
_MODIFIER_KEYS: Final = (range(57_358, 57_361), range(57_441, 57_455))
# ASCII: a key that types another character there is known by its place on the keyboard.
_ASCII: Final = 0x80
# Shift, Ctrl, Alt, Caps Lock and Num Lock, as Windows numbers them.
_WINDOWS_MODIFIERS: Final = frozenset({16, 17, 18, 20, 144})

_CSI: Final = re.compile(rb"\x1b\[([<=>?]?)([0-9;:]*)([ -/]*)([@-~])")
_PART: Final = re.compile(rb"\x1b(?:\[[<=>?]?[0-9;:]*[ -/]*|O)?\Z")
# Mouse reports of X10 have three bytes after their end; SS3 has one.
_MOUSE: Final = re.compile(rb"\x1b\[M.{0,3}", re.DOTALL)
_STRING: Final = re.compile(rb"\x1b[P\]^_X][^\x00-\x1f]*(?:\x1b\\|\x07)")
_STRING_PART: Final = re.compile(rb"\x1b[P\]^_X][^\x00-\x1f]*\x1b?\Z")
# Answers: device attributes, cursor and status, modes, keyboard flags, window; focus and size.
_ANSWER: Final = re.compile(rb"\?[0-9;:]*[$]?[a-zA-Z]|[>=][0-9;:]*c|[0-9;]*\$y|[0-9;]*[cntx]|[IO]")
# As F3 with a modifier (`CSI 1 ; 5 R`) it is a key.
_POSITION: Final = re.compile(rb"(?!1;[2-9]R)[0-9]+;[0-9]+R")


class What(enum.Enum):
    """What a `Typed` is."""

    KEYS = enum.auto()
    # The terminal's own: an answer to the program, or a report.
    ANSWER = enum.auto()
    # Leave: the last of the keys for it was pressed.
    DETACH = enum.auto()


@dataclass(frozen=True, slots=True)
class Typed:
    """Bytes for the program; `b""` with DETACH."""

    what: What
    data: bytes = b""


class _Press(enum.Enum):
    OTHER = enum.auto()
    MATCH = enum.auto()
    # Of the key that is waited for, or of a modifier: passed over.
    BESIDE = enum.auto()


class Keys:
    """Finds the keys that leave in what the terminal sends, whatever pieces it comes in.

    `now` is in monotonic seconds.
    """

    def __init__(self, detach: tuple[Key, ...]) -> None:
        self._detach = detach
        self._held = b""
        self._in_paste = False
        # Keys for leaving that were pressed, as they came.
        self._pressed: list[bytes] = []
        self._deadline: float | None = None
        begin = bytes([0x1B, *(key.code for key in detach)])
        # Keys that mean nothing here, as many as there are.
        self._plain = re.compile(b"[^" + re.escape(begin) + b"]+")

    def receive(self, data: bytes, now: float) -> list[Typed]:
        """What was typed; after DETACH there is nothing more."""
        data, self._held = self._held + data, b""
        typed: list[Typed] = []
        at = 0
        while at < len(data):
            is_pasted = self._in_paste
            length = self._length(data, at)
            if length == 0:
                self._held = data[at:]
                break
            self._one(data[at : at + length], typed, now, is_pasted=is_pasted)
            at += length
            if typed and typed[-1].what is What.DETACH:
                self._held = b""
                break
        if self._held:
            # The end of a paste is sent by the terminal, not typed: it always comes whole.
            self._deadline = None if self._in_paste else now + INCOMPLETE_SECONDS
        elif not self._pressed:
            self._deadline = None
        return list(_joined(typed))

    def next_deadline(self) -> float | None:
        """When to call `on_deadline`, unless something is typed before."""
        return self._deadline

    def on_deadline(self, now: float) -> list[Typed]:
        """What it means that nothing was typed until now."""
        if self._deadline is None or now < self._deadline:
            return []
        self._deadline = None
        typed: list[Typed] = []
        if self._held:
            held, self._held = self._held, b""
            # A control sequence that is not ended was typed by hand, or its rest is lost.
            for byte in (held[:1], held[1:]):
                self._one(byte, typed, now)
            if self._pressed and self._deadline is None:
                self._deadline = now + self._wait()
        elif self._pressed:
            if len(self._detach) == 1:
                typed.append(Typed(What.DETACH))
            else:
                typed.append(Typed(What.KEYS, b"".join(self._pressed)))
            self._pressed.clear()
        return list(_joined(typed))

    # ── one thing at a time ──────────────────────────────────────────────────────────────────

    def _length(self, data: bytes, at: int) -> int:
        """How long what begins at `at` is; 0: that cannot be told yet."""
        if self._in_paste:
            return self._paste_length(data, at)
        if (plain := self._plain.match(data, at)) is not None:
            return len(plain[0])
        if data[at] != 0x1B:
            return 1
        if (mouse := _MOUSE.match(data, at)) is not None:
            whole = len(mouse[0]) == 6
            return 6 if whole else 0
        for pattern in (_CSI, _STRING):
            if (found := pattern.match(data, at)) is not None:
                return len(found[0])
        is_part = _PART.match(data, at) is not None or _STRING_PART.match(data, at) is not None
        return 0 if is_part and len(data) - at <= MAX_HELD_BYTES else 1

    def _paste_length(self, data: bytes, at: int) -> int:
        end = data.find(PASTE_ENDS, at)
        if end >= 0:
            self._in_paste = False
            return end + len(PASTE_ENDS) - at
        # The end of the paste may be cut.
        for kept in range(len(PASTE_ENDS) - 1, 0, -1):
            if data.endswith(PASTE_ENDS[:kept]):
                return max(0, len(data) - kept - at)
        return len(data) - at

    def _one(self, data: bytes, typed: list[Typed], now: float, *, is_pasted: bool = False) -> None:
        if data == PASTE_BEGINS:
            self._in_paste = True
        press = _Press.OTHER if is_pasted else self._press(data)
        if press is _Press.MATCH:
            self._pressed.append(data)
            self._on_match(data, typed, now)
            return
        if press is _Press.BESIDE:
            typed.append(Typed(What.KEYS, data if not self._is_release_of_pressed(data) else b""))
            return
        if self._pressed and not _is_answer(data):
            if len(self._detach) == 1:
                # What follows was typed to leave, or for what comes after.
                self._pressed.clear()
                typed.append(Typed(What.DETACH))
                return
            typed.append(Typed(What.KEYS, b"".join(self._pressed)))
            self._pressed.clear()
            self._one(data, typed, now)
            return
        typed.append(Typed(What.ANSWER if _is_answer(data) else What.KEYS, data))

    def _on_match(self, data: bytes, typed: list[Typed], now: float) -> None:
        count = len(self._pressed)
        if len(self._detach) == 1 and count == 2:
            self._pressed.clear()
            typed.append(Typed(What.KEYS, data))
        elif len(self._detach) > 1 and count == len(self._detach):
            self._pressed.clear()
            typed.append(Typed(What.DETACH))
        else:
            self._deadline = now + self._wait()

    def _wait(self) -> float:
        return TWICE_SECONDS if len(self._detach) == 1 else SEQUENCE_SECONDS

    def _press(self, data: bytes) -> _Press:
        if not self._detach:
            return _Press.OTHER
        key = self._detach[min(len(self._pressed), len(self._detach) - 1)]
        stroke = _stroke(data)
        if stroke is None:
            return _Press.MATCH if data == bytes([key.code]) else _Press.OTHER
        if self._pressed and (stroke.is_release or stroke.is_modifier):
            return _Press.BESIDE
        if stroke.is_release or not stroke.is_of(key):
            return _Press.OTHER
        return _Press.MATCH

    def _is_release_of_pressed(self, data: bytes) -> bool:
        stroke = _stroke(data)
        keys = self._detach[: len(self._pressed)]
        return stroke is not None and stroke.is_release and any(map(stroke.has_code_of, keys))


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A key in one of the newer encodings. `codes`: its own, that with Shift, that of its place."""

    codes: tuple[int, int, int]
    modifiers: int
    is_release: bool

    @property
    def is_modifier(self) -> bool:
        return any(self.codes[0] in each for each in _MODIFIER_KEYS)

    def has_code_of(self, key: Key) -> bool:
        return ord(key.character) in self.codes or key.code == self.codes[0]

    def is_of(self, key: Key) -> bool:
        own, shifted, place = self.codes
        code = ord(key.character)
        wanted = _CTRL if key.is_ctrl else 0
        modifiers = self.modifiers & ~_LOCKS
        if modifiers == wanted | _SHIFT and code in (shifted, own):
            # It is written with Shift, such as ^ or _ on most keyboards.
            return not key.character.isalnum()
        same = code in (own, place if own >= _ASCII else own)
        return modifiers == wanted and same


def _stroke(data: bytes) -> _Stroke | None:
    found = _CSI.fullmatch(data)
    if found is None or found[1] or found[3]:
        return None
    fields = [
        [int(each[:7] or b"0") for each in field.split(b":")] for field in found[2].split(b";")
    ]
    if found[4] == b"u":
        own, shifted, place = (*fields[0], 0, 0)[:3]
        modifiers, event = (*(fields[1] if len(fields) > 1 else [1]), 1)[:2]
        return _Stroke((own, shifted, place), max(0, modifiers - 1), event == _RELEASE)
    if found[4] == b"~" and fields[0] == [27] and len(fields) == 3:
        return _Stroke((fields[2][0], 0, 0), max(0, fields[1][0] - 1), is_release=False)
    if found[4] == b"_" and len(fields) >= 4:
        # The character is a control character with Ctrl: the state of Ctrl is told besides.
        character = fields[2][0]
        code = character | 0x40 if 0 < character < 0x20 else character
        own = ord(chr(code).lower())
        if fields[0][0] in _WINDOWS_MODIFIERS:
            own = _MODIFIER_KEYS[1].start
        return _Stroke((own, 0, 0), _CTRL if character < 0x20 else 0, fields[3][0] == 0)
    return None


def _is_answer(data: bytes) -> bool:
    if data[:2] in (b"\x1bP", b"\x1b]", b"\x1b_"):
        return True
    if data[:2] != b"\x1b[":
        return False
    rest = data[2:]
    return _ANSWER.fullmatch(rest) is not None or _POSITION.fullmatch(rest) is not None


def _joined(typed: list[Typed]) -> Iterator[Typed]:
    """What goes together as one, and nothing that is empty."""
    run: list[bytes] = []
    what = What.KEYS
    for each in typed:
        if each.what is not what and run:
            yield Typed(what, b"".join(run))
            run = []
        what = each.what
        if each.what is What.DETACH:
            yield each
        elif each.data:
            run.append(each.data)
    if run:
        yield Typed(what, b"".join(run))
