"""Bytes that a program wrote, as calls of a `ScreenModel`. Pure.

Sequences are those of ECMA-48 with xterm's and kitty's extensions. What asks the terminal
something, or is not known, does nothing.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Final

from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.modes import MAX_CURSOR_STYLE, MAX_TITLE_CHARS
from arborlink.hub.screen.pens import Pen, select

# What is read at a time: a control character inside a sequence costs a copy of the rest.
PIECE_BYTES: Final = 16 * 1024
# A control string is ignored from here on, to its end. Titles are shorter.
MAX_STRING_CHARS: Final = 1_024
MAX_SEQUENCE_CHARS: Final = 256
MAX_NUMBER: Final = 65_535
_MAX_PENS: Final = 4_096

_TEXT: Final = re.compile("[^\x00-\x1f\x7f-\x9f]+")
_CSI: Final = re.compile("\x1b\\[([<-?]?)([0-9:;]*)[<-?]*([ -/]*)([@-~])")
_CSI_PART: Final = re.compile("\x1b\\[[ -?]*")
_CSI_REST: Final = re.compile("[ -?]*")
_ESCAPE: Final = re.compile("\x1b([ -/]*)([0-~])")
_ESCAPE_PART: Final = re.compile("\x1b[ -/]*")
_ESCAPE_REST: Final = re.compile("[ -/]*")
_STRING_END: Final = re.compile("[\x07\x18\x1a\x1b\x9c]")
_UNSHOWN: Final = re.compile("[\x00-\x1f\x7f-\x9f]")

# 8-bit controls, and the sequences that they stand for.
_EIGHT_BIT: Final = dict.fromkeys(range(0x80, 0xA0), "") | {
    code: f"\x1b{chr(code - 0x40)}" for code in (0x84, 0x85, 0x88, 0x8D, *range(0x90, 0xA0))
}
_STRINGS: Final = {"]": "osc", "P": "dcs", "X": "sos", "^": "pm", "_": "apc"}


def _never() -> bool:
    return False


class Parser:
    """Feeds a model. What is cut in two by the end of the bytes goes on with the next."""

    def __init__(self, model: ScreenModel) -> None:
        self._model = model
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._string: str | None = None
        self._content = ""
        # What a sequence that is too long goes on with; it is read to its end, and not obeyed.
        self._too_long: re.Pattern[str] | None = None
        self._pens: dict[tuple[Pen, str], Pen] = {}
        self._commands = _commands(model)
        # What was fed and is not applied yet. Of a sequence that has not ended `_rest` is kept.
        self._waiting = ""

    @property
    def is_behind(self) -> bool:
        """Whether some of what was fed is not applied yet."""
        return bool(self._waiting)

    def feed(self, data: bytes | memoryview, is_late: Callable[[], bool] = _never) -> bool:
        """Apply what a program wrote; False: it was late before all of it was applied.

        `is_late` is asked after each sequence, the dearest of which takes a fifth of a second on
        the largest terminal. What is left is applied first with what is fed next.
        """
        for start in range(0, max(1, len(data)), PIECE_BYTES):
            self._waiting += self._decode(bytes(data[start : start + PIECE_BYTES]))
            if not self._apply(is_late):
                self._waiting += self._decode(bytes(data[start + PIECE_BYTES :]))
                return False
        return True

    def interrupt(self) -> None:
        """What follows does not continue what came before: bytes are missing in between."""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = self._waiting = self._content = ""
        self._string = self._too_long = None

    def _apply(self, is_late: Callable[[], bool]) -> bool:
        text, self._rest, self._waiting = self._rest + self._waiting, "", ""
        at = 0
        while at < len(text):
            if self._string is not None:
                at = self._read_string(text, at)
                continue
            if self._too_long is not None:
                at = self._read_over(text, at, self._too_long)
                continue
            run = _TEXT.match(text, at)
            if run is not None:
                self._model.draw(run.group())
                at = run.end()
                continue
            character = text[at]
            if character == "\x1b":
                sequence = _CSI.match(text, at)
                if sequence is not None:
                    if sequence.end() - at <= MAX_SEQUENCE_CHARS:
                        self._control_sequence(*sequence.groups())
                    at = sequence.end()
                else:
                    text, at, is_whole = self._escape(text, at)
                    if not is_whole:
                        break
                if at < len(text) and is_late():
                    self._waiting = text[at:]
                    return False
            else:
                if character >= "\x80":
                    text = text[:at] + _EIGHT_BIT[ord(character)] + text[at + 1 :]
                    continue
                self._control(character)
                at += 1
        self._rest = text[at:]
        return True

    # ── what begins with an escape ───────────────────────────────────────────────────────────

    def _escape(self, text: str, at: int) -> tuple[str, int, bool]:
        """Read an escape sequence, or a control sequence that is not whole or not pure.

        Returns the text, where to go on in it, and False if more has to come before.
        """
        is_csi = text.startswith("[", at + 1)
        if not is_csi:
            sequence = _ESCAPE.match(text, at)
            if sequence is not None:
                if sequence.end() - at <= MAX_SEQUENCE_CHARS:
                    self._escape_sequence(sequence.group(1), sequence.group(2))
                return text, sequence.end(), True
        part = (_CSI_PART if is_csi else _ESCAPE_PART).match(text, at)
        assert part is not None
        end = part.end()
        if end - at > MAX_SEQUENCE_CHARS:
            self._too_long = _CSI_REST if is_csi else _ESCAPE_REST
            return text, end, True
        if end == len(text):
            return text, at, False
        stop = text[end]
        if stop in "\x18\x1a":
            return text, end + 1, True
        if stop == "\x1b" or stop >= "\x80":
            return text, end, True  # what came before is given up
        if stop < "\x20":
            self._control(stop)
        elif stop != "\x7f":
            # Parameters in an order that no sequence has: read over it.
            return text, end + 1, True
        # A control character is obeyed inside a sequence, which then goes on.
        return text[:end] + text[end + 1 :], at, True

    def _read_over(self, text: str, at: int, rest: re.Pattern[str]) -> int:
        found = rest.match(text, at)
        at = at if found is None else found.end()
        if at == len(text):
            return at
        stop = text[at]
        if stop < "\x20" and stop not in "\x18\x1a\x1b":
            self._control(stop)
        elif stop != "\x7f":
            self._too_long = None
            if stop == "\x1b" or stop >= "\x80":
                return at
        return at + 1

    def _escape_sequence(self, between: str, final: str) -> None:
        model = self._model
        if not between:
            if final in _STRINGS:
                self._string, self._content = _STRINGS[final], ""
            elif final in _ESCAPES:
                _ESCAPES[final](model)
            elif final == "c":
                model.reset()
        elif between in "()*+" and len(between) == 1:
            model.designate("()*+".index(between), final)
        elif between == "#" and final == "8":
            model.fill()

    def _read_string(self, text: str, at: int) -> int:
        found = _STRING_END.search(text, at)
        end = len(text) if found is None else found.start()
        room = MAX_STRING_CHARS - len(self._content)
        self._content += text[at : min(end, at + room)]
        if found is None:
            return end
        stop = found.group()
        if stop == "\x07" and self._string != "osc":
            return end + 1
        if stop not in "\x18\x1a":
            self._string_over()
        self._string = None
        # An escape ends the string whatever follows, and begins what follows.
        return end if stop == "\x1b" else end + 1

    def _string_over(self) -> None:
        if self._string != "osc" or len(self._content) >= MAX_STRING_CHARS:
            return
        code, _, value = self._content.partition(";")
        if code in ("0", "2"):
            self._model.modes.title = _UNSHOWN.sub("", value)[:MAX_TITLE_CHARS]

    # ── single characters, and control sequences ─────────────────────────────────────────────

    def _control(self, character: str) -> None:
        control = _CONTROLS.get(character)
        if control is not None:
            control(self._model)

    def _control_sequence(self, prefix: str, parameters: str, between: str, final: str) -> None:
        if final == "m" and not prefix and not between:
            self._select(parameters)
            return
        command = self._commands.get(prefix + between + final)
        if command is not None:
            command([_number(part) for part in parameters.split(";")])

    def _select(self, parameters: str) -> None:
        cursor = self._model.cursor
        key = (cursor.pen, parameters)
        pen = self._pens.get(key)
        if pen is None:
            if len(self._pens) >= _MAX_PENS:
                self._pens.clear()
            pen = self._pens[key] = select(cursor.pen, parameters)
        cursor.pen = pen


def _number(text: str) -> int:
    digits = text.partition(":")[0]
    return min(int(digits[:6]), MAX_NUMBER) if digits else 0


def _set_shift(model: ScreenModel, which: int) -> None:
    model.cursor.shift = which


def _next_line(model: ScreenModel) -> None:
    model.carriage_return()
    model.index()


_CONTROLS: Final[dict[str, Callable[[ScreenModel], None]]] = {
    "\b": ScreenModel.backspace,
    "\t": ScreenModel.tab,
    "\n": ScreenModel.line_feed,
    "\v": ScreenModel.line_feed,
    "\f": ScreenModel.line_feed,
    "\r": ScreenModel.carriage_return,
    "\x0e": lambda model: _set_shift(model, 1),
    "\x0f": lambda model: _set_shift(model, 0),
}
_ESCAPES: Final[dict[str, Callable[[ScreenModel], None]]] = {
    "7": ScreenModel.save_cursor,
    "8": ScreenModel.restore_cursor,
    "D": ScreenModel.line_feed,
    "E": _next_line,
    "H": lambda model: model.tabs.add(model.cursor.x),
    "M": ScreenModel.reverse_index,
    "=": lambda model: model.modes.set_private(66, True),
    ">": lambda model: model.modes.set_private(66, False),
    "n": lambda model: _set_shift(model, 2),
    "o": lambda model: _set_shift(model, 3),
}


def _commands(model: ScreenModel) -> dict[str, Callable[[list[int]], None]]:
    """What control sequences do, by their prefix, what is between, and final character."""

    def at_least_one(change: Callable[[int], None]) -> Callable[[list[int]], None]:
        return lambda numbers: change(max(1, numbers[0]))

    def second(numbers: list[int], otherwise: int = 1) -> int:
        return numbers[1] if len(numbers) > 1 and numbers[1] else otherwise

    def place(numbers: list[int]) -> None:
        model.move_to(max(1, numbers[0]) - 1, second(numbers) - 1)

    def margins(numbers: list[int]) -> None:
        model.set_margins(max(1, numbers[0]) - 1, second(numbers, model.rows) - 1)

    commands: dict[str, Callable[[list[int]], None]] = {
        "@": at_least_one(model.insert_characters),
        "A": at_least_one(lambda n: model.move(-n, 0)),
        "B": at_least_one(lambda n: model.move(n, 0)),
        "C": at_least_one(lambda n: model.move(0, n)),
        "D": at_least_one(lambda n: model.move(0, -n)),
        "E": at_least_one(lambda n: model.move(n, -model.cols)),
        "F": at_least_one(lambda n: model.move(-n, -model.cols)),
        "G": at_least_one(lambda n: model.move_to(x=n - 1)),
        "H": place,
        "I": at_least_one(model.tab),
        "J": lambda numbers: model.erase_display(numbers[0]),
        "?J": lambda numbers: model.erase_display(numbers[0]),
        "K": lambda numbers: model.erase_line(numbers[0]),
        "?K": lambda numbers: model.erase_line(numbers[0]),
        "L": at_least_one(model.insert_lines),
        "M": at_least_one(model.delete_lines),
        "P": at_least_one(model.delete_characters),
        "S": at_least_one(model.scroll_up),
        "T": lambda numbers: model.scroll_down(max(1, numbers[0])) if len(numbers) == 1 else None,
        "X": at_least_one(model.erase_characters),
        "Z": at_least_one(lambda n: model.tab(-n)),
        "`": at_least_one(lambda n: model.move_to(x=n - 1)),
        "a": at_least_one(lambda n: model.move(0, n)),
        "b": at_least_one(model.repeat),
        "d": at_least_one(lambda n: model.move_to(y=n - 1)),
        "e": at_least_one(lambda n: model.move(n, 0)),
        "f": place,
        "r": margins,
        "s": lambda _: model.save_cursor(),
        "u": lambda _: model.restore_cursor(),
        "!p": lambda _: model.soft_reset(),
    }
    return commands | _mode_commands(model)


def _mode_commands(model: ScreenModel) -> dict[str, Callable[[list[int]], None]]:
    def ansi(on: bool) -> Callable[[list[int]], None]:
        def change(numbers: list[int]) -> None:
            if 4 in numbers:
                model.modes.insert = on
            if 20 in numbers:
                model.modes.newline = on

        return change

    def private(on: bool) -> Callable[[list[int]], None]:
        def change(numbers: list[int]) -> None:
            for mode in numbers:
                model.set_private(mode, on)

        return change

    def clear_tab(numbers: list[int]) -> None:
        if numbers[0] == 3:
            model.tabs.clear()
        elif numbers[0] == 0:
            model.tabs.discard(model.cursor.x)

    def cursor_style(numbers: list[int]) -> None:
        model.modes.cursor_style = numbers[0] if numbers[0] <= MAX_CURSOR_STYLE else 0

    def key_modifiers(numbers: list[int]) -> None:
        if numbers[0] in (0, 4):
            wanted = numbers[1] if numbers[0] == 4 and len(numbers) > 1 else 0
            model.modes.modify_other_keys = min(wanted, 2)

    def no_key_modifiers(numbers: list[int]) -> None:
        if numbers[0] == 4:
            model.modes.modify_other_keys = 0

    return {
        "h": ansi(True),
        "l": ansi(False),
        "?h": private(True),
        "?l": private(False),
        "g": clear_tab,
        " q": cursor_style,
        ">m": key_modifiers,
        ">n": no_key_modifiers,
        "=u": lambda numbers: model.keyboard.set(
            numbers[0], numbers[1] if len(numbers) > 1 and numbers[1] else 1
        ),
        ">u": lambda numbers: model.keyboard.push(numbers[0]),
        "<u": lambda numbers: model.keyboard.pop(numbers[0]),
    }
