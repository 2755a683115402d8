"""What a program has changed of a terminal that outlasts it, and what undoes that. Pure.

Nothing is assumed of which programs there are: every sequence that was written is observed, and
only what differs from a terminal's own settings is undone. Sources: ECMA-48, the VT520 programmer's
reference, "XTerm Control Sequences", and the kitty keyboard, pointer and colour protocols.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from arborlink.cli.screen.sequences import Kind, Sequence

# Numbers of one kind that are remembered; no terminal has so many modes or colours.
MAX_REMEMBERED: Final = 1_024
# Entries of a terminal's own stacks (titles, colours, keyboard flags): none keeps more.
MAX_DEPTH: Final = 100

ALTERNATE_SCREENS: Final = frozenset({47, 1047, 1049})
SAVED_CURSOR: Final = 1048
SYNCHRONIZED: Final = 2026
ORIGIN: Final = 6
VT52: Final = 2
# On in a terminal that no program has changed: VT52 mode is off, lines wrap, keys repeat, the
# cursor is visible. Every other one is off.
PRIVATE_ON: Final = frozenset({VT52, 7, 8, 25})
# What these are at first depends on the terminal and its user's settings: a program that changes
# one is taken to have found it the other way round.
PRIVATE_VARYING: Final = frozenset({1007, 1034, 1035, 1036, 1039, 1042})
# No local echo; the others (keyboard locked, insert, line feed as new line) are off.
ANSI_ON: Final = frozenset({12})
COLOUR_COMMANDS: Final = frozenset({b"4", b"5"})
# Colours of text, background, cursor, pointer, selection: 10 is reset by 110, and so on.
DYNAMIC_COLOURS: Final = range(10, 20)
# XTMODKEYS, XTFMTKEYS and the pointer's mode, by what sets and what resets them.
RESOURCES: Final = {b">m": b"m", b">n": b"m", b">f": b"f"}
# Slots for character sets, by what fills them; the latter three are for sets of 96 characters.
CHARSETS: Final = {
    **{b"(": b"(", b")": b")", b"*": b"*", b"+": b"+"},
    **{b"-": b")", b".": b"*", b"/": b"+"},
}

SAVE_TITLE: Final = b"\x1b[22;0t"


class TerminalModes:
    """Observes what is written to a terminal, and knows what puts it back."""

    def __init__(self) -> None:
        self.is_alternate = False
        self._reset()

    def _reset(self) -> None:
        self.is_alternate = False
        self._entered = 1049
        self._private: dict[int, bool] = {}
        self._found: dict[int, bool] = {}
        self._saved: dict[int, bool] = {}
        self._ansi: dict[int, bool] = {}
        # Of the main screen and of the alternate one, each has a stack of its own.
        self._keyboards = (_Keyboard(), _Keyboard())
        self._titles = _Depth()
        self._palettes = _Depth()
        self._renditions = _Depth()
        self._colours: dict[bytes, None] = {}
        self._resources: dict[bytes, None] = {}
        self._named_colours: dict[bytes, None] = {}
        self._title_modes: dict[bytes, None] = {}
        self._charsets: dict[bytes, None] = {}
        # What resets each of the rest, by what it is: simple settings of one value.
        self._settings: dict[str, bytes] = {}

    @property
    def saves_title(self) -> bool:
        """Whether the title from before is on the terminal's stack."""
        return self._titles.depth > 0

    def observe(self, sequence: Sequence) -> None:
        """Remember what `sequence` changes."""
        if sequence.kind is Kind.CSI:
            self._control_sequence(sequence)
        elif sequence.kind is Kind.ESCAPE:
            self._escape(sequence)
        elif sequence.kind is Kind.STRING and sequence.final == b"]":
            self._command(sequence)
        elif sequence.kind is Kind.CONTROL and sequence.final in b"\x0e\x0f":
            self._set("shift", b"\x0f", changed=sequence.final == b"\x0e")

    # ── undoing ──────────────────────────────────────────────────────────────────────────────

    def undo(self) -> bytes:
        """What makes the terminal what it was; the modes are those of a new one from here on.

        The alternate screen is left before anything else that can be seen, so that the main one is
        there again with its cursor; what would move that cursor is done around saving it.
        """
        parts = [
            # Until these are done, the terminal may understand nothing else.
            self._settings.pop("printer", b""),
            b"\x1b<" if not self._is_on(VT52) else b"",
            self._settings.pop("c1", b""),
            _set_private(SYNCHRONIZED, False) if self._is_on(SYNCHRONIZED) else b"",
            self._undo_screen(),
            self._undo_modes(),
            *self._settings.values(),
            self._undo_charsets(),
            self._undo_colours(),
            b"".join(b"\x1b[>%b" % each for each in self._resources),
            b"".join(b"\x1b[>%bT" % each for each in self._title_modes),
            b"\x1b[#}" * self._renditions.depth,
            b"\x1b[#Q" * self._palettes.depth,
            b"\x1b[23;0t" * self._titles.depth,
            b"\x1b[m",
        ]
        self._reset()
        return b"".join(parts)

    def _undo_screen(self) -> bytes:
        main, alternate = self._keyboards
        leave = _set_private(self._entered, False)
        if self.is_alternate:
            return alternate.undo() + leave + main.undo()
        if alternate.is_changed:
            return _set_private(1047, True) + alternate.undo() + b"\x1b[?1047l" + main.undo()
        return main.undo()

    def _undo_modes(self) -> bytes:
        handled = {*ALTERNATE_SCREENS, SAVED_CURSOR, SYNCHRONIZED, VT52}
        parts = []
        for number, is_on in sorted(self._private.items()):
            if number not in handled and is_on != self._default(number):
                parts.append(_set_private(number, not is_on))
                # Its end puts the cursor into the first row, onto what is there.
                parts.append(b"\x1b[999;1H" if number == ORIGIN else b"")
        for number, is_on in sorted(self._ansi.items()):
            if is_on != (number in ANSI_ON):
                parts.append(b"\x1b[%d%b" % (number, b"l" if is_on else b"h"))
        margins = self._settings.pop("margins", b"")
        if margins:
            # Origin mode is off by now: it would be saved and come back with the cursor.
            parts.append(b"\x1b7" + margins + b"\x1b8")
        return b"".join(parts)

    def _undo_charsets(self) -> bytes:
        return b"".join(b"\x1b%bB" % slot for slot in self._charsets)

    def _undo_colours(self) -> bytes:
        parts = [b"\x1b]%b\x1b\\" % each for each in self._colours]
        if self._named_colours:
            parts.append(b"\x1b]21;" + b";".join(self._named_colours) + b"\x1b\\")
        return b"".join(parts)

    # ── observing ────────────────────────────────────────────────────────────────────────────

    def _default(self, number: int) -> bool:
        if number in PRIVATE_VARYING:
            return self._found.get(number, False)
        return number in PRIVATE_ON

    def _is_on(self, number: int) -> bool:
        return self._private.get(number, self._default(number))

    def _set(self, name: str, undo: bytes, *, changed: bool = True) -> None:
        if changed:
            self._settings[name] = undo
        else:
            self._settings.pop(name, None)

    def _set_mode(self, number: int, is_on: bool) -> None:
        if number in ALTERNATE_SCREENS:
            if is_on and not self.is_alternate:
                self._entered = number
            self.is_alternate = is_on
        elif number in self._private or len(self._private) < MAX_REMEMBERED:
            self._found.setdefault(number, not is_on)
            self._private[number] = is_on

    def _control_sequence(self, sequence: Sequence) -> None:
        form, body = sequence.form, sequence.body
        if form in _SIMPLE:
            name, is_default, undo = _SIMPLE[form]
            self._set(name, undo, changed=body not in is_default)
        elif form in (b"?h", b"?l"):
            for number in sequence.numbers():
                self._set_mode(number, form == b"?h")
        elif form in (b"h", b"l"):
            for number in sequence.numbers():
                if number in self._ansi or len(self._ansi) < MAX_REMEMBERED:
                    self._ansi[number] = form == b"h"
        elif form in (b"?s", b"?r"):
            self._save_or_restore(sequence)
        elif form in (b">u", b"<u", b"=u"):
            self._keyboards[self.is_alternate].observe(form, sequence)
        elif form in RESOURCES or form in (b">t", b">T"):
            self._observe_resource(form, body)
        elif form == b"r" or (form == b"s" and body and self._is_on(69)):
            self._set("margins", b"\x1b[r", changed=form != b"r" or body not in (b"", b"0", b"1"))
        elif form in _STACKS:
            pushed, stack = _STACKS[form]
            stack(self).move(1 if pushed else -1)
        elif form == b"t" and body[:2] in (b"22", b"23") and body[2:3] in (b"", b";"):
            self._titles.move(1 if body[:2] == b"22" else -1)
        elif form == b"i" and body in (b"4", b"5"):
            self._set("printer", b"\x1b[4i", changed=body == b"5")
        elif form in (b"g", b"?W"):
            self._set("tabs", b"\x1b[?5W", changed=form == b"g")
        elif form == b"!p":
            # A soft reset: what remains of a change after it is undone twice, which is harmless;
            # but a VT520 does not wrap lines after it.
            self._private[7] = False

    def _save_or_restore(self, sequence: Sequence) -> None:
        for number in sequence.numbers():
            if sequence.form == b"?r":
                if number in self._saved:
                    self._set_mode(number, self._saved[number])
            elif number in self._saved or len(self._saved) < MAX_REMEMBERED:
                is_screen = number in ALTERNATE_SCREENS
                self._saved[number] = self.is_alternate if is_screen else self._is_on(number)

    def _observe_resource(self, form: bytes, body: bytes) -> None:
        which, _, value = body.partition(b";")
        if form in (b">t", b">T"):
            if form == b">T":
                self._title_modes.pop(body, None)
            else:
                _remember(self._title_modes, body)
            return
        undo = which + RESOURCES[form]
        if form == b">n" or value not in (b"", b"0"):
            _remember(self._resources, undo)
        elif which:
            self._resources.pop(undo, None)
        else:
            for each in [each for each in self._resources if each.endswith(undo)]:
                del self._resources[each]

    def _escape(self, sequence: Sequence) -> None:
        marks, final = sequence.marks, sequence.final
        if sequence.form == b"c":
            self._reset()
        elif (slot := CHARSETS.get(marks[-1:])) is not None:
            if marks == slot and final == b"B":
                self._charsets.pop(slot, None)
            else:
                _remember(self._charsets, slot)
        elif sequence.form in _SIMPLE_ESCAPES:
            name, undo = _SIMPLE_ESCAPES[sequence.form]
            self._set(name, undo, changed=bool(undo))
        elif not marks and final in b"no":
            self._set("shift", b"\x0f")
        elif not marks and final in b"~}|":
            self._set("right shift", b"\x1b}", changed=final != b"}")
        elif not marks and final == b"H":
            self._set("tabs", b"\x1b[?5W")

    def _command(self, sequence: Sequence) -> None:
        number, _, rest = sequence.body.partition(b";")
        values = rest.split(b";")
        if number in COLOUR_COMMANDS:
            for index, value in zip(values[::2], values[1::2], strict=False):
                if value != b"?" and index.isdigit():
                    _remember(self._colours, b"10%b;%b" % (number, index[:9]))
        elif number in (b"104", b"105"):
            indexes = values if rest else [each[4:] for each in self._colours]
            for index in indexes:
                self._colours.pop(b"%b;%b" % (number, index), None)
        elif number.isdigit() and int(number[:9]) in DYNAMIC_COLOURS:
            # Further values are for the colours that follow.
            for offset, value in enumerate(values):
                colour = int(number) + offset
                if value not in (b"", b"?") and colour in DYNAMIC_COLOURS:
                    _remember(self._colours, b"%d" % (100 + colour))
        elif number.isdigit() and int(number[:9]) - 100 in DYNAMIC_COLOURS:
            self._colours.pop(number, None)
        elif number == b"21":
            self._name_colours(values)
        elif number in (b"30001", b"30101"):
            self._palettes.move(1 if number == b"30001" else -1)
        elif number in _COMMANDS:
            name, is_default, undo = _COMMANDS[number]
            self._set(name, undo, changed=not is_default(rest))
        elif sequence.final == b"]" and rest.startswith(b"4;") and number == b"9":
            self._set("progress", b"\x1b]9;4;0\x1b\\", changed=not rest.startswith(b"4;0"))

    def _name_colours(self, values: list[bytes]) -> None:
        for each in values:
            name, is_set, value = each.partition(b"=")
            if is_set and value != b"?":
                _remember(self._named_colours, name[:64])
            elif not is_set:
                self._named_colours.pop(name, None)


