"""A terminal: two screens, a cursor, and modes. Pure.

Calls are named after what a sequence does; `parser.py` makes them. Rows and columns are from 0
here. Behaves as xterm where terminals differ.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from arborlink.hub.screen.grid import Grid, Row
from arborlink.hub.screen.modes import (
    ALTERNATE,
    AUTOWRAP,
    ORIGIN,
    SAVED_CURSOR,
    KittyKeyboard,
    Modes,
)
from arborlink.hub.screen.pens import PLAIN, Pen, blank
from arborlink.hub.screen.widths import width

TAB: Final = 8
# A character and what joins it; a program could go on joining for ever.
MAX_CELL_CHARS: Final = 16
# Of these each takes one column: Latin, Greek, Cyrillic, arrows, lines and blocks.
_NARROW: Final = re.compile(
    "[\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2190-\u21ff\u2500-\u25fc]+"
)
# Characters of cells that are kept once; of all others each cell has its own.
MAX_SHARED_CHARACTERS: Final = 8_192
# DEC's drawing characters, of the codes 0x60 to 0x7e; 0x5f is a blank.
DRAWING: Final = dict(zip(range(0x5F, 0x7F), "\xa0◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·", strict=True))
_CHARSETS: Final[dict[str, dict[int, str] | None]] = {
    "0": DRAWING,
    "A": {0x23: "£"},
    "B": None,
}


@dataclass(slots=True)
class Cursor:
    """Where the next character goes, and how. `is_past`: it is beyond the last column, so that
    the next one begins a new line."""

    x: int = 0
    y: int = 0
    pen: Pen = PLAIN
    is_past: bool = False
    origin: bool = False
    charsets: tuple[str, str, str, str] = ("B", "B", "B", "B")
    shift: int = 0


class ScreenModel:
    """What a terminal of `cols` by `rows` shows after the bytes that were written to it."""

    def __init__(self, cols: int, rows: int) -> None:
        self.cols = cols
        self.rows = rows
        self._characters: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        """Be as a terminal that was just switched on."""
        self.main = Grid(self.cols, self.rows, keeps=True)
        self.alternate = Grid(self.cols, self.rows, keeps=False)
        # The private mode by which the alternate screen was switched to, None on the main one.
        self.alternate_by: int | None = None
        self.cursor = Cursor()
        self.saved: dict[bool, Cursor | None] = {False: None, True: None}
        self.keyboards = {False: KittyKeyboard(), True: KittyKeyboard()}
        self.modes = Modes()
        self.top = 0
        self.bottom = self.rows - 1
        self.tabs = set(range(TAB, self.cols, TAB))
        self.last_character = ""

    @property
    def is_alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self.alternate_by is not None

    @property
    def grid(self) -> Grid:
        """The screen that is shown."""
        return self.alternate if self.is_alternate else self.main

    @property
    def keyboard(self) -> KittyKeyboard:
        """The flags that are in force."""
        return self.keyboards[self.is_alternate]

    @property
    def cells(self) -> int:
        """How many cells are kept, which is what a model takes in memory."""
        return self.main.cells + self.alternate.cells

    def resize(self, cols: int, rows: int) -> None:
        """Give the terminal another size. Lines are not filled anew."""
        if (cols, rows) == (self.cols, self.rows):
            return
        cursor = self.cursor
        hidden = self.main if self.is_alternate else self.alternate
        saved = self.saved[not self.is_alternate]
        row = hidden.resize(cols, rows, saved.y if saved is not None else 0)
        if saved is not None:
            saved.y = row
        cursor.y = self.grid.resize(cols, rows, cursor.y)
        self.tabs |= set(range(-(-self.cols // TAB) * TAB, cols, TAB))
        self.tabs = {tab for tab in self.tabs if tab < cols}
        self.cols, self.rows, self.top, self.bottom = cols, rows, 0, rows - 1
        for each in (cursor, *self.saved.values()):
            if each is not None:
                each.x, each.y = min(each.x, cols - 1), max(0, min(each.y, rows - 1))
                each.is_past = False

    # ── text ─────────────────────────────────────────────────────────────────────────────────

    def draw(self, text: str) -> None:
        """Write printable characters."""
        cursor = self.cursor
        table = _CHARSETS[cursor.charsets[cursor.shift]]
        if table is not None:
            text = text.translate(table)
        at = 0
        while at < len(text):
            run = _NARROW.match(text, at)
            if run is not None:
                self._draw_narrow(run.group())
                at = run.end()
                continue
            character = text[at]
            at += 1
            columns = width(character)
            if columns == 1:
                self._draw_narrow(character)
            elif columns == 2:
                self._draw_wide(character)
            else:
                self._join(character)
        if text:
            self.last_character = text[-1]

    def repeat(self, count: int) -> None:
        """Write the last character again."""
        if self.last_character:
            self.draw(self.last_character * min(count, self.cols * self.rows))

    def _draw_narrow(self, text: str) -> None:
        cursor = self.cursor
        at, cols, pen = 0, self.cols, cursor.pen
        while at < len(text):
            if cursor.is_past:
                self._wrap()
            x = cursor.x
            row = self.grid.rows[cursor.y]
            part = text[at : at + cols - x]
            end = x + len(part)
            if self.modes.insert:
                row.insert(x, len(part), blank(pen))
            row.part(x)
            row.part(end)
            row.text[x:end] = part if part.isascii() else self._shared(part)
            row.pens[x:end] = [pen] * len(part)
            at += len(part)
            if end < cols:
                cursor.x = end
            elif self.modes.switches[AUTOWRAP]:
                cursor.x, cursor.is_past = cols - 1, True
            else:
                # All that follows is written over the last column.
                cursor.x = cols - 1
                at = max(at, len(text) - 1)

    def _shared(self, text: str) -> Iterable[str]:
        known = self._characters
        if len(known) < MAX_SHARED_CHARACTERS:
            known.update(zip(text, text, strict=True))
        return map(known.get, text, text)

    def _draw_wide(self, character: str) -> None:
        cursor = self.cursor
        if self.cols < 2:
            return
        if cursor.is_past or cursor.x == self.cols - 1:
            if not self.modes.switches[AUTOWRAP]:
                cursor.x = self.cols - 2
            else:
                self._wrap()
        x, row, pen = cursor.x, self.grid.rows[cursor.y], cursor.pen
        if self.modes.insert:
            row.insert(x, 2, blank(pen))
        row.part(x)
        row.part(x + 2)
        row.text[x : x + 2] = [*self._shared(character), ""]
        row.pens[x : x + 2] = [pen, pen]
        cursor.x = x + 2
        if cursor.x == self.cols:
            cursor.x = self.cols - 1
            cursor.is_past = self.modes.switches[AUTOWRAP]

    def _join(self, character: str) -> None:
        cursor, row = self.cursor, self.grid.rows[self.cursor.y]
        at = cursor.x if cursor.is_past else cursor.x - 1
        if at > 0 and not row.text[at]:
            at -= 1
        if at >= 0 and 0 < len(row.text[at]) < MAX_CELL_CHARS:
            row.text[at] += character

    def _wrap(self) -> None:
        self.grid.rows[self.cursor.y].wraps = True
        self.cursor.x, self.cursor.is_past = 0, False
        self.index()

    # ── the cursor ───────────────────────────────────────────────────────────────────────────

    def index(self) -> None:
        """One row down; at the bottom of the region that scrolls, that one moves up."""
        if self.cursor.y == self.bottom:
            self.scroll_up(1, keep=not self.is_alternate)
        elif self.cursor.y < self.rows - 1:
            self.cursor.y += 1

    def reverse_index(self) -> None:
        """One row up; at the top of the region that scrolls, that one moves down."""
        self.cursor.is_past = False
        if self.cursor.y == self.top:
            self.scroll_down(1)
        elif self.cursor.y > 0:
            self.cursor.y -= 1

    def line_feed(self) -> None:
        """LF, and VT and FF, which are the same."""
        self.cursor.is_past = False
        self.index()
        if self.modes.newline:
            self.cursor.x = 0

    def carriage_return(self) -> None:
        """To the first column."""
        self.cursor.x, self.cursor.is_past = 0, False

    def backspace(self) -> None:
        """One column back."""
        self.cursor.x, self.cursor.is_past = max(0, self.cursor.x - 1), False

    def tab(self, count: int = 1) -> None:
        """To the next stop, or back to the one before."""
        stops, x = sorted(self.tabs), self.cursor.x
        if count > 0:
            at = bisect_right(stops, x) + count - 1
            self.cursor.x = stops[at] if at < len(stops) else self.cols - 1
        else:
            at = bisect_left(stops, x) + count
            self.cursor.x = stops[at] if at >= 0 else 0
            self.cursor.is_past = False

    def move(self, down: int, right: int) -> None:
        """Move by rows and columns; a margin that is in the way stops it."""
        cursor = self.cursor
        low = self.top if cursor.y >= self.top else 0
        high = self.bottom if cursor.y <= self.bottom else self.rows - 1
        cursor.y = max(low, min(high, cursor.y + down))
        cursor.x = max(0, min(self.cols - 1, cursor.x + right))
        cursor.is_past = False

    def move_to(self, y: int | None = None, x: int | None = None) -> None:
        """To a place, which in origin mode counts from the top margin and is within both."""
        cursor = self.cursor
        low, high = 0, self.rows - 1
        if self.modes.switches[ORIGIN]:
            low, high = self.top, self.bottom
        if y is not None:
            cursor.y = max(low, min(high, low + y))
        if x is not None:
            cursor.x = max(0, min(self.cols - 1, x))
        cursor.is_past = False

    def set_margins(self, top: int, bottom: int) -> None:
        """Set the region that scrolls."""
        bottom = min(bottom, self.rows - 1)
        if 0 <= top < bottom:
            self.top, self.bottom = top, bottom
            self.move_to(0, 0)

    def save_cursor(self) -> None:
        """DECSC."""
        origin = self.modes.switches[ORIGIN]
        self.saved[self.is_alternate] = replace(self.cursor, origin=origin, is_past=False)

    def restore_cursor(self) -> None:
        """DECRC; without one that was saved, home."""
        saved = self.saved[self.is_alternate] or Cursor()
        self.cursor = replace(saved)
        self.modes.switches[ORIGIN] = saved.origin

    # ── erasing and moving cells ─────────────────────────────────────────────────────────────

    def scroll_up(self, count: int, *, keep: bool = False) -> None:
        """Move the region that scrolls up."""
        self.grid.scroll_up(self.top, self.bottom, count, self.cursor.pen, keep=keep)

    def scroll_down(self, count: int) -> None:
        """Move the region that scrolls down."""
        self.grid.scroll_down(self.top, self.bottom, count, self.cursor.pen)

    def erase_display(self, what: int) -> None:
        """ED: below (0), above (1), all (2), what scrolled off (3)."""
        pen, y = blank(self.cursor.pen), self.cursor.y
        if what == 0:
            self.erase_line(0)
            self._erase_rows(y + 1, self.rows, pen)
        elif what == 1:
            self._erase_rows(0, y, pen)
            self.erase_line(1)
        elif what == 2:
            self._erase_rows(0, self.rows, pen)
        elif what == 3 and self.main.scrollback is not None:
            self.main.scrollback.clear()

    def _erase_rows(self, start: int, end: int, pen: Pen) -> None:
        for y in range(start, end):
            self.grid.rows[y] = Row(self.cols, pen)

    def erase_line(self, what: int) -> None:
        """EL: to the right (0), to the left (1), all (2)."""
        start = 0 if what else self.cursor.x
        end = self.cursor.x + 1 if what == 1 else self.cols
        self._edit(lambda row, _, pen: row.erase(start, end, pen))

    def erase_characters(self, count: int) -> None:
        """ECH."""
        end = min(self.cols, self.cursor.x + count)
        self._edit(lambda row, x, pen: row.erase(x, end, pen))

    def insert_characters(self, count: int) -> None:
        """ICH."""
        self._edit(lambda row, x, pen: row.insert(x, count, pen))

    def delete_characters(self, count: int) -> None:
        """DCH."""
        self._edit(lambda row, x, pen: row.delete(x, count, pen))

    def _edit(self, change: Callable[[Row, int, Pen], None]) -> None:
        cursor = self.cursor
        cursor.is_past = False
        change(self.grid.rows[cursor.y], cursor.x, blank(cursor.pen))

    def insert_lines(self, count: int) -> None:
        """IL."""
        if self.top <= self.cursor.y <= self.bottom:
            self.grid.scroll_down(self.cursor.y, self.bottom, count, self.cursor.pen)
            self.carriage_return()

    def delete_lines(self, count: int) -> None:
        """DL."""
        if self.top <= self.cursor.y <= self.bottom:
            pen = self.cursor.pen
            self.grid.scroll_up(self.cursor.y, self.bottom, count, pen, keep=False)
            self.carriage_return()

    def fill(self) -> None:
        """DECALN: the whole screen in E."""
        for row in self.grid.rows:
            row.text[:] = ["E"] * self.cols
            row.pens[:] = [PLAIN] * self.cols
        self.top, self.bottom = 0, self.rows - 1
        self.move_to(0, 0)

    # ── modes ────────────────────────────────────────────────────────────────────────────────

    def set_private(self, mode: int, on: bool) -> None:
        """Switch a private mode."""
        if mode in ALTERNATE:
            self._switch(mode, on)
        elif mode == SAVED_CURSOR:
            self.save_cursor() if on else self.restore_cursor()
        else:
            self.modes.set_private(mode, on)
            if mode == ORIGIN:
                self.move_to(0, 0)
            elif mode == AUTOWRAP and not on:
                self.cursor.is_past = False

    def _switch(self, mode: int, on: bool) -> None:
        if on and not self.is_alternate:
            if mode == 1049:
                self.save_cursor()
            self.alternate_by = mode
            if mode != 47:
                self.alternate.clear(blank(self.cursor.pen))
        elif not on and self.is_alternate:
            if mode == 1047:
                self.alternate.clear()
            self.alternate_by = None
            if mode == 1049:
                self.restore_cursor()

    def soft_reset(self) -> None:
        """DECSTR."""
        self.modes.soft_reset()
        self.top, self.bottom = 0, self.rows - 1
        self.cursor.pen, self.cursor.shift = PLAIN, 0
        self.cursor.charsets = Cursor().charsets
        self.saved[self.is_alternate] = None

    def designate(self, which: int, charset: str) -> None:
        """Make a character set G0 to G3; one that is not known is ASCII."""
        charsets = list(self.cursor.charsets)
        charsets[which] = charset if charset in _CHARSETS else "B"
        self.cursor.charsets = (charsets[0], charsets[1], charsets[2], charsets[3])
