"""A terminal as far as what it keeps between programs: written from the documents, not the code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

SEQUENCE: Final = re.compile(
    rb"\x1b\[(?P<marker>[<=>?]?)(?P<body>[0-9;:]*)(?P<inner>[ -/]*)(?P<final>[@-~])"
    rb"|\x1b\](?P<command>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    rb"|\x1b[P^_X](?P<string>[^\x1b]*)\x1b\\"
    rb"|\x1b(?P<marks>[ -/]*)(?P<escape>[0-~])"
    rb"|(?P<control>[\x00-\x1f\x7f])|(?P<text>[^\x00-\x1f\x7f])"
)
INITIALLY_ON: Final = {2, 7, 8, 25}
DEFAULTS: Final = {b" q": b"0", b'"q': b"0", b">p": b"1"}


@dataclass
class Screen:
    """What each of the two screens has of its own."""

    keyboard: list[int] = field(default_factory=lambda: [0])


@dataclass
class Model:
    """Everything is as in a terminal that was just opened."""

    private: set[int] = field(default_factory=lambda: set(INITIALLY_ON))
    ansi: set[int] = field(default_factory=lambda: {12})
    alternate: bool = False
    screens: tuple[Screen, Screen] = field(default_factory=lambda: (Screen(), Screen()))
    keypad: bool = False
    shift: bytes = b"\x0f"
    charsets: dict[bytes, bytes] = field(default_factory=dict)
    values: dict[bytes, bytes] = field(default_factory=dict)
    colours: dict[int, bytes] = field(default_factory=dict)
    palette: dict[bytes, bytes] = field(default_factory=dict)
    resources: dict[bytes, bytes] = field(default_factory=dict)
    margins: bytes = b""
    title: bytes = b"shell"
    titles: list[bytes] = field(default_factory=list)
    link: bytes = b""
    saved: dict[int, bool] = field(default_factory=dict)
    bold: bytes = b""
    asked: list[bytes] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        """Do what a terminal does."""
        at = 0
        while at < len(data):
            found = SEQUENCE.match(data, at)
            assert found is not None, data[at : at + 40]
            at = found.end()
            if found["final"] is not None:
                self._csi(found["marker"] + found["inner"] + found["final"], found["body"])
            elif found["command"] is not None:
                self._command(found["command"])
            elif found["escape"] is not None:
                self._escape(found["marks"], found["escape"])
            elif found["string"] is not None:
                self.asked.append(found[0])
            elif found["control"] in (b"\x0e", b"\x0f"):
                self.shift = found["control"]
            elif found["control"] in (b"\x05", b"\x07"):
                self.asked.append(found["control"])

    def _csi(self, form: bytes, body: bytes) -> None:
        numbers = [int(each or b"0") for each in body.split(b";")]
        if form in (b"?h", b"?l"):
            for number in numbers:
                self._mode(number, form == b"?h")
        elif form in (b"h", b"l"):
            for number in numbers:
                (self.ansi.add if form == b"h" else self.ansi.discard)(number)
        elif form == b"?s":
            self.saved.update({each: each in self.private for each in numbers})
        elif form == b"?r":
            for number in numbers:
                if number in self.saved:
                    self._mode(number, self.saved[number])
        elif form in (b">u", b"<u", b"=u"):
            self._keyboard(form, numbers)
        elif form == b"r":
            self.margins = b"" if body in (b"", b"0") else body
        elif form in DEFAULTS:
            self.values[form] = body or DEFAULTS[form]
        elif form in (b">m", b">n"):
            which, _, value = body.partition(b";")
            self.resources[which] = b"off" if form == b">n" else value
        elif form == b"m":
            self.bold = body.strip(b"0")
        elif form == b"t" and numbers[0] == 22:
            self.titles.append(self.title)
        elif form == b"t" and numbers[0] == 23:
            self.title = self.titles.pop() if self.titles else self.title
        elif form[-1:] in b"cntpqxuySiR":
            self.asked.append(form)

    def _mode(self, number: int, is_on: bool) -> None:
        if number in (47, 1047, 1049):
            self.alternate = is_on
        elif number != 1048:
            (self.private.add if is_on else self.private.discard)(number)

    def _keyboard(self, form: bytes, numbers: list[int]) -> None:
        stack = self.screens[self.alternate].keyboard
        if form == b">u":
            stack.append(numbers[0])
        elif form == b"=u":
            stack[-1] = numbers[0]
        else:
            for _ in range(max(1, numbers[0])):
                stack.pop()
                if not stack:
                    stack.append(0)
                    return

    def _command(self, command: bytes) -> None:
        number, _, rest = command.partition(b";")
        if number in (b"0", b"2"):
            self.title = rest
        elif number == b"8":
            self.link = rest.partition(b";")[2]
        elif rest == b"?" or rest.endswith(b";?"):
            self.asked.append(b"]" + number)
        elif number == b"4":
            index, _, colour = rest.partition(b";")
            self.palette[index] = colour
        elif number == b"104":
            self.palette.pop(rest, None)
        elif number.isdigit() and 10 <= int(number) < 20:
            self.colours[int(number)] = rest
        elif number.isdigit() and 110 <= int(number) < 120:
            self.colours.pop(int(number) - 100, None)
        else:
            self.asked.append(b"]" + number)

    def _escape(self, marks: bytes, final: bytes) -> None:
        if marks in (b"(", b")"):
            self.charsets[marks] = final
        elif not marks and final in b"=>":
            self.keypad = final == b"="
        elif not marks and final == b"<":
            self.private.add(2)
        elif not marks and final == b"Z":
            self.asked.append(b"Z")

    def settings(self) -> dict[str, object]:
        """What a program finds that is started next."""
        return {
            "private": self.private,
            "ansi": self.ansi,
            "alternate": self.alternate,
            "keyboards": [each.keyboard for each in self.screens],
            "keypad": self.keypad,
            "shift": self.shift,
            "charsets": {slot: each for slot, each in self.charsets.items() if each != b"B"},
            "values": {form: v for form, v in self.values.items() if v != DEFAULTS[form]},
            "colours": self.colours,
            "palette": self.palette,
            "resources": {each: v for each, v in self.resources.items() if v not in (b"", b"0")},
            "margins": self.margins,
            "title": self.title,
            "titles": self.titles,
            "link": self.link,
            "bold": self.bold,
        }