class _Depth:
    """How much more was pushed onto a stack of the terminal's than taken off it."""

    def __init__(self) -> None:
        self.depth = 0

    def move(self, by: int) -> None:
        self.depth = min(MAX_DEPTH, max(0, self.depth + by))


class _Keyboard:
    """The stack of keyboard flags of one screen."""

    def __init__(self) -> None:
        self._depth = _Depth()
        self._base_is_set = False

    @property
    def is_changed(self) -> bool:
        return self._depth.depth > 0 or self._base_is_set

    def observe(self, form: bytes, sequence: Sequence) -> None:
        if form == b">u":
            self._depth.move(1)
        elif form == b"<u":
            count = max(1, sequence.numbers()[0])
            # Taking off more than there is empties it and ends every flag.
            if count > self._depth.depth:
                self._base_is_set = False
            self._depth.move(-count)
        elif self._depth.depth == 0:
            self._base_is_set = True

    def undo(self) -> bytes:
        depth = self._depth.depth
        popped = b"\x1b[<%du" % depth if depth else b""
        return popped + (b"\x1b[=0;1u" if self._base_is_set else b"")


def _remember(kept: dict[bytes, None], key: bytes) -> None:
    if len(kept) < MAX_REMEMBERED:
        kept[key] = None


def _set_private(number: int, is_on: bool) -> bytes:
    return b"\x1b[?%d%b" % (number, b"h" if is_on else b"l")


