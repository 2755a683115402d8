"""Every view against WCAG 2.2 A and AA, in both themes and on a phone; and by keyboard alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.async_api import Page, expect

from tests.e2e.arbor import Arbor
from tests.e2e.shared import one_for_all
from tests.e2e.web.browser import PHONE, Browsers, Person

AXE: Final = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not installed: tools/web.py test"
)

# The rows of the terminal are another program's colours and text. What a screen reader gets is
# the terminal's own live region beside them.
EXCLUDED: Final = [".xterm-screen", ".xterm-rows"]
# While a dialog or a menu is open there is nothing else: what it covers is no landmark then, and
# neither are the portals they are in.
ELSEWHERE: Final = ["landmark-no-duplicate-banner", "landmark-unique", "region"]
# All that another theme can break.
COLOURS: Final = ["color-contrast", "link-in-text-block"]
CHECK: Final = """async ([excluded, disabled, only]) => {
  const ending = document.getAnimations().filter(({ effect }) =>
    Number.isFinite(effect.getComputedTiming().endTime));
  await Promise.allSettled(ending.map(({ finished }) => finished));
  const { violations } = await axe.run(
    { exclude: excluded.map((selector) => [selector]) },
    { resultTypes: ['violations'],
      rules: Object.fromEntries(disabled.map((rule) => [rule, { enabled: false }])),
      runOnly: only
        ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}): ${target}\\n${failureSummary}`));
}"""

LOOKS: Final[Mapping[str, dict[str, Any]]] = {
    "desk": {},
    "phone": PHONE,
}
SCHEMES: Final[Mapping[Literal["light", "dark"], list[str] | None]] = {
    "light": None,
    "dark": COLOURS,
}
ADDRESSES: Final = {
    "overview": "/",
    "tasks": "/tasks",
    "tasks, none found": "/tasks?text=nothing-is-called-this",
    "workspace": "/workspaces/{workspace}",
    "terminals": "/workspaces/{workspace}/terminals",
    "connect": "/connect",
    "health": "/health",
    "settings": "/settings",
    "settings of tokens": "/settings#tokens",
    "settings of users": "/settings#users",
    "device": "/device",
    "task": "/tasks/{task}",
    "task that does not exist": "/tasks/tsk_00000000000000000000000000",
    "nowhere": "/there-is-no-such-page",
}


async def violations(page: Page, *, disabled: Sequence[str] = ()) -> list[str]:
    """What is wrong with the page as it is now, in both themes."""
    await page.evaluate(AXE.read_text())
    found: list[str] = []
    for scheme, only in SCHEMES.items():
        await page.emulate_media(color_scheme=scheme)
        await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        wrong = await page.evaluate(CHECK, [EXCLUDED, list(disabled), only])
        found += [f"{scheme}: {each}" for each in wrong]
    return found


arbor = one_for_all


@pytest.fixture(scope="module")
def failed_task(arbor: Arbor) -> str:
    """One task of each kind that is quickly had; the id of one that failed."""
    arbor.run("run", "--", "echo", "done")
    arbor.run("run", "--detach", "--", "sleep", "600")
    arbor.run("run", "--", "sh", "-c", "printf '\\033[31mred\\033[0m\\n'; echo bad >&2; exit 3")
    body = arbor.api("/api/tasks?status=failed")
    assert isinstance(body, dict)
    return str(body["items"][0]["id"])


@pytest.mark.parametrize("look", LOOKS)
async def test_no_view_keeps_anybody_out(
    arbor: Arbor, failed_task: str, browsers: Browsers, look: str
) -> None:
    places = {"task": failed_task, "workspace": arbor.workspace_id}
    person = await browsers.owner(arbor, reduced_motion="reduce", **LOOKS[look])
    page = await person.open("/")
    found: dict[str, list[str]] = {}
    for name, address in ADDRESSES.items():
        await page.goto(arbor.url + address.format(**places))
        await person.settle(page)
        found[name] = await violations(page)

    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("look", LOOKS)
async def test_nor_does_a_hub_that_is_new_or_asks_who_one_is(
    arbor: Arbor, browsers: Browsers, look: str
) -> None:
    person = await browsers.stranger(arbor, reduced_motion="reduce", **LOOKS[look])
    page = await person.open("/")
    await person.settle(page)
    assert await violations(page) == []


async def hears_keys(page: Page) -> None:
    """Wait until the page is drawn: before that it hears no key."""
    await page.get_by_role("heading", level=1).first.wait_for()


async def open_palette(page: Page) -> None:
    await hears_keys(page)
    await page.keyboard.press("Control+k")
    await page.get_by_role("textbox", name="Go to or do anything").fill("test")
    await page.locator("[data-action][data-selected]").wait_for()


async def open_keys(page: Page) -> None:
    await hears_keys(page)
    await page.keyboard.press("?")
    await page.get_by_role("dialog", name="Keys").wait_for()


async def open_account(page: Page) -> None:
    await page.get_by_role("button", name="Account of").click()
    await page.get_by_role("menuitem", name="Sign out").wait_for()


@pytest.mark.parametrize("overlay", [open_palette, open_keys, open_account])
async def test_no_overlay_does_either(
    arbor: Arbor,
    browsers: Browsers,
    overlay: Callable[[Page], Awaitable[None]],
) -> None:
    person = await browsers.owner(arbor, reduced_motion="reduce")
    page = await person.open("/tasks")
    await person.settle(page)

    await overlay(page)
    assert await violations(page, disabled=ELSEWHERE) == []

    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_everything_in_the_rail_is_reached_by_keyboard(person: Person, page: Page) -> None:
    await person.settle(page)
    rail = page.get_by_role("navigation", name="Arbor")
    wanted = {await link.inner_text() for link in await rail.get_by_role("link").all()}
    reached: set[str] = set()
    for _ in range(len(wanted) + 8):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.innerText"))
        assert await page.evaluate("document.activeElement !== document.body")

    assert wanted <= reached


async def test_the_skip_link_leads_past_the_rail(person: Person, page: Page) -> None:
    await person.settle(page)
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()

    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('#page') !== null")


async def test_nothing_moves_for_those_who_asked_for_that(arbor: Arbor, browsers: Browsers) -> None:
    person = await browsers.owner(arbor, reduced_motion="reduce")
    page = await person.open("/")
    await person.settle(page)
    await open_palette(page)

    moving = "document.getAnimations().filter((each) => each.playState === 'running').length"
    assert await page.evaluate(moving) == 0
