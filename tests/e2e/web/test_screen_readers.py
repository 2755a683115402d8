"""The output is there for assistive technology, and what is new is announced within bounds."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Page, expect

from tests.e2e.arbor import Arbor, wait_until
from tests.e2e.shared import one_for_all
from tests.e2e.web.browser import DRAWN, Person
from tests.e2e.web.output import OutputOnPage
from tests.e2e.web.tasks import finished, start, start_shell
from tests.e2e.web.terminal import TerminalOnPage

arbor = one_for_all
# Longer than what may be said at once.
MOST_CHARACTERS = 500


async def accessible_texts(page: Page) -> list[str]:
    """What the browser's own accessibility tree has as text, in its order."""
    session = await page.context.new_cdp_session(page)
    tree: dict[str, Any] = await session.send("Accessibility.getFullAXTree")
    await session.detach()
    return [
        str(node["name"]["value"])
        for node in tree["nodes"]
        if not node["ignored"] and node["role"]["value"] == "StaticText"
    ]


async def reads(page: Page, line: str) -> None:
    """The line is in view, and the tree has it as a line of its own."""
    await expect(page.get_by_role("log", name="Lines in view")).to_contain_text(line)
    assert line in await accessible_texts(page)


async def test_the_lines_in_view_are_in_the_accessibility_tree(
    arbor: Arbor, person: Person
) -> None:
    long = "x" * 400
    script = f"for i in $(seq 1 500); do echo line-$i; done; echo {long}; echo last"
    task = await asyncio.to_thread(finished, arbor, "sh", "-c", script)
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("last")
    await reads(output.page, "line-500")
    # One line, though it takes several rows.
    await reads(output.page, long)
    await output.page.keyboard.press("g")
    await reads(output.page, "line-1")
    assert "line-500" not in await accessible_texts(output.page)


async def test_new_output_is_announced_in_a_few_words(arbor: Arbor, person: Person) -> None:
    script = "until [ -e go ]; do sleep 0.05; done; seq 1 20000; echo the-end; sleep 60"
    task = start(arbor, "sh", "-c", f"echo begin; {script}")
    # What comes after the page was opened would be new to it.
    await asyncio.to_thread(
        wait_until, lambda: b"begin" in arbor.run("logs", task).stdout, "the first line"
    )
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await reads(output.page, "begin")
    news = output.box.locator("[aria-live=polite]")
    await output.page.evaluate(DRAWN)
    await expect(news).to_have_text("")
    (arbor.workspace / "go").touch()
    await expect(news).to_contain_text("the-end")
    assert len(await news.inner_text()) < MOST_CHARACTERS
    arbor.run("cancel", task)


async def test_terminals_are_read_and_announcing_can_be_turned_off(
    arbor: Arbor, person: Person
) -> None:
    page = await person.open("/settings")
    announces = page.get_by_role("switch", name="Announce new output")
    await announces.press("Space")
    await expect(announces).not_to_be_checked()
    task = await asyncio.to_thread(start_shell, arbor)
    terminal = TerminalOnPage(await person.open(f"/tasks/{task}"))
    await terminal.attached()
    await terminal.enter("echo read-$((40 + 2))")
    await reads(terminal.page, "read-42")
    await expect(terminal.page.locator("[data-output] [aria-live=polite]")).to_have_text("")
    arbor.run("cancel", task)
