"""The output of a task without a terminal is a log: nothing in it erases what was written."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from playwright.async_api import expect

from tests.e2e.arbor import Arbor
from tests.e2e.shared import one_for_all
from tests.e2e.web.browser import Person
from tests.e2e.web.output import OutputOnPage
from tests.e2e.web.tasks import finished

arbor = one_for_all
NOTE: Final = "─ screen cleared here ─"
CLEARING: Final = {
    "clear": r"\033[H\033[2J\033[3J",
    "reset": r"\033c",
    "scrollback": r"\033[3J",
    "other screen": r"\033[?1049h",
}


@pytest.mark.parametrize("clear", CLEARING.values(), ids=CLEARING.keys())
async def test_a_log_cannot_erase_itself(arbor: Arbor, person: Person, clear: str) -> None:
    script = f"echo important; printf '{clear}'; echo after; printf '\\033[2Aup\\n'"
    task = await asyncio.to_thread(finished, arbor, "sh", "-c", script)
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("up")
    assert await output.lines() == ["important", NOTE, "after", "up"]

    await output.page.keyboard.press("/")
    await output.page.keyboard.type("important")
    await expect(output.page.get_by_text("1 of 1")).to_be_visible()
    hit = output.rows.locator("> div").filter(has_text="important").locator(".xterm-decoration-top")
    selected = output.page.locator(".xterm-selection > div")
    await expect(selected.or_(hit).first).to_be_attached()


async def test_progress_bars_and_terminals_stay_as_they_are(arbor: Arbor, person: Person) -> None:
    script = r"echo one; printf '10 %%\r\033[K\033[32m100 %%\033[0m\n'"
    task = await asyncio.to_thread(finished, arbor, "sh", "-c", script)
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("100 %")
    assert await output.lines() == ["one", "100 %"]

    script = r"echo one; printf '\033[H\033[2J\033[3J'; echo two"
    task = await asyncio.to_thread(
        finished, arbor, "sh", "-c", script, tty={"cols": 80, "rows": 24}
    )
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("two")
    assert await output.lines() == ["two"]
