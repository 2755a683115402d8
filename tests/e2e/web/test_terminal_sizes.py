"""A terminal in several windows has one size: that of the window that was typed into last."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.async_api import ViewportSize, expect

from tests.e2e.arbor import Arbor, wait_until
from tests.e2e.shared import end_all, one_for_all
from tests.e2e.web.browser import PHONE, Browsers, Person
from tests.e2e.web.tasks import start_shell
from tests.e2e.web.terminal import TerminalOnPage, open_shell

LINE: Final = "sized for another window"
LARGE: Final[ViewportSize] = {"width": 1360, "height": 860}
SMALL: Final[ViewportSize] = {"width": 900, "height": 600}
# Whether all of a terminal is inside of the room that there is for it.
FITS: Final = """box => {
  const screen = box.querySelector('.xterm-screen').getBoundingClientRect();
  const room = box.getBoundingClientRect();
  return screen.right <= room.right + 1 && screen.bottom <= room.bottom + 1 && screen.width > 100;
}"""
# Whether there is no room for another row.
FILLS: Final = """box => {
  const screen = box.querySelector('.xterm-screen:not([aria-hidden])');
  const rows = screen.querySelectorAll('.xterm-rows > div').length;
  const host = screen.closest('.xterm').parentElement;
  return Math.floor(host.clientHeight / (screen.getBoundingClientRect().height / rows)) === rows;
}"""

arbor = one_for_all


@pytest.fixture(autouse=True)
def tidy(arbor: Arbor) -> Iterator[None]:
    """Nothing is left running."""
    yield
    end_all(arbor)


def size_of(arbor: Arbor, task: str) -> tuple[int, int]:
    """Rows and columns of a task's terminal, as the hub knows them."""
    told = arbor.run("tasks", "--json").stdout
    tty = next(each for each in json.loads(told) if each["id"] == task)["tty"]
    return tty["rows"], tty["cols"]


def shown(size: tuple[int, int]) -> str:
    """Rows and columns as the page writes them."""
    return f"{size[1]} \N{MULTIPLICATION SIGN} {size[0]}"


async def stty_size(terminal: TerminalOnPage) -> tuple[int, int]:
    """Rows and columns as the program sees them, once they are those that are shown."""
    while True:
        (told,) = await terminal.run("stty size")
        rows, cols = map(int, told.split())
        if rows == await terminal.rows.locator("> div").count():
            return rows, cols


async def enlarge(terminal: TerminalOnPage) -> tuple[int, int]:
    """Give the window another size and type in it; rows and columns once the program fills it."""
    await terminal.page.set_viewport_size(LARGE)
    await terminal.page.wait_for_function("width => innerWidth === width", arg=LARGE["width"])
    while True:
        size = await stty_size(terminal)
        if await terminal.box.evaluate(FILLS):
            return size


async def test_only_who_types_gives_a_terminal_its_size(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    task = start_shell(arbor)
    terminal = await open_shell(person, arbor, task)
    large = await enlarge(terminal)

    other = await browsers.owner(arbor, viewport=SMALL)
    looking = TerminalOnPage(
        await other.open(f"/workspaces/{arbor.workspace_id}/terminals?task={task}")
    )
    await looking.attached()
    await looking.at_prompt()
    line = looking.page.get_by_text(LINE)
    await expect(line).to_contain_text(shown(large))
    await expect(looking.rows.locator("> div")).to_have_count(large[0])
    assert await looking.box.evaluate(FITS)
    assert await looking.lines() == await terminal.lines()
    # Another size of the window, and the keyboard in it, change nothing.
    await looking.page.set_viewport_size({"width": 800, "height": 500})
    await looking.box.click()
    await terminal.run("echo still")
    assert await stty_size(terminal) == large

    # One action, by keyboard as well.
    use = looking.page.get_by_role("button", name="use this size")
    await use.focus()
    await looking.page.keyboard.press("Enter")
    await expect(line).to_have_count(0)
    await looking.attached()
    small = await stty_size(looking)
    assert small[0] < large[0] and small[1] < large[1]
    await expect(terminal.page.get_by_text(LINE)).to_contain_text(shown(small))

    # Typing does the same.
    assert await stty_size(terminal) == large
    await expect(terminal.page.get_by_text(LINE)).to_have_count(0)
    await expect(line).to_contain_text(shown(large))
    assert person.complaints == other.complaints == []


async def test_a_glance_from_a_phone_changes_nothing_and_shows_all(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    task = start_shell(arbor)
    terminal = await open_shell(person, arbor, task)
    large = await enlarge(terminal)
    phone = await browsers.owner(arbor, **PHONE)
    looking = TerminalOnPage(await phone.open(f"/tasks/{task}"))
    await looking.at_prompt()
    await expect(looking.page.get_by_text(LINE)).to_be_visible()
    button = await looking.page.get_by_role("button", name="use this size").bounding_box()
    assert button is not None and button["x"] + button["width"] <= 390
    assert await looking.lines() == await terminal.lines()
    assert await stty_size(terminal) == large


async def test_a_window_that_becomes_another_size_says_so_while_nothing_is_written(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    task = start_shell(arbor)
    large = await enlarge(await open_shell(person, arbor, task))
    looking = TerminalOnPage(
        await (await browsers.owner(arbor, viewport=LARGE)).open(
            f"/workspaces/{arbor.workspace_id}/terminals?task={task}"
        )
    )
    await looking.at_prompt()
    line = looking.page.get_by_text(LINE)
    await expect(line).to_have_count(0)
    await looking.page.set_viewport_size(SMALL)
    await expect(line).to_contain_text(shown(large))
    await looking.page.set_viewport_size(LARGE)
    await expect(line).to_have_count(0)


async def test_a_terminal_that_is_opened_here_has_the_size_of_this_window(
    arbor: Arbor, person: Person
) -> None:
    page = await person.open(f"/workspaces/{arbor.workspace_id}/terminals")
    await page.set_viewport_size(LARGE)
    # It has another name while there is no other terminal.
    await page.get_by_role("button", name=re.compile("^(Open a|New) terminal$")).first.click()
    await page.wait_for_url("**task=**")
    terminal = TerminalOnPage(page)
    task = page.url.split("task=")[1]
    # Nothing was typed: until it has been taken it has the size that every new one begins with.
    taken = "the size of the window"
    await asyncio.to_thread(wait_until, lambda: size_of(arbor, task) != (24, 80), taken)
    await expect(terminal.rows.locator("> div")).to_have_count(size_of(arbor, task)[0])
    await expect(page.get_by_text(LINE)).to_have_count(0)
