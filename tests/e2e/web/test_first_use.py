"""The first minutes with the page."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.e2e.arbor import Arbor


async def test_sign_in_run_and_watch(page: Page) -> None:
    await expect(page.get_by_text("test", exact=True).first).to_be_visible()
    assert "link=" not in page.url
    box = page.get_by_role("textbox").first
    await box.fill("sh -c 'echo seen-in-$((40 + 2)); echo wrong >&2; exit 3'")
    await box.press("Enter")

    await expect(page).to_have_url(re.compile("tasks/tsk_"))
    await expect(page.locator(".xterm-rows")).to_contain_text("seen-in-42")
    await expect(page.locator(".xterm-rows")).to_contain_text("wrong")
    await expect(page.get_by_text("exit 3", exact=True)).to_be_visible()


async def test_the_page_goes_on_after_a_restart_of_the_hub(arbor: Arbor, page: Page) -> None:
    box = page.get_by_role("textbox").first
    await box.fill("sh -c 'for i in 1 2 3 4 5 6 7 8; do echo step-$i; sleep 0.5; done'")
    await box.press("Enter")
    rows = page.locator(".xterm-rows")
    await expect(rows).to_contain_text("step-2")

    arbor.kill_hub()
    arbor.start_hub()

    await expect(rows).to_contain_text("step-8", timeout=20_000)
    shown = re.findall(r"step-\d", await rows.inner_text())
    assert shown == [f"step-{number}" for number in range(1, 9)]
    await expect(page.get_by_text("Completed")).to_be_visible()
