"""The page opens without its hub, and keeps nothing of what the hub said."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from tests.e2e.arbor import Arbor
from tests.e2e.web.browser import Browsers, allowed, sign_in_link

KEPT = """async () => {
  await navigator.serviceWorker.ready;
  const kept = [];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) kept.push(request.url);
  }
  return kept;
}"""

service_workers = allowed


async def kept_addresses(page: Page) -> list[str]:
    """What the service worker has kept, once it is there."""
    return [urlsplit(address).path for address in await page.evaluate(KEPT)]


async def test_it_opens_while_the_hub_is_away_and_goes_on_when_it_is_back(
    arbor: Arbor, browsers: Browsers
) -> None:
    person = await browsers.owner(arbor)
    page = await person.open("/")
    assert "/" in await kept_addresses(page)

    arbor.kill_hub()
    await page.goto(f"{arbor.url}/tasks")
    await expect(page.get_by_text("cannot be reached")).to_be_visible()

    arbor.start_hub()
    await expect(page.get_by_role("heading", name="Tasks")).to_be_visible()


async def test_only_the_pages_own_files_are_kept(arbor: Arbor, browsers: Browsers) -> None:
    person = await browsers.owner(arbor)
    page = await person.open("/")
    await page.get_by_role("textbox", name="Command").fill("echo private")
    await page.get_by_role("textbox", name="Command").press("Enter")
    await expect(page.get_by_text("Completed")).to_be_visible()

    kept = await kept_addresses(page)
    assert len(kept) > 1
    assert [path for path in kept if path != "/" and not path.startswith("/assets/")] == []


async def test_a_sign_in_link_works_on_a_page_that_was_kept(
    arbor: Arbor, browsers: Browsers
) -> None:
    person = await browsers.stranger(arbor)
    page = await person.open("/")
    await kept_addresses(page)

    await page.goto(f"{arbor.url}/settings")
    await page.goto(sign_in_link(arbor))
    await expect(page.get_by_role("navigation", name="Arbor")).to_be_visible()
    assert "link=" not in page.url
