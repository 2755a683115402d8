"""A page asks who is there before it makes a credential, and goes on with what was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.arbor import Arbor
from tests.e2e.shared import running
from tests.e2e.web.accounts import PASSWORD, set_password
from tests.e2e.web.browser import Person, sign_in_link

BUSY_MILLISECONDS = 5_000


@pytest.fixture
def arbor(tmp_path: Path) -> Iterator[Arbor]:
    """Accounts need no machine."""
    with running(tmp_path, with_daemon=False) as hub:
        yield hub


def let_the_proof_grow_old(arbor: Arbor) -> None:
    """Every browser signed in long ago."""
    with closing(apsw.Connection(str(arbor.home / "hub" / "hub.sqlite3"))) as connection:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        connection.execute("UPDATE sessions SET confirmed_at = 1")


def question(page: Page) -> Locator:
    """The dialog that asks."""
    return page.get_by_role("dialog", name="Confirm that it is you")


async def ask_for_a_token(page: Page, name: str) -> Locator:
    """Ask for one; the dialog of it."""
    await page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog", name="New token")
    await dialog.get_by_role("textbox", name="Name").fill(name)
    await dialog.get_by_role("button", name="Make the token").click()
    return dialog


async def test_a_password_confirms_and_the_token_is_made(arbor: Arbor, person: Person) -> None:
    page = await person.open("/settings#account")
    await set_password(page)
    let_the_proof_grow_old(arbor)
    await page.goto(f"{arbor.url}/settings#tokens")
    await ask_for_a_token(page, "nightly build")
    asked = question(page)
    await asked.get_by_label("Password", exact=True).fill("not the password")
    await asked.get_by_role("button", name="Confirm").click()
    await expect(asked.get_by_role("alert")).to_contain_text("wrong")
    await asked.get_by_label("Password", exact=True).fill(PASSWORD)
    await asked.get_by_role("button", name="Confirm").click()
    await expect(asked).to_have_count(0)
    made = page.get_by_role("dialog", name="Token nightly build")
    assert (await made.locator("code").first.inner_text()).startswith("arb_")


async def test_without_a_password_a_link_confirms(arbor: Arbor, person: Person) -> None:
    page = await person.open("/settings#account")
    let_the_proof_grow_old(arbor)
    await page.get_by_role("button", name="Make a link").click()
    asked = question(page)
    await asked.get_by_label("Sign-in link").fill(sign_in_link(arbor))
    await asked.get_by_role("button", name="Confirm").click()
    await expect(asked).to_have_count(0)
    await expect(page.get_by_role("button", name="Make a new link")).to_be_visible()


async def test_who_leaves_it_has_made_nothing(arbor: Arbor, person: Person) -> None:
    page = await person.open("/settings#tokens")
    let_the_proof_grow_old(arbor)
    dialog = await ask_for_a_token(page, "never")
    await question(page).get_by_role("button", name="Leave it").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Confirm that it is you")
    await page.reload()
    await expect(page.get_by_text("bootstrap")).to_be_visible()
    await expect(page.get_by_text("never", exact=True)).to_have_count(0)


async def test_a_tab_goes_on_when_another_one_signs_in_again(arbor: Arbor, person: Person) -> None:
    page = await person.open("/tasks")
    await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    async with page.expect_websocket():
        again = await person.open(sign_in_link(arbor).removeprefix(arbor.url))
    for tab in (again, page):
        await expect(tab.get_by_role("navigation", name="Arbor")).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
