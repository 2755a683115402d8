"""The line of a terminal that a program writes on, until it goes on to another line. Pure.

A line may be written over: after a carriage return, a backspace or another movement within it. What
was written last is what a terminal shows.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

# Of a line that is longer than twice this, in characters, the beginning is given out: it can no
# longer be written over.
KEPT_CHARS: Final = 4 * 1024
# Where a movement to the right stops, unless there is text further on.
COLUMNS: Final = 80
TAB_COLUMNS: Final = 8
# Of one cell: a letter and what is drawn over it. A further mark gets a cell of its own.
MAX_CELL_CHARS: Final = 16

_WIDE: Final = ("W", "F")
_ZERO_WIDTH: Final = ("Mn", "Me", "Cf")
_BLANK: Final = " "
# A further column of a wide character or a tab.
_COVERED: Final = ""


@lru_cache(maxsize=1_024)
def _columns(character: str) -> int:
    """Return how many columns a character takes; 0: it depends on what is before it."""
    if character == "\t" or unicodedata.category(character) in _ZERO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


class TextLine:
    """Takes what is written, in order. Text of which nothing can change any more goes to `out`.

    The result does not depend on how the text is divided among calls. A line is kept as it was
    written until the first movement within it, and as a list of cells from then on.
    """

    def __init__(self, out: list[str]) -> None:
        self._out = out
        self._begin()

    def _begin(self) -> None:
        self._text = ""
        self._cells: list[str] | None = None
        self._column = 0
        # Characters, or cells, of this line that were given out.
        self._given_out = 0
        self._saved: int | None = None
        # A carriage return has no effect until it is known that no line feed follows.
        self._returned = False

    # ── lines ────────────────────────────────────────────────────────────────────────────────

    def write(self, text: str) -> None:
        """Write printable characters and tabs at the cursor, and end a line at each `\\n`."""
        first, newline, rest = text.partition("\n")
        if first:
            self._write(first)
        if not newline:
            return
        self.end()
        whole, newline, rest = rest.rpartition("\n")
        if newline:
            self._out.append(whole + newline)
        if rest:
            self._write(rest)

    def end(self) -> None:
        """End the line."""
        self.finish()
        self._out.append("\n")

    def end_unless_empty(self) -> None:
        """End the line because of a movement to another one."""
        if self._text or self._cells or self._given_out:
            self.end()
        else:
            self._begin()

    def finish(self) -> None:
        """Give out what is left, at the end of the output or before a gap."""
        self._out.append(self._text if self._cells is None else "".join(self._cells))
        self._begin()

    # ── movements ────────────────────────────────────────────────────────────────────────────

    def carriage_return(self) -> None:
        """Go back to the line's beginning. If that was given out, what follows is another line."""
        self._returned = True

    def left(self, columns: int) -> None:
        """Move the cursor to the left, at most to the line's beginning."""
        self._edit()
        self._column = max(self._given_out, self._column - columns)

    def right(self, columns: int) -> None:
        """Move the cursor to the right, at most to the last of `COLUMNS` or the text's end."""
        self._edit()
        self.to_column(self._column + columns)

    def to_column(self, column: int) -> None:
        """Move the cursor to a column, counted from 0."""
        last = max(COLUMNS - 1, self._given_out + len(self._edit()))
        self._column = max(self._given_out, min(column, last))

    def save_cursor(self) -> None:
        """Remember where the cursor is."""
        self._edit()
        self._saved = self._column

    def restore_cursor(self) -> None:
        """Go back to where it was remembered; on another line, if this one began later."""
        if self._saved is None:
            self.end_unless_empty()
        else:
            self._edit()
            self._column = max(self._given_out, self._saved)

    # ── changes ──────────────────────────────────────────────────────────────────────────────

    def erase_right(self) -> None:
        """Erase from the cursor to the line's end."""
        cells = self._edit()
        del cells[self._border(cells, self._column) :]

    def erase_left(self) -> None:
        """Erase from the line's beginning through the cursor."""
        cells = self._edit()
        end = self._border(cells, self._column + 1)
        cells[:end] = [_BLANK] * end

    def erase(self) -> None:
        """Erase the line; the cursor stays in its column."""
        self._edit().clear()

    def blank(self, columns: int) -> None:
        """Erase so many columns from the cursor on."""
        cells = self._edit()
        start, end = self._border(cells, self._column), self._border(cells, self._column + columns)
        cells[start:end] = [_BLANK] * (end - start)

    def delete(self, columns: int) -> None:
        """Take out so many columns from the cursor on; what follows moves to the left."""
        cells = self._edit()
        start, end = self._border(cells, self._column), self._border(cells, self._column + columns)
        del cells[start:end]

    def insert(self, columns: int) -> None:
        """Put so many blanks at the cursor, at most `COLUMNS`; what follows moves to the right."""
        cells = self._edit()
        start = self._border(cells, self._column)
        if start < len(cells):
            cells[start:start] = [_BLANK] * min(columns, COLUMNS)
            self._give_out(cells)

    # ── cells ────────────────────────────────────────────────────────────────────────────────

    def _write(self, text: str) -> None:
        if self._cells is None and not self._returned:
            self._text += text
            if len(self._text) >= 2 * KEPT_CHARS:
                # So many are given out, whatever pieces they came in.
                count = (len(self._text) // KEPT_CHARS - 1) * KEPT_CHARS
                self._out.append(self._text[:count])
                self._text = self._text[count:]
                self._given_out += count
            return
        cells = self._edit()
        # In parts, so that what is kept stays bounded.
        for start in range(0, len(text), KEPT_CHARS):
            self._put(cells, text[start : start + KEPT_CHARS])
            self._give_out(cells)

    def _edit(self) -> list[str]:
        """Return the line's cells, once a carriage return has had its effect."""
        if self._returned and self._given_out:
            self.end()
        if self._cells is None:
            text, self._text = self._text, ""
            self._cells, self._column = [], self._given_out
            self._put(self._cells, text)
            self._give_out(self._cells)
        if self._returned:
            self._returned = False
            self._column = self._given_out
        return self._cells

    def _give_out(self, cells: list[str]) -> None:
        count = (len(cells) // KEPT_CHARS - 1) * KEPT_CHARS
        if count > 0:
            self._out.append("".join(cells[:count]))
            del cells[:count]
            self._given_out += count
            self._column = max(self._column, self._given_out)

    def _border(self, cells: list[str], column: int) -> int:
        """Return the index of a column, at most the line's end. A character that is on both sides
        of it becomes blank: it would be cut in two."""
        index = min(column - self._given_out, len(cells))
        if index < len(cells) and cells[index] == _COVERED:
            start, end = index, index
            while start and cells[start] == _COVERED:
                start -= 1
            while end < len(cells) and cells[end] == _COVERED:
                end += 1
            cells[start:end] = [_BLANK] * (end - start)
        return index

    def _put(self, cells: list[str], text: str) -> None:
        missing = self._column - self._given_out - len(cells)
        if missing > 0:
            cells.extend([_BLANK] * missing)
        if text.isascii() and "\t" not in text:
            self._replace(cells, list(text))
            return
        written: list[str] = []
        for character in text:
            columns = _columns(character)
            if columns == 1:
                written.append(character)
            elif columns > 1:
                written += (character, _COVERED)
            else:
                self._replace(cells, written)
                written.clear()
                if character == "\t":
                    self._tab(cells)
                else:
                    self._mark(cells, character)
        self._replace(cells, written)

    def _tab(self, cells: list[str]) -> None:
        columns = TAB_COLUMNS - self._column % TAB_COLUMNS
        if self._column - self._given_out < len(cells):
            # It moves over what is there.
            self._column += columns
            missing = self._column - self._given_out - len(cells)
            cells.extend([_BLANK] * missing)
        else:
            self._replace(cells, ["\t", *[_COVERED] * (columns - 1)])

    def _mark(self, cells: list[str], mark: str) -> None:
        """Write what is drawn over the character before it."""
        before = self._column - self._given_out - 1
        while before > 0 and cells[before] == _COVERED:
            before -= 1
        if before >= 0 and len(cells[before]) < MAX_CELL_CHARS:
            cells[before] += mark
        else:
            self._replace(cells, [mark])

    def _replace(self, cells: list[str], written: list[str]) -> None:
        if not written:
            return
        start, end = (
            self._border(cells, self._column),
            self._border(cells, self._column + len(written)),
        )
        cells[start:end] = written
        self._column += len(written)