_ZERO: Final = (b"", b"0")
# Settings of one value, by the sequence that sets them: name, parameters that reset, what resets.
_SIMPLE: Final[dict[bytes, tuple[str, tuple[bytes, ...], bytes]]] = {
    b" q": ("cursor", _ZERO, b"\x1b[0 q"),
    b'"q': ("protection", (*_ZERO, b"2"), b'\x1b[0"q'),
    b"*x": ("extent", (*_ZERO, b"1"), b"\x1b[0*x"),
    b"$}": ("status line", _ZERO, b"\x1b[0$}"),
    b"$~": ("status display", _ZERO, b"\x1b[0$~"),
    b"q": ("lights", _ZERO, b"\x1b[0q"),
    b">p": ("pointer mode", (b"", b"1"), b"\x1b[>1p"),
    b" t": ("warning bell", (), b"\x1b[ t"),
    b" u": ("margin bell", (), b"\x1b[ u"),
}
_SIMPLE_ESCAPES: Final[dict[bytes, tuple[str, bytes]]] = {
    b"=": ("keypad", b"\x1b>"),
    b">": ("keypad", b""),
    b" G": ("c1", b"\x1b F"),
    b" F": ("c1", b""),
    b"%@": ("encoding", b"\x1b%G"),
    b"%G": ("encoding", b""),
    b"l": ("memory lock", b"\x1bm"),
    b"m": ("memory lock", b""),
    b"]P": ("console colours", b"\x1b]R\x1b\\"),
}
_STACKS: Final[dict[bytes, tuple[bool, Callable[[TerminalModes], _Depth]]]] = {
    b"#{": (True, lambda modes: modes._renditions),
    b"#}": (False, lambda modes: modes._renditions),
    b"#p": (True, lambda modes: modes._renditions),
    b"#q": (False, lambda modes: modes._renditions),
    b"#P": (True, lambda modes: modes._palettes),
    b"#Q": (False, lambda modes: modes._palettes),
}
_COMMANDS: Final[dict[bytes, tuple[str, Callable[[bytes], bool], bytes]]] = {
    b"8": ("link", lambda rest: rest.endswith(b";"), b"\x1b]8;;\x1b\\"),
    b"22": ("pointer", lambda rest: rest in (b"", b"default"), b"\x1b]22;\x1b\\"),
}
