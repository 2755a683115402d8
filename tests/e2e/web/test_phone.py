"""Every view on a phone: nothing is wider than it, everything is reached, and with a thumb."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import pytest
from playwright.async_api import expect

from tests.e2e.arbor import Arbor
from tests.e2e.shared import one_for_all
from tests.e2e.web.browser import PHONE, Browsers, Person
from tests.e2e.web.output import OutputOnPage
from tests.e2e.web.tasks import finished, run_from_bar, start_shell

# WCAG 2.2, 2.5.8, whatever it is; and what a thumb hits without looking, for what is used most.
MIN_TARGET_PIXELS: Final = 24
THUMB_PIXELS: Final = 44
SIZES: Final = {"small": (360, 740), "usual": (390, 844)}
LONG: Final = "/".join(f"a-folder-with-a-long-name-{number}" for number in range(12))
ADDRESSES: Final = {
    "overview": "/",
    "tasks": "/tasks",
    "workspace": "/workspaces/{workspace}",
    "terminals": "/workspaces/{workspace}/terminals?task={shell}",
    "task": "/tasks/{task}",
    "connect": "/connect",
    "health": "/health",
    "settings": "/settings",
    "account": "/settings#account",
    "tokens": "/settings#tokens",
    "machines": "/settings#machines",
    "users": "/settings#users",
    "device": "/device",
    "nowhere": "/there-is-no-such-page",
}
# What is wider than the screen and does not scroll by itself; which targets are too small.
LOOK: Final = """([smallest]) => {
  const wide = document.scrollingElement.scrollWidth > innerWidth
    || document.querySelector('#page').scrollWidth > innerWidth;
  const name = (element) => element.ariaLabel || element.innerText || element.outerHTML;
  const isInText = (element) => getComputedStyle(element).display === 'inline';
  const targets = [...document.querySelectorAll('a, button, input, select, textarea')]
    .filter((element) => !element.disabled && !isInText(element) && !element.closest('.xterm')
      && element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .map((element) => element.labels?.[0]?.contains(element) ? element.labels[0] : element);
  const small = targets.flatMap((element) => {
    const { width, height } = element.getBoundingClientRect();
    const isSmall = width > 1 && (width < smallest || height < smallest);
    return isSmall ? [`${name(element).slice(0, 60)}: ${width}x${height}`] : [];
  });
  return { wide, small };
}"""


arbor = one_for_all


async def on_phone(browsers: Browsers, arbor: Arbor, size: str) -> Person:
    """The owner, with a phone."""
    width, height = SIZES[size]
    options: dict[str, Any] = {**PHONE, "viewport": {"width": width, "height": height}}
    return await browsers.owner(arbor, **options)


@pytest.mark.parametrize("size", SIZES)
async def test_every_view_fits_and_is_hit(arbor: Arbor, browsers: Browsers, size: str) -> None:
    words = ("sh", "-c", f"echo {LONG * 3}; exit 3")
    places = {
        "task": await asyncio.to_thread(finished, arbor, *words, title=LONG[:200]),
        "shell": start_shell(arbor),
        "workspace": arbor.workspace_id,
    }
    person = await on_phone(browsers, arbor, size)
    page = await person.open("/")
    wrong: dict[str, Any] = {}
    for name, address in ADDRESSES.items():
        await page.goto(arbor.url + address.format(**places))
        await person.settle(page)
        look = await page.evaluate(LOOK, [MIN_TARGET_PIXELS])
        if look["wide"] or look["small"]:
            wrong[name] = look
        for tab in await page.get_by_role("navigation", name="Arbor").locator("a, button").all():
            box = await tab.bounding_box()
            assert box is not None and box["height"] >= THUMB_PIXELS
            assert box["y"] + box["height"] <= SIZES[size][1]
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert person.complaints == []


async def test_what_one_comes_for_is_under_the_thumb(arbor: Arbor, browsers: Browsers) -> None:
    person = await on_phone(browsers, arbor, "usual")
    page = await person.open("/")
    task = await run_from_bar(page, "sh -c 'echo from-a-phone; sleep 300'")
    await expect(OutputOnPage(page).rows).to_contain_text("from-a-phone")
    await page.get_by_role("button", name="Cancel", exact=True).tap()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel task").tap()
    await expect(page.get_by_text("Cancelled").first).to_be_visible()
    await page.get_by_role("button", name="More actions").tap()
    for item in await page.get_by_role("menuitem").all():
        box = await item.bounding_box()
        assert box is not None and box["height"] >= MIN_TARGET_PIXELS
    await page.keyboard.press("Escape")

    tabs = page.get_by_role("navigation", name="Arbor")
    await tabs.get_by_role("link", name="Tasks").tap()
    await expect(page.locator(f"[data-task={task}]").first).to_be_visible()
    await tabs.get_by_role("button", name="Machines").tap()
    await page.get_by_role("dialog").get_by_role("link", name="test").tap()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("test")
    await tabs.get_by_role("button", name="More").tap()
    sheet = page.get_by_role("dialog")
    await expect(sheet.get_by_role("status")).to_contain_text("Live")
    for name in ("Health", "Settings", "Go to or do anything", "Sign out"):
        box = await sheet.get_by_text(name, exact=True).bounding_box()
        assert box is not None and box["height"] >= THUMB_PIXELS
    await sheet.get_by_role("link", name="Settings").tap()
    await expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()


async def test_output_is_scrolled_by_finger(arbor: Arbor, browsers: Browsers) -> None:
    task = await asyncio.to_thread(finished, arbor, "seq", "2000")
    person = await on_phone(browsers, arbor, "usual")
    output = OutputOnPage(await person.open(f"/tasks/{task}"))
    await expect(output.rows).to_contain_text("2000")
    devtools = await person.context.new_cdp_session(output.page)
    box = await output.box.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 20
    for kind, moved in (("Start", 0), ("Move", 60), ("Move", 120), ("Move", 180), ("End", 180)):
        points = [] if kind == "End" else [{"x": x, "y": y + moved}]
        await devtools.send(
            "Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points}
        )
    await output.follows(False)
    await expect(output.rows).not_to_contain_text("2000")
