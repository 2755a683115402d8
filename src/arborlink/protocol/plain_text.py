"""Output as a terminal that never scrolls away shows its lines, as UTF-8. Pure.

Control functions of ECMA-48 within a line take effect: carriage return, backspace, movements,
erasing. A movement to another line ends the line, so that the text that a program would have
overwritten there is kept. Colors, modes and strings for the terminal (titles, links, pictures) are
not text.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from arborlink.protocol.text_line import TextLine

# Bytes of a sequence's parameters. A longer one is not a sequence, however it is divided.
MAX_PARAMETERS_CHARS: Final = 240
MAX_INTERMEDIATES_CHARS: Final = 8
# More columns or cells than any terminal has.
MAX_COUNT: Final = 10_000

_CSI: Final = r"(?:\x1b\[|\x9b)"
_PARAMETERS: Final = f"[0-?]{{0,{MAX_PARAMETERS_CHARS}}}"
_BETWEEN: Final = f"[ -/]{{0,{MAX_INTERMEDIATES_CHARS}}}"
_COLORS: Final = rf"\x1b\[[0-9:;]{{0,{MAX_PARAMETERS_CHARS}}}m"
_ALL_COLORS: Final = re.compile(_COLORS)
# ECMA-48, 5.3-5.6, with C1 controls in both forms. `text` has tabs and ends of lines; colors are a
# part of it, which would take as long as all the rest otherwise.
_TOKEN: Final = re.compile(
    rf"(?P<text>(?:[^\x00-\x08\x0b-\x1f\x7f-\x9f]++|{_COLORS}|\r\n)++)"
    rf"|{_CSI}(?P<parameters>{_PARAMETERS})(?P<between>{_BETWEEN})(?P<final>[@-~])"
    r"|(?P<string>\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])"
    rf"|\x1b(?P<escape>{_BETWEEN}[0-OQ-WYZ\\`-~])"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])",
)
_UNFINISHED: Final = re.compile(rf"{_CSI}{_PARAMETERS}{_BETWEEN}\Z|\x1b{_BETWEEN}\Z")
# OSC, DCS, SOS, PM and APC end at ST; terminals end OSC at BEL as well, and all of them at CAN, SUB
# and the ESC of another sequence. A line feed ends them here too: a string that a program did not
# end would swallow all lines that follow.
_STRING_END: Final = re.compile("[\x07\x18\x1a\x1b\n\x9c]")
_ESCAPE: Final = "\x1b"
_PARAMETER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)

_TO_ANOTHER_LINE: Final = frozenset("ABEFHSTLMdefr")


class PlainText:
    """Takes pieces of one output, in order, and gives back the lines that can be told.

    What is not UTF-8 becomes U+FFFD. Both streams write on one line, as on a terminal; a sequence
    or a character that is cut in two goes on in its own stream. Between pieces a sequence that has
    not ended is kept of each stream, and of the line what `TextLine` keeps of it.
    """

    def __init__(self) -> None:
        self._out: list[str] = []
        line = TextLine(self._out)
        self._streams = {False: _Stream(line), True: _Stream(line)}
        self._line = line

    def feed(self, data: bytes, *, is_error: bool = False) -> bytes:
        """Return the text that is complete with this piece of stdout, or of stderr."""
        self._streams[is_error].feed(data)
        return self._taken()

    def finish(self) -> bytes:
        """Return what was kept, at the output's end or before a gap; it may begin anew then."""
        for stream in self._streams.values():
            stream.finish()
        self._line.finish()
        return self._taken()

    def _taken(self) -> bytes:
        text = "".join(self._out)
        self._out.clear()
        return text.encode()


class _Stream:
    """The parser of one stream."""

    def __init__(self, line: TextLine) -> None:
        self._line = line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._kept = ""
        self._in_string = False

    def feed(self, data: bytes, *, final: bool = False) -> None:
        text = self._kept + self._decoder.decode(data, final)
        self._kept = ""
        at = 0
        while at < len(text):
            at = self._end_string(text, at) if self._in_string else self._next(text, at)

    def finish(self) -> None:
        self.feed(b"", final=True)
        if not self._in_string:
            # The ESC of a sequence that was cut off is dropped; its printable rest is kept.
            self._line.write(self._kept.lstrip("\x1b\x9b"))
        self._kept, self._in_string = "", False

    def _next(self, text: str, at: int) -> int:
        """Apply text and sequences from `at` up to a string or the end; where to go on."""
        line = self._line
        for token in _TOKEN.finditer(text, at):
            kind = token.lastgroup
            if kind == "text":
                _write(line, token[kind])
            elif kind == "final":
                if not token["between"]:
                    _apply_sequence(line, token[kind], token["parameters"])
            elif kind == "control":
                if self._keep(text, token.start()):
                    return len(text)
                _apply_control(line, token[kind])
            elif kind == "escape":
                _apply_escape(line, token[kind])
            else:
                self._in_string = True
                return token.end()
        return len(text)

    def _keep(self, text: str, at: int) -> bool:
        """Return whether what begins at `at` may become a sequence with the next piece."""
        if text[at] not in "\x1b\x9b" or _UNFINISHED.match(text, at) is None:
            return False
        self._kept = text[at:]
        return True

    def _end_string(self, text: str, at: int) -> int:
        found = _STRING_END.search(text, at)
        if found is None:
            return len(text)
        end = found.start()
        if found[0] == _ESCAPE:
            if end + 1 == len(text):
                self._kept = _ESCAPE
                return len(text)
            self._in_string = False
            # Without the backslash of ST it begins a sequence of its own.
            return end + 2 if text[end + 1] == "\\" else end
        self._in_string = False
        if found[0] == "\n":
            self._line.end_unless_empty()
        return end + 1


def _write(line: TextLine, text: str) -> None:
    if _ESCAPE in text:
        text = _ALL_COLORS.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    line.write(text)


def _apply_sequence(line: TextLine, final: str, parameters: str) -> None:
    if parameters[:1] in ("<", "=", ">", "?"):
        return
    found = _PARAMETER.match(parameters)
    number = min(int(found[0]), MAX_COUNT) if found else 0
    count = max(1, number)
    match final:
        case "C" | "a":
            line.right(count)
        case "D":
            line.left(count)
        case "G" | "`":
            line.to_column(count - 1)
        case "K":
            _erase(line, number)
        case "J":
            _erase_display(line, number)
        case "X":
            line.blank(count)
        case "P":
            line.delete(count)
        case "@":
            line.insert(count)
        case "s":
            line.save_cursor()
        case "u":
            line.restore_cursor()
        case _ if final in _TO_ANOTHER_LINE:
            line.end_unless_empty()


def _erase(line: TextLine, which: int) -> None:
    match which:
        case 0:
            line.erase_right()
        case 1:
            line.erase_left()
        case 2:
            line.erase()


def _erase_display(line: TextLine, which: int) -> None:
    # What is above and below are other lines, which are kept; so is this one when all is erased.
    if which == 0:
        line.erase_right()
    else:
        line.end_unless_empty()


def _apply_control(line: TextLine, control: str) -> None:
    match control:
        case "\r":
            line.carriage_return()
        case "\b":
            line.left(1)
        case "\x85":
            line.end()
        case "\v" | "\f" | "\x84" | "\x8d":
            line.end_unless_empty()


def _apply_escape(line: TextLine, escape: str) -> None:
    match escape:
        case "7":
            line.save_cursor()
        case "8":
            line.restore_cursor()
        case "E":
            line.end()
        case "D" | "M" | "c":
            line.end_unless_empty()
