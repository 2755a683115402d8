"""tmux as a terminal to compare with: what its pane shows after bytes were written to it."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from arborlink.hub.screen.model import ScreenModel
from arborlink.hub.screen.parser import Parser
from arborlink.hub.screen.pens import HIDDEN, INVERSE, OVERLINED, PLAIN, Pen
from tests.bounds import HANG_SECONDS

needs_tmux = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux, which the screens are compared with, is missing"
)
FLAGS = (
    "cursor_x", "cursor_y", "alternate_on", "cursor_flag", "insert_flag", "keypad_cursor_flag",
    "keypad_flag", "mouse_standard_flag", "mouse_button_flag", "mouse_all_flag", "mouse_sgr_flag",
    "scroll_region_upper", "scroll_region_lower", "wrap_flag", "origin_flag",
)  # fmt: skip

Cell = tuple[str, Pen]


class Shown(NamedTuple):
    """The cells of a screen, and the terminal's state by tmux's names."""

    cells: list[list[Cell]]
    flags: dict[str, str]


_NUMBERS: Final = itertools.count()


def in_tmux(data: bytes, cols: int, rows: int, folder: Path) -> Shown:
    """What a pane of tmux shows after these bytes."""
    (folder / "data").write_bytes(data)
    (folder / "conf").write_text(
        f"set -g status off\nset -g default-size {cols}x{rows}\nset -g remain-on-exit on\n"
        "set -g escape-time 0\nset -g allow-passthrough off\nset -g set-titles off\n"
    )
    # One of its own: a server that was told to end still has its socket for a moment.
    socket = folder / f"socket{next(_NUMBERS)}"
    base = ["tmux", "-S", str(socket), "-f", str(folder / "conf")]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
    environment.pop("TMUX", None)

    def tmux(*arguments: str) -> str:
        done = subprocess.run(
            [*base, *arguments],
            capture_output=True, check=True, env=environment, timeout=HANG_SECONDS,
        )  # fmt: skip
        return done.stdout.decode(errors="replace")

    # The answer to a question that comes last shows that everything before was read.
    script = (
        f"stty raw -echo; cat {folder}/data; printf '\\033[5n'; dd bs=1 count=4 status=none"
        f" >{folder}/answer; tmux -S {socket} wait-for -S shown; exec sleep 1000"
    )
    size = ("-x", str(cols), "-y", str(rows))
    tmux("new-session", "-d", *size, "sh", "-c", script)
    try:
        tmux("wait-for", "shown")
        text = tmux("capture-pane", "-p", "-e", "-N", "-t", "0:0.0")
        values = tmux("display", "-p", "-t", "0:0.0", "|".join(f"#{{{name}}}" for name in FLAGS))
    finally:
        tmux("kill-server")
    # A captured line is what draws it: it is read by the model, a line at a time.
    cells = []
    carry = ""
    for line in text.split("\n")[:rows]:
        row, carry = _drawn(carry + line, cols)
        cells.append(row)
    return Shown(cells, dict(zip(FLAGS, values.strip().split("|"), strict=True)))


def _drawn(line: str, cols: int) -> tuple[list[Cell], str]:
    model = ScreenModel(cols, 1)
    Parser(model).feed(line.replace("\x0e", "\x1b(0").replace("\x0f", "\x1b(B").encode())
    row = model.main.rows[0]
    # Attributes go on from line to line.
    styles = re.findall("\x1b\\[[0-9;:]*m", line)
    return comparable(row.text, row.pens), "".join(styles[-64:])


def comparable(text: list[str], pens: list[Pen]) -> list[Cell]:
    """Cells without what tmux does not tell: attributes of blanks that show nothing, and the
    background of those at the end of a line."""
    found: list[Cell] = []
    for character, pen in zip(text, pens, strict=True):
        pen = pen._replace(
            attributes=pen.attributes & ~OVERLINED, underline_colour=PLAIN.underline_colour
        )
        if character == " " and not pen.attributes & (INVERSE | HIDDEN | 0x700):
            pen = PLAIN._replace(background=pen.background)
        found.append((character, pen))
    for at in range(len(found) - 1, -1, -1):
        if found[at][0] != " " or found[at][1]._replace(background=PLAIN.background) != PLAIN:
            break
        found[at] = (" ", PLAIN)
    return found


def in_model(model: ScreenModel) -> Shown:
    """The same of a model."""
    modes, cursor = model.modes, model.cursor
    # tmux counts a cursor that is beyond the last column as being there.
    values = (
        model.cols if cursor.is_past else cursor.x, cursor.y, model.is_alternate,
        modes.switches[25], modes.insert, modes.switches[1], modes.switches[66],
        modes.mouse == 1000, modes.mouse == 1002, modes.mouse == 1003,
        modes.mouse_encoding == 1006, model.top, model.bottom, modes.switches[7],
        modes.switches[6],
    )  # fmt: skip
    flags = {name: str(int(value)) for name, value in zip(FLAGS, values, strict=True)}
    cells = [comparable(row.text, row.pens) for row in model.grid.rows]
    return Shown(cells, flags)
