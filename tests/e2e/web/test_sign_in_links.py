"""A sign-in link works where it is pasted, leaves the address at once, and leads back."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page, expect

from tests.e2e.arbor import Arbor
from tests.e2e.shared import one_for_all
from tests.e2e.web.browser import Browsers, Person, allowed, sign_in_link
from tests.e2e.web.output import OutputOnPage
from tests.e2e.web.tasks import finished

arbor = one_for_all
service_workers = allowed
SIGN_IN = "Sign in to Arbor"
# As the address bar does it: a page whose address differs behind the # only is not loaded anew.
ENTER = "address => { window.before = true; location.href = address; }"


async def shows_sign_in(page: Page) -> None:
    await expect(page.get_by_role("heading", name=SIGN_IN)).to_be_visible()


async def is_signed_in(page: Page) -> None:
    await expect(page.get_by_role("navigation", name="Arbor")).to_be_visible()
    assert "link=" not in page.url


async def test_pasted_into_the_sign_in_page_it_signs_in(arbor: Arbor, browsers: Browsers) -> None:
    person = await browsers.stranger(arbor)
    page = await person.open("/")
    await shows_sign_in(page)
    await page.evaluate(ENTER, sign_in_link(arbor))
    await is_signed_in(page)
    assert await page.evaluate("window.before")
    assert person.complaints == []


async def test_a_used_link_says_so_and_leaves_the_address_and_the_next_one_works(
    arbor: Arbor, browsers: Browsers
) -> None:
    page = await (await browsers.stranger(arbor)).open("/")
    await shows_sign_in(page)
    used = sign_in_link(arbor)
    await is_signed_in(await (await browsers.stranger(arbor)).open(used.removeprefix(arbor.url)))

    await page.evaluate(ENTER, used)
    told = page.get_by_role("status").filter(has_text="link was used already")
    await expect(told).to_be_visible()
    await expect(told).not_to_contain_text("`")
    await expect(told.locator("code").first).to_be_visible()
    assert "link=" not in page.url

    await page.evaluate(ENTER, sign_in_link(arbor))
    await is_signed_in(page)


async def test_a_link_leads_back_to_the_page_that_asked_for_it(
    arbor: Arbor, browsers: Browsers
) -> None:
    task = await asyncio.to_thread(finished, arbor, "echo", "still-here")
    person = await browsers.stranger(arbor)
    page = await person.open(f"/tasks/{task}?at=6")
    await shows_sign_in(page)
    await page.goto(sign_in_link(arbor))
    await expect(OutputOnPage(page).rows).to_contain_text("still-here")
    assert page.url == f"{arbor.url}/tasks/{task}?at=6"
    # Once: the next link leads to where it says.
    await page.goto(sign_in_link(arbor))
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()


async def test_who_is_signed_in_is_told_of_a_link_that_does_nothing(
    arbor: Arbor, person: Person
) -> None:
    page = await person.open("/")
    await is_signed_in(page)
    await page.evaluate(ENTER, f"{arbor.url}/#link=nothing")
    await expect(page.get_by_text("you are still signed in")).to_be_visible()
    await is_signed_in(page)
