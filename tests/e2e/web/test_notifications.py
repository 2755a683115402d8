"""Being told of the end of a task while one looks elsewhere."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import Page, expect

from tests.e2e.arbor import Arbor
from tests.e2e.web.browser import Browsers, allowed

# Stands in for the browser's window manager: what is shown outside the page is written down here.
DESKTOP = """
window.shown = [];
window.Notification = class {
  static permission = 'granted';
  static requestPermission = async () => 'granted';
  constructor(title, options) { window.shown.push({ title, ...options }); this.close = () => {};
                                window.latest = this; }
};
localStorage.setItem('arbor.preferences', JSON.stringify({ notify: true }));
Object.defineProperty(document, 'hidden', { get: () => window.looksAway === true });
"""

service_workers = allowed


async def start(page: Page, line: str) -> None:
    """Run it from the overview."""
    await page.get_by_role("link", name="Overview").click()
    box = page.get_by_role("textbox", name="Command")
    await box.fill(line)
    await box.press("Enter")
    await expect(page).to_have_url(re.compile("tasks/tsk_"))


async def shown(page: Page) -> list[dict[str, Any]]:
    """The notifications so far."""
    told: list[dict[str, Any]] = await page.evaluate("window.shown")
    return told


async def test_an_end_is_told_while_nobody_looks(arbor: Arbor, browsers: Browsers) -> None:
    person = await browsers.owner(arbor)
    await person.context.add_init_script(DESKTOP)
    page = await person.open("/")

    await start(page, "sh -c 'echo seen; exit 3'")
    await expect(page.get_by_text("exit 3", exact=True).first).to_be_visible()
    assert await shown(page) == []

    release = arbor.workspace / "release"
    await start(page, "sh -c 'while ! [ -e release ]; do sleep 0.05; done; exit 4'")
    address = page.url
    await expect(page).to_have_title(re.compile("^● sh -c"))
    await page.get_by_role("link", name="Overview").click()
    await page.evaluate("window.looksAway = true")
    release.touch()
    await expect(page.get_by_text("exit 4", exact=True).first).to_be_visible()

    await page.wait_for_function("window.shown.length > 0")
    (notice,) = await shown(page)
    assert notice["title"].startswith("Failed: sh -c")
    assert notice["body"].startswith("exit 4") and notice["body"].endswith("test")

    await page.evaluate("window.latest.onclick()")
    await expect(page).to_have_url(address)
