"""What is out of date looks out of date everywhere, with its age, and nothing of it goes on."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.arbor import Arbor, wait_until
from tests.e2e.shared import end_all
from tests.e2e.web.browser import DRAWN, Browsers, Person, allowed
from tests.e2e.web.output import OutputOnPage
from tests.e2e.web.tasks import start

AS_OF: Final = re.compile(r"as of \d")
TICKS: Final = "while :; do echo tick; sleep 0.2; done"
UNKNOWN: Final = "\N{EN DASH}"

service_workers = allowed


@pytest.fixture(autouse=True)
def tidy(arbor: Arbor) -> Iterator[None]:
    """Nothing is left running."""
    yield
    if arbor.state() == "connected":
        end_all(arbor)


def fact(page: Page, name: str) -> Locator:
    """The value of one of a task's facts."""
    return page.locator("dl[aria-label=Facts] > div").filter(has_text=name).locator("dd")


async def looks_stale(page: Page) -> None:
    """The chip, the facts, the output and the rail of a running task's page."""
    chip = page.locator("#page [data-status=running]").first
    await expect(chip).to_contain_text(AS_OF)
    await expect(chip).to_have_attribute("data-stale", "true")
    await expect(fact(page, "Rate")).to_have_text(UNKNOWN)
    await expect(fact(page, "Behind")).to_have_text(UNKNOWN)
    await expect(page.locator("dl[aria-label=Facts]")).to_have_attribute("data-stale", "true")
    await expect(page.locator("[data-output-as-of]")).to_contain_text(AS_OF)
    assert "◌" in await page.title()


async def test_offline_is_said_at_once_and_all_of_the_page_shows_it(
    arbor: Arbor, browsers: Browsers
) -> None:
    person = await browsers.owner(arbor)
    await person.keep_files()
    task = start(arbor, "sh", "-c", TICKS)
    page = await person.open(f"/tasks/{task}")
    output = OutputOnPage(page)
    await expect(output.rows).to_contain_text("tick")
    indicator = page.get_by_role("status").filter(has_text=re.compile("Live"))
    await expect(indicator).to_be_visible()

    await person.context.set_offline(True)
    offline = page.get_by_role("status").filter(has_text="Offline")
    await expect(offline).to_be_visible()
    await looks_stale(page)
    rail = page.get_by_role("region", name="Workspaces")
    await expect(rail).to_contain_text(AS_OF)
    dot = rail.get_by_role("img", name="connected, out of date")
    assert (
        await dot.evaluate("each => getComputedStyle(each).backgroundColor") == "rgba(0, 0, 0, 0)"
    )
    # Nothing goes on by itself: a second of the page's own clock changes no figure.
    before = await fact(page, "Elapsed").inner_text()
    await page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 1500))")
    await page.evaluate(DRAWN)
    assert await fact(page, "Elapsed").inner_text() == before

    await page.get_by_role("link", name="Health").click()
    await expect(page.get_by_role("alert").first).to_contain_text("cannot be reached")
    await page.get_by_role("link", name="Overview").click()
    await expect(page.get_by_role("region", name="Machines")).to_contain_text(AS_OF)

    await person.context.set_offline(False)
    await expect(indicator).to_be_visible()
    await expect(page.get_by_text(AS_OF)).to_have_count(0)
    await page.goto(f"{arbor.url}/tasks/{task}")
    await expect(page.locator("[data-stale]")).to_have_count(0)
    await expect(output.rows).to_contain_text("tick")


async def test_a_task_on_a_machine_that_is_away_does_not_look_healthy(
    arbor: Arbor, person: Person
) -> None:
    task = start(arbor, "sh", "-c", TICKS)
    page = await person.open(f"/tasks/{task}")
    await expect(OutputOnPage(page).rows).to_contain_text("tick")
    with away(arbor):
        await asyncio.to_thread(wait_until, lambda: arbor.state() == "unreachable", "it to be away")
        await looks_stale(page)
        await is_ended_later(page)
        await page.get_by_role("link", name="Overview").click()
        row = page.locator(f"a[data-task={task}]")
        await expect(row.locator("[data-stale]")).to_contain_text(AS_OF)
    await expect(row).to_contain_text("Cancelled")


@contextmanager
def away(arbor: Arbor) -> Iterator[None]:
    """The machine cannot be reached: its connector is gone, and no other one is started."""
    assert arbor.daemon is not None
    os.kill(arbor.daemon.pid, signal.SIGSTOP)
    try:
        arbor.kill_connector()
        yield
    finally:
        os.kill(arbor.daemon.pid, signal.SIGCONT)


async def is_ended_later(page: Page) -> None:
    """Cancelling promises what can happen, and then says what is waited for."""
    await expect(page.get_by_text("has been unreachable since")).to_be_visible()
    await page.get_by_role("button", name="Cancel task").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("It is ended as soon as test is back.")
    await expect(dialog).not_to_contain_text("asked to stop")
    await dialog.get_by_role("button", name="Cancel task").click()
    await expect(page.get_by_text("It is ended as soon as test is back.")).to_be_visible()
    await expect(page.get_by_role("button", name="Ends when it is back")).to_be_disabled()
