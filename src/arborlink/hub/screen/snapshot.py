"""What makes a terminal that was just reset show what a model shows. Pure.

No part of it asks the terminal anything. Of what was said to the terminal the synchronized output
mode is left out: a snapshot is never half a picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from arborlink.hub.screen.grid import Row
from arborlink.hub.screen.model import TAB, Cursor, ScreenModel
from arborlink.hub.screen.modes import AUTOWRAP, ORIGIN
from arborlink.hub.screen.pens import DEFAULT, PLAIN, Pen, sequence

_ASCII: Final = ("B", "B", "B", "B")
_DESIGNATORS: Final = "()*+"
# With what makes the pen plain.
_LINE_END: Final = "\x1b[m\r\n"
_SHIFTS: Final = ("\x0f", "\x0e", "\x1bn", "\x1bo")


def snapshot(model: ScreenModel, max_bytes: int) -> bytes | None:
    """Return the bytes, with as many lines above the screen as fit; None if the screen does not."""
    rest = _joined(_after_main(model), max_bytes)
    if rest is None:
        return None
    room = max_bytes - len(rest)
    lines = 0 if model.main.scrollback is None else len(model.main.scrollback)
    found = _joined(_lines(model, lines), room)
    if found is None and lines:
        screen = _joined(_lines(model, 0), room)
        if screen is not None:
            lines = _lines_in(model, room - len(screen))
            found = _joined(_lines(model, lines), room) if lines else screen
    return None if found is None else found + rest


def _joined(parts: Iterable[str], max_bytes: int) -> bytes | None:
    """Return the parts together; None if they are more than that, of which no more is made: a
    screen in a million colours takes seconds."""
    found, size = [], 0
    for part in parts:
        found.append(part.encode())
        size += len(found[-1])
        if size > max_bytes:
            return None
    return b"".join(found)


def _lines_in(model: ScreenModel, room: int) -> int:
    """Return how many lines above the screen surely fit into so many bytes besides the screen."""
    # With lines above it, blank lines of the screen are written as well.
    room -= len(_LINE_END) * model.rows
    lines = 0
    for row in reversed(model.main.scrollback or ()):
        written = RowWriter().row(row, whole=row.wraps, least=1)
        room -= len(written.encode()) + len(_LINE_END)
        if room < 0:
            break
        lines += 1
    return lines


def _lines(model: ScreenModel, above: int) -> Iterable[str]:
    """Yield the last `above` lines that scrolled off, and the main screen, from the top."""
    kept = model.main.scrollback or ()
    rows: list[Row] = [*islice(kept, len(kept) - above, None), *model.main.rows]
    last = max((at for at, row in enumerate(rows) if not _is_blank(row)), default=-1)
    end = max(last, min(len(rows), above + 1) - 1) if above else last
    # All rows of the screen are gone through where lines have to leave it at its top.
    end = len(rows) - 1 if above else end
    writer = RowWriter()
    for at in range(end + 1):
        goes_on = at < end and rows[at].wraps and len(rows[at].text) == model.cols
        begins = at > 0 and rows[at - 1].wraps and len(rows[at - 1].text) == model.cols
        yield writer.row(rows[at], whole=goes_on, least=1 if begins else 0)
        if at < end and not goes_on:
            yield writer.plain() + "\r\n"
    yield writer.plain()


def _after_main(model: ScreenModel) -> Iterable[str]:
    """Yield all that follows the lines of the main screen."""
    yield from model.keyboards[False].sequences()
    if model.is_alternate:
        saved = model.saved[False]
        # 1049 saves the cursor itself, as it is then.
        if saved is not None:
            yield from _saved(model, saved, has_margins=False)
        if saved is not None and model.alternate_by != 1049:
            yield "\x1b7" + _clean(saved)
        yield f"\x1b[?{model.alternate_by}h"
        if saved is not None and model.alternate_by == 1049:
            yield _clean(saved)
            # It was cleared with the background of that cursor.
            yield "\x1b[2J" if saved.pen.background != DEFAULT else ""
        yield from _rows_in_place(model.alternate.rows)
        yield from model.keyboards[True].sequences()
    yield from _tabs(model)
    if (model.top, model.bottom) != (0, model.rows - 1):
        yield f"\x1b[{model.top + 1};{model.bottom + 1}r"
    saved = model.saved[model.is_alternate]
    if saved is not None:
        yield from _saved(model, saved, has_margins=True)
        yield "\x1b7"
        yield _clean(saved)
    yield from model.modes.sequences()
    yield from _cursor(model)


def _saved(model: ScreenModel, saved: Cursor, *, has_margins: bool) -> Iterable[str]:
    top = model.top if saved.origin and has_margins else 0
    if saved.origin:
        yield "\x1b[?6h"
    yield f"\x1b[{saved.y - top + 1};{saved.x + 1}H"
    yield sequence(saved.pen)
    yield _charsets(saved)


def _clean(saved: Cursor) -> str:
    """Return what takes back what a saved cursor needed."""
    return ("\x1b[?6l" if saved.origin else "") + "\x1b[m" + _charsets(Cursor(), saved)


def _charsets(cursor: Cursor, before: Cursor | None = None) -> str:
    known = _ASCII if before is None else before.charsets
    found = [
        f"\x1b{designator}{wanted}"
        for designator, wanted, now in zip(_DESIGNATORS, cursor.charsets, known, strict=True)
        if wanted != now
    ]
    if cursor.shift != (0 if before is None else before.shift):
        found.append(_SHIFTS[cursor.shift])
    return "".join(found)


def _rows_in_place(rows: list[Row]) -> Iterable[str]:
    writer = RowWriter()
    for y, row in enumerate(rows):
        if not _is_blank(row):
            yield f"\x1b[{y + 1}H{writer.row(row)}"
    yield writer.plain()


def _tabs(model: ScreenModel) -> Iterable[str]:
    if model.tabs == set(range(TAB, model.cols, TAB)):
        return
    yield "\x1b[3g"
    for tab in sorted(model.tabs):
        yield f"\x1b[1;{tab + 1}H\x1bH"


def _cursor(model: ScreenModel) -> Iterable[str]:
    """Yield the place of the cursor, its pen, and the modes that must not be on before."""
    cursor = model.cursor
    top = 0
    if model.modes.switches[ORIGIN]:
        yield "\x1b[?6h"
        top = model.top
    x, row = cursor.x, model.grid.rows[cursor.y]
    if cursor.is_past:
        x -= 0 if row.text[x] else 1
    yield f"\x1b[{cursor.y - top + 1};{x + 1}H"
    if cursor.is_past:
        # Beyond the last column is only who has just written there.
        yield sequence(row.pens[x]) + row.text[x]
    yield sequence(cursor.pen)
    yield _charsets(cursor)
    if not model.modes.switches[AUTOWRAP]:
        yield "\x1b[?7l"
    if model.modes.insert:
        yield "\x1b[4h"


def _is_blank(row: Row) -> bool:
    return _length(row) == 0


def _length(row: Row) -> int:
    """Return how many cells there are before the blank ones at the end."""
    text, pens = row.text, row.pens
    if pens.count(PLAIN) == len(pens) and text.count(" ") == len(text):
        return 0
    end = len("".join(text).rstrip(" ")) if "" not in text else len(text)
    for at in range(len(text) - 1, end - 1, -1):
        if pens[at] != PLAIN or text[at] != " ":
            return at + 1
    return min(end, len(text))


class RowWriter:
    """Writes rows, and remembers with what pen it wrote last."""

    def __init__(self) -> None:
        self._pen = PLAIN

    def row(self, row: Row, *, whole: bool = False, least: int = 0) -> str:
        """Return the cells of a row: all of them, or those before the blank end."""
        end = len(row.text) if whole else max(least, _length(row))
        parts: list[str] = []
        text, pens = row.text, row.pens
        start = 0
        for at in range(1, end + 1):
            if at == end or (pens[at] is not pens[start] and pens[at] != pens[start]):
                parts += [self._changed(pens[start]), *text[start:at]]
                start = at
        return "".join(parts)

    def plain(self) -> str:
        """Return what makes the pen plain again."""
        return self._changed(PLAIN)

    def _changed(self, pen: Pen) -> str:
        if pen == self._pen:
            return ""
        self._pen = pen
        return sequence(pen)
