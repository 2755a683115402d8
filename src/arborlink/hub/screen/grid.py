"""The cells of a screen, and what scrolled off it. Pure.

A row is two lists of the same length: of each cell its character with what joins it, and its pen.
The second cell of a wide character is an empty text.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from arborlink.hub.screen.pens import PLAIN, Pen, blank
from arborlink.protocol import limits

# Of a thousand columns fewer lines are kept than of eighty.
SCROLLBACK_CELLS: Final = 200_000


class Row:
    """One line. `wraps`: the text goes on in the next one."""

    __slots__ = ("pens", "text", "wraps")

    def __init__(self, cols: int, pen: Pen = PLAIN) -> None:
        self.text = [" "] * cols
        self.pens = [pen] * cols
        self.wraps = False

    def resize(self, cols: int) -> None:
        """Cut it off, or fill it up."""
        have = len(self.text)
        if cols < have:
            self.part(cols)
            del self.text[cols:], self.pens[cols:]
            self.wraps = False
        else:
            self.text += [" "] * (cols - have)
            self.pens += [PLAIN] * (cols - have)

    def erase(self, start: int, end: int, pen: Pen) -> None:
        """Make the cells `[start, end)` blank, and with them the rest of wide ones."""
        if start >= end:
            return
        self.part(start)
        self.part(end)
        self.text[start:end] = [" "] * (end - start)
        self.pens[start:end] = [pen] * (end - start)
        if end == len(self.text):
            self.wraps = False

    def part(self, at: int) -> None:
        """Make both halves of a wide character blank that a border before `at` would cut."""
        if 0 < at < len(self.text) and not self.text[at]:
            self.text[at - 1] = self.text[at] = " "

    def insert(self, at: int, count: int, pen: Pen) -> None:
        """Shift the cells from `at` on to the right; what leaves the row is gone."""
        count = min(count, len(self.text) - at)
        self.part(at)
        self.part(len(self.text) - count)
        del self.text[len(self.text) - count :], self.pens[len(self.pens) - count :]
        self.text[at:at] = [" "] * count
        self.pens[at:at] = [pen] * count

    def delete(self, at: int, count: int, pen: Pen) -> None:
        """Remove cells; the rest of the row moves up to them."""
        count = min(count, len(self.text) - at)
        self.part(at)
        self.part(at + count)
        del self.text[at : at + count], self.pens[at : at + count]
        self.text += [" "] * count
        self.pens += [pen] * count


class Grid:
    """The rows of one screen. `scrollback`: rows above it, None for a screen that keeps none."""

    def __init__(self, cols: int, rows: int, *, keeps: bool) -> None:
        self.cols = cols
        self.rows = [Row(cols) for _ in range(rows)]
        self.scrollback: deque[Row] | None = deque() if keeps else None

    @property
    def cells(self) -> int:
        """How many cells are kept."""
        above = sum(len(row.text) for row in self.scrollback or ())
        return above + self.cols * len(self.rows)

    def clear(self, pen: Pen = PLAIN) -> None:
        """Make all rows blank; what scrolled off stays."""
        for at in range(len(self.rows)):
            self.rows[at] = Row(self.cols, pen)

    def scroll_up(self, top: int, bottom: int, count: int, pen: Pen, *, keep: bool) -> None:
        """Move the rows of `[top, bottom]` up; those that leave at the top of the screen are kept
        above it if `keep`."""
        pen = blank(pen)
        for _ in range(min(count, bottom - top + 1)):
            gone = self.rows.pop(top)
            if keep and top == 0:
                self._keep(gone)
            self.rows.insert(bottom, Row(self.cols, pen))

    def scroll_down(self, top: int, bottom: int, count: int, pen: Pen) -> None:
        """Move the rows of `[top, bottom]` down."""
        pen = blank(pen)
        for _ in range(min(count, bottom - top + 1)):
            del self.rows[bottom]
            self.rows.insert(top, Row(self.cols, pen))

    def resize(self, cols: int, rows: int, cursor: int) -> int:
        """Give it another size; return in which row a cursor of the row `cursor` is then.

        Lines are not filled anew. Rows below the cursor go first, then those at the top.
        """
        while len(self.rows) > rows:
            if len(self.rows) - 1 > cursor:
                self.rows.pop()
            else:
                self._keep(self.rows.pop(0))
                cursor -= 1
        while len(self.rows) < rows:
            if self.scrollback:
                self.rows.insert(0, self.scrollback.pop())
                cursor += 1
            else:
                self.rows.append(Row(cols))
        self.cols = cols
        for row in self.rows:
            if len(row.text) != cols:
                row.resize(cols)
        return cursor

    def _keep(self, row: Row) -> None:
        if self.scrollback is None:
            return
        self.scrollback.append(row)
        most = min(limits.SCREEN_SCROLLBACK_LINES, SCROLLBACK_CELLS // self.cols)
        while len(self.scrollback) > most:
            self.scrollback.popleft()
