"""Where a command runs, and one row for each task, whatever its command is."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from playwright.async_api import Locator, Page, expect

from tests.e2e.arbor import TOKEN, Arbor
from tests.e2e.shared import one_for_all
from tests.e2e.web.browser import PHONE, Browsers, Person
from tests.e2e.web.tasks import finished, run_from_bar
from tests.plain_http import HTTP

arbor = one_for_all
LINES: Final = "\n".join(f"echo {number}" for number in range(200))


def ask(arbor: Arbor, method: str, path: str, **body: object) -> Any:
    """Of the hub, as its owner."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = HTTP.request(method, arbor.url + path, headers=headers, json=body)
    answer.raise_for_status()
    return answer.json() if answer.content else None


async def height(row: Locator) -> float:
    """In CSS pixels."""
    box = await row.bounding_box()
    assert box is not None
    return box["height"]


async def rows_are_alike(page: Page, long: str, short: str, shown: str) -> None:
    """The row of a command of many lines is as high as that of a short one."""
    row = page.locator(f"a[data-task={long}]")
    await expect(row).to_contain_text(shown)
    assert await height(row) == await height(page.locator(f"a[data-task={short}]"))
    assert await row.evaluate("each => each.scrollHeight <= each.clientHeight")


async def test_a_command_of_many_lines_is_one_row_everywhere(
    arbor: Arbor, browsers: Browsers
) -> None:
    short = await asyncio.to_thread(finished, arbor, "true")
    long = await asyncio.to_thread(finished, arbor, LINES, shell=True)
    await asyncio.to_thread(finished, arbor, "echo one\necho two\n", shell=True)
    turned = await asyncio.to_thread(finished, arbor, "echo", "\u202eback")
    for options in ({}, PHONE):
        person = await browsers.owner(arbor, **options)
        for path in ("/", "/tasks", f"/workspaces/{arbor.workspace_id}"):
            page = await person.open(path)
            await rows_are_alike(page, long, short, "echo 0 ⏎ echo 1 ⏎ echo 2")
            await rows_are_alike(page, turned, short, "echo '<202E>back'")
            await page.close()
        assert person.complaints == []
    person = await browsers.owner(arbor)
    page = await person.open("/")
    # Before the page is drawn it hears no key.
    await person.settle(page)
    await page.keyboard.press("Control+k")
    await page.get_by_role("textbox", name="Go to or do anything").fill("echo 0")
    action = page.get_by_role("button").filter(has_text="echo 0 ⏎ echo 1").first
    await expect(action).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("textbox", name="Command").press("Control+r")
    option = page.get_by_role("option").filter(has_text="echo one ⏎ echo two")
    assert await height(option) < 60


async def test_the_bar_keeps_the_machine_that_was_used_last(
    arbor: Arbor, browsers: Browsers
) -> None:
    other = ask(arbor, "POST", "/api/workspaces", name="zz-box")["id"]
    person = await browsers.owner(arbor)
    page = await person.open("/")
    picker = page.get_by_role("combobox", name="Workspace")
    await expect(picker).to_have_value(arbor.workspace_id)
    await picker.select_option(other)
    await page.reload()
    await expect(picker).to_have_value(other)
    await expect(page.get_by_text("zz-box is not connected")).to_be_visible()

    # Used elsewhere in the page it is the last one as well.
    await page.goto(f"{arbor.url}/workspaces/{arbor.workspace_id}")
    await run_from_bar(page, "true")
    await page.get_by_role("link", name="Overview").click()
    await expect(picker).to_have_value(arbor.workspace_id)

    await picker.select_option(other)
    await page.get_by_role("textbox", name="Command").fill("rm -rf build")
    ask(arbor, "DELETE", f"/api/workspaces/{other}")
    await is_asked_for(page, picker)
    await page.reload()
    await is_asked_for(page, picker)
    await picker.select_option(arbor.workspace_id)
    await run_from_bar(page, "true")
    assert person.complaints == []


async def is_asked_for(page: Page, picker: Locator) -> None:
    """The machine is gone: that is said, and no other one runs anything in its place."""
    await expect(page.get_by_text("zz-box, the machine used last, is not on this")).to_be_visible()
    await expect(picker).to_have_value("")
    await expect(page.get_by_role("button", name="Run", exact=False).last).to_be_disabled()
    await page.get_by_role("textbox", name="Command").press("Enter")
    assert page.url.endswith("/")


async def test_a_machine_is_installed_from_the_hub_itself(arbor: Arbor, person: Person) -> None:
    page = await person.open("/connect")
    await page.get_by_label("Name of the machine or the folder").fill("new-box")
    await page.get_by_role("button", name="Show the command").click()
    step = page.get_by_role("listitem").filter(has_text="Install Arbor")
    # With a package at hand it is called by its real name, which installers insist on.
    address = re.compile(rf"^pip install {re.escape(arbor.url)}/(arbor|arborlink-.+)\.whl$")
    await expect(step.locator("code").first).to_have_text(address)
    assert not re.search(r"pip install arborlink\b", await page.locator("#page").inner_text())
