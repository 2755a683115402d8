"""A terminal on a page, with the keyboard in it."""

from __future__ import annotations

from typing import Final

from playwright.async_api import Page, expect

from tests.e2e.arbor import Arbor
from tests.e2e.web.browser import WAIT_MILLISECONDS, Person
from tests.e2e.web.output import OUTPUT, OutputOnPage

PROMPT: Final = "ready>"
ENDS: Final = """({ box, after, end }) => {
  const text = document.querySelector(box)?.arborOutput?.text() ?? '';
  return text.includes(after) && text.trimEnd().endsWith(end);
}"""


class TerminalOnPage(OutputOnPage):
    """What a program shows in its terminal, and what is typed to it."""

    async def attached(self) -> None:
        """Wait until what is typed goes to the program."""
        await expect(self.box).to_have_attribute("data-attached", "true")

    async def at_prompt(self, milliseconds: float = WAIT_MILLISECONDS) -> None:
        """Wait until the shell waits: its prompt is the last thing on the screen."""
        await self._ends(PROMPT, milliseconds)

    async def enter(self, line: str) -> None:
        """Type a line."""
        await self.page.keyboard.type(line)
        await self.page.keyboard.press("Enter")

    async def run(self, line: str) -> list[str]:
        """Type a line to the shell; what it wrote until it waited again."""
        await self.enter(line)
        asked = f"{PROMPT} {line}\n"
        await self._ends(PROMPT, WAIT_MILLISECONDS, after=asked)
        return (await self.text()).rpartition(asked)[2].split("\n")[:-1]

    async def _ends(self, end: str, milliseconds: float, *, after: str = "") -> None:
        await self.page.wait_for_function(
            ENDS, arg={"box": OUTPUT, "after": after, "end": end}, timeout=milliseconds
        )


async def open_shell(person: Person, arbor: Arbor, task: str) -> TerminalOnPage:
    """The page of the workspace's terminals with this one in it, once the shell waits."""
    path = f"/workspaces/{arbor.workspace_id}/terminals?task={task}"
    terminal = TerminalOnPage(await person.open(path))
    await terminal.attached()
    await terminal.at_prompt()
    return terminal


async def open_terminal_of(page: Page) -> TerminalOnPage:
    """A new terminal from the page of a workspace."""
    await page.get_by_role("link", name="Terminals", exact=True).click()
    await page.get_by_role("button", name="Open a terminal").click()
    terminal = TerminalOnPage(page)
    await terminal.attached()
    return terminal
