"""Real programs on the page, left and opened again: each looks as it would in a real terminal."""

from __future__ import annotations

import asyncio
import itertools
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

import pytest
from playwright.async_api import ViewportSize, expect

from tests import programs
from tests.e2e.arbor import Arbor, wait_until
from tests.e2e.shared import end_all, one_for_all
from tests.e2e.web.browser import Person
from tests.e2e.web.tasks import start
from tests.e2e.web.terminal import TerminalOnPage
from tests.programs import PROGRAMS, SESSIONS, Pane, compared, skip_unless_installed

pytestmark = pytest.mark.skipif(not programs.HAS_TERMINAL, reason=programs.NO_TERMINAL)

SIZE: Final = (80, 24)
WINDOW: Final[ViewportSize] = {"width": 1280, "height": 720}
OTHER_WINDOWS: Final[list[ViewportSize]] = [
    {"width": 900, "height": 560},
    {"width": 1480, "height": 900},
]
# Keys of tmux by the browser's names; others are text.
KEYS: Final = {"Enter": "Enter", "Up": "ArrowUp", "C-b": "Control+b"}
# The rows in view, the row of the cursor, -1 without one, and what is to its left.
SHOWN: Final = """rows => {
  const lines = [...rows.children].map((row) => row.textContent.trimEnd());
  const cursor = rows.querySelector('.xterm-cursor');
  if (cursor === null) return { lines, row: -1, left: '' };
  const row = cursor.closest('.xterm-rows > div');
  const left = document.createRange();
  left.setStart(row, 0);
  left.setEndBefore(cursor);
  return { lines, row: [...rows.children].indexOf(row), left: left.toString() };
}"""
arbor = one_for_all


class Shown(NamedTuple):
    """A screen: its lines, and the column and row of the cursor; none: it is hidden."""

    lines: list[str]
    cursor: tuple[int, int] | None


@pytest.fixture(autouse=True)
def tidy(arbor: Arbor) -> Iterator[None]:
    """The programs are there before a test, and nothing is left running after it."""
    programs.install(arbor.workspace)
    yield
    end_all(arbor)


def pane(arbor: Arbor, size: tuple[int, int], *command: str) -> AbstractContextManager[Pane]:
    """A terminal in the workspace's folder."""
    return programs.pane(arbor.home, arbor.workspace, arbor.environment(), size, *command)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


async def on_page(terminal: TerminalOnPage) -> Shown:
    """What the page shows of a terminal."""
    seen: dict[str, Any] = await terminal.rows.evaluate(SHOWN)
    cursor = None if seen["row"] < 0 else (columns(seen["left"]), seen["row"])
    return Shown(seen["lines"], cursor)


def in_pane(pane: Pane) -> Shown:
    """What a real terminal shows."""
    cursor = int(pane.flag("cursor_x")), int(pane.flag("cursor_y"))
    return Shown(pane.text(), cursor if pane.flag("cursor_flag") == "1" else None)


def differing(name: str, one: Shown, other: Shown) -> list[object]:
    """Where two terminals do not show the same of a program."""
    lines = compared(name, one.lines), compared(name, other.lines)
    pairs: list[object] = [pair for pair in itertools.zip_longest(*lines) if pair[0] != pair[1]]
    return pairs if one.cursor == other.cursor else [*pairs, (one.cursor, other.cursor)]


def size_of(arbor: Arbor, task: str) -> tuple[int, int]:
    """Columns and rows of a task's terminal, as the hub knows them."""
    told = arbor.api(f"/api/tasks/{task}")
    assert isinstance(told, dict)
    return told["tty"]["cols"], told["tty"]["rows"]


async def same(name: str, terminal: TerminalOnPage, wanted: Pane) -> None:
    """Wait until the page shows what a real terminal does, and say where it never does."""
    seen = await on_page(terminal)

    def is_same() -> bool:
        nonlocal seen
        future = asyncio.run_coroutine_threadsafe(on_page(terminal), loop)
        seen = future.result()
        return not differing(name, seen, in_pane(wanted))

    loop = asyncio.get_running_loop()
    try:
        await asyncio.to_thread(wait_until, is_same, "the page to show what a terminal does")
    except AssertionError as error:
        raise AssertionError(f"{error}: {differing(name, seen, in_pane(wanted))}") from None


async def opened(person: Person, arbor: Arbor, task: str, window: ViewportSize) -> TerminalOnPage:
    """The page of the workspace's terminals with this one in it, in a window of this size."""
    path = f"/workspaces/{arbor.workspace_id}/terminals?task={task}"
    terminal = TerminalOnPage(await person.open(path))
    await terminal.page.set_viewport_size(window)
    await terminal.attached()
    return terminal


async def use_this_size(terminal: TerminalOnPage, arbor: Arbor, task: str) -> tuple[int, int]:
    """Give the program the size of this window; columns and rows once it has them."""
    before = size_of(arbor, task)
    await terminal.page.get_by_role("button", name="use this size").click()
    await asyncio.to_thread(wait_until, lambda: size_of(arbor, task) != before, "another size")
    size = size_of(arbor, task)
    await expect(terminal.rows.locator("> div")).to_have_count(size[1])
    return size


async def press(terminal: TerminalOnPage, keys: tuple[str, ...]) -> None:
    """Press keys, as tmux calls them."""
    for key in keys:
        if key in KEYS:
            await terminal.page.keyboard.press(KEYS[key])
        else:
            await terminal.page.keyboard.type(key)


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_looks_as_in_a_terminal_whenever_its_page_is_opened(
    arbor: Arbor, person: Person, name: str
) -> None:
    skip_unless_installed(name)
    program, session = str(arbor.workspace / name), SESSIONS[name]
    task = start(arbor, program, tty={"cols": SIZE[0], "rows": SIZE[1]})
    terminal = await opened(person, arbor, task, WINDOW)
    with pane(arbor, SIZE, program) as wanted:
        await expect(terminal.rows).to_contain_text(session.ready)
        await asyncio.to_thread(wanted.until, session.ready)
        await same(name, terminal, wanted)
        wanted.resize(await use_this_size(terminal, arbor, task))
        await same(name, terminal, wanted)
        await asyncio.to_thread(wanted.type, session.keys)
        await press(terminal, session.keys)
        await asyncio.to_thread(wanted.until, session.shown)
        await same(name, terminal, wanted)

        await terminal.page.close()
        for window in (WINDOW, *OTHER_WINDOWS):
            terminal = await opened(person, arbor, task, window)
            # In its own size first, whatever the window's is.
            await same(name, terminal, wanted)
            if window != WINDOW:
                wanted.resize(await use_this_size(terminal, arbor, task))
                await same(name, terminal, wanted)
            await terminal.page.close()
