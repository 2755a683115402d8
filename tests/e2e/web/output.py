"""A task's output as the page shows it."""

from __future__ import annotations

import asyncio
import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

OUTPUT: Final = "[data-output]"
# Not the picture of them that stands there while others are drawn.
ROWS: Final = ".xterm-screen:not([aria-hidden]) > .xterm-rows"
# Until a menu that was asked for is looked for again. Nothing fails when it passes.
MENU_MILLISECONDS: Final = 1_000


class OutputOnPage:
    """The output on a task's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.box = page.locator(OUTPUT)
        self.rows = page.locator(ROWS)

    async def text(self) -> str:
        """The text of all rows that are loaded, not only of those in view."""
        return str(await self.box.evaluate("element => element.arborOutput.text()"))

    async def lines(self) -> list[str]:
        """Those rows, without the empty ones after the last."""
        return (await self.text()).rstrip("\n").split("\n")

    async def offset(self, which: str) -> int:
        """`start` or `end` of what is loaded."""
        return int(await self.box.get_attribute(f"data-offset-{which}") or "0")

    async def drawn_up_to(self, offset: int) -> None:
        """Wait until everything up to there has been drawn."""
        await expect(self.box).to_have_attribute("data-offset-end", str(offset))

    async def follows(self, following: bool) -> None:
        """Wait until it follows the end, or has let go."""
        await expect(self.box).to_have_attribute("data-following", str(following).lower())

    async def download(self, name: str = "Exactly as it is") -> bytes:
        """What the page's own download gives."""
        item = self.page.get_by_role("menuitem", name=re.compile(name))
        button = self.page.get_by_role("button", name="Download")
        async with self.page.expect_download() as waiting:
            # A menu closes when something else takes the focus: a person would open it again.
            while not waiting.is_done():
                with suppress(PlaywrightTimeout):
                    if await button.get_attribute("aria-expanded") != "true":
                        await button.click()
                    await item.click(timeout=MENU_MILLISECONDS)
                    break
        file = await (await waiting.value).path()
        return await asyncio.to_thread(Path(file).read_bytes)


def sha256(data: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
