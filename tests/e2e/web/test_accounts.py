"""Accounts, tokens, terminals that sign in, the theme: as settings show and change them."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from arborlink.testing.chaos_proxy import ChaosProxy
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import Arbor, command, wait_until
from tests.e2e.shared import running
from tests.e2e.web.accounts import PASSWORD, set_password, sign_in
from tests.e2e.web.browser import Browsers, Person
from tests.plain_http import HTTP


@pytest.fixture
def arbor(tmp_path: Path) -> Iterator[Arbor]:
    """Accounts need no machine."""
    with running(tmp_path, with_daemon=False) as hub:
        yield hub


def status_with(arbor: Arbor, token: str) -> int:
    """What the hub answers to who has this token."""
    headers = {"Authorization": f"Bearer {token}"}
    return HTTP.get(f"{arbor.url}/api/tasks", headers=headers).status_code


async def confirm(page: Page, button: str, confirmation: str) -> None:
    """Press it, and say yes to the question that comes."""
    await page.get_by_role("button", name=button, exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name=confirmation).click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def hears_the_hub_alone(page: Page) -> None:
    """No request is answered from now on: what the page learns comes by its WebSocket.

    Pages ask the hub for round trips every few seconds, and would find out by that, too.
    """
    await page.route("**/api/**", lambda route: None)


async def signed_out(page: Page) -> None:
    """Wait until the page asks to sign in."""
    await expect(page.get_by_role("heading", name="Sign in to Arbor")).to_be_visible()


async def test_a_token_is_shown_once_works_and_is_revoked(arbor: Arbor, person: Person) -> None:
    page = await person.open("/settings#tokens")
    await page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="Name").fill("nightly build")
    await dialog.get_by_role("button", name="Make the token").click()
    secret = await dialog.locator("code").first.inner_text()
    assert secret.startswith("arb_")
    assert status_with(arbor, secret) == 200
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_text("nightly build")).to_be_visible()
    assert secret not in await page.content()
    await page.reload()
    await expect(page.get_by_text("nightly build")).to_be_visible()
    assert secret not in await page.content()

    await confirm(page, "Revoke nightly build", "Revoke it")
    await expect(page.get_by_text("nightly build")).to_have_count(0)
    assert status_with(arbor, secret) == 401


async def test_a_password_is_set_and_changed(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    page = await person.open("/settings#account")
    await page.get_by_label("New password").fill("short")
    await expect(page.get_by_text("5 more characters.")).to_be_visible()
    await expect(page.get_by_role("button", name="Set password")).to_be_disabled()
    await set_password(page)
    other = await (await browsers.stranger(arbor)).open("/settings#account")
    await sign_in(other, "owner", "not the password")
    await expect(other.get_by_role("alert")).not_to_be_empty()
    await sign_in(other, "owner", PASSWORD)
    await expect(other.get_by_role("heading", name="Change the password")).to_be_visible()

    await page.get_by_label("Current password").fill("wrong all along")
    await page.get_by_label("New password").fill("another four words")
    change = page.get_by_role("button", name="Change password")
    await change.click()
    current = page.get_by_label("Current password")
    await expect(current).to_have_accessible_description(re.compile("."))
    await current.fill(PASSWORD)
    await change.click()
    await expect(page.get_by_role("status").filter(has_text="password is set")).to_be_visible()
    await signed_out(other)
    await sign_in(other, "owner", PASSWORD)
    await expect(other.get_by_role("alert")).not_to_be_empty()
    await sign_in(other, "owner", "another four words")
    await expect(other.get_by_role("navigation", name="Arbor")).to_be_visible()


async def test_signing_out_everywhere_closes_the_other_browser(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    other = await (await browsers.owner(arbor)).open("/tasks")
    await expect(other.get_by_role("status").filter(has_text="Live")).to_be_visible()
    page = await person.open("/settings#account")
    await expect(page.get_by_role("button", name="Sign out Chrome on Linux")).to_have_count(1)
    await hears_the_hub_alone(other)
    await confirm(page, "Sign out everywhere", "Sign out everywhere")
    await signed_out(other)
    await expect(other.get_by_text("Your session has ended")).to_be_visible()
    await signed_out(page)
    await expect(page.get_by_text("Your session has ended")).to_have_count(0)
    assert await person.context.cookies() == []


async def test_one_browser_is_signed_out_from_another(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    other = await (await browsers.owner(arbor)).open("/")
    await expect(other.get_by_role("status").filter(has_text="Live")).to_be_visible()
    page = await person.open("/settings#account")
    await hears_the_hub_alone(other)
    await page.get_by_role("button", name="Sign out Chrome on Linux").click()
    await signed_out(other)
    await expect(page.get_by_role("heading", name="Settings")).to_be_visible()


async def test_users_are_added_reset_and_removed(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    page = await person.open("/settings#users")
    dialog = page.get_by_role("dialog")
    await page.get_by_role("button", name="Add a user").click()
    await dialog.get_by_label("User name").fill("ada")
    await dialog.get_by_role("button", name="Add the user").click()
    link = await dialog.locator("code").first.inner_text()
    await dialog.get_by_role("button", name="Done").click()

    ada = await browsers.stranger(arbor)
    hers = await ada.open(link.removeprefix(arbor.url))
    await expect(hers.get_by_role("button", name="Account of ada")).to_be_visible()
    await expect(hers.get_by_role("link", name="Health")).to_have_count(0)
    await hers.goto(f"{arbor.url}/settings#users")
    await expect(hers.get_by_role("heading", name="Settings")).to_be_visible()
    await expect(hers.get_by_role("link", name="Users")).to_have_count(0)

    await page.get_by_role("button", name="Set the password of ada").click()
    await dialog.get_by_label("New password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Set it").click()
    await expect(dialog).to_have_count(0)
    await signed_out(hers)
    await sign_in(hers, "ada", PASSWORD)
    await expect(hers.get_by_role("button", name="Account of ada")).to_be_visible()

    await confirm(page, "Remove ada", "Remove the account")
    await expect(page.get_by_text("ada", exact=True)).to_have_count(0)
    await signed_out(hers)
    await sign_in(hers, "ada", PASSWORD)
    await expect(hers.get_by_role("alert")).not_to_be_empty()


@contextmanager
def login(arbor: Arbor, home: Path) -> Iterator[subprocess.Popen[str]]:
    """`arbor login` in a terminal of somebody who has nothing yet."""
    environment = arbor.environment({"ARBOR_HOME": str(home)})
    for name in ("ARBOR_TOKEN", "ARBOR_URL"):
        del environment[name]
    process = subprocess.Popen(
        command(["login", arbor.url]),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def shown_code(process: subprocess.Popen[str]) -> str:
    """The code that it shows."""
    assert process.stderr is not None
    for line in process.stderr:
        if re.fullmatch(r"\s+\w{4}-\w{4}\s*", line):
            return line.strip()
    raise AssertionError("it ended without a code")


async def test_a_terminal_is_let_in(arbor: Arbor, person: Person, tmp_path: Path) -> None:
    with login(arbor, tmp_path / "other") as process:
        code = await asyncio.to_thread(shown_code, process)
        page = await person.open("/device")
        await page.get_by_label("Code").fill(code.lower().replace("-", ""))
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_text("Only approve what you started yourself")).to_be_visible()
        await page.get_by_role("button", name="Approve").click()
        await expect(page.get_by_role("status").filter(has_text="is signed in")).to_be_visible()
        assert await asyncio.to_thread(process.wait, HANG_SECONDS) == 0
    credentials = (tmp_path / "other" / "credentials.toml").read_text()
    (token,) = re.findall(r"arb_\w+", credentials)
    assert status_with(arbor, token) == 200


async def test_a_terminal_is_sent_away(arbor: Arbor, person: Person, tmp_path: Path) -> None:
    with login(arbor, tmp_path / "other") as process:
        code = await asyncio.to_thread(shown_code, process)
        page = await person.open(f"/device?code={code}")
        await page.get_by_role("button", name="Deny").click()
        await expect(page.get_by_role("status").filter(has_text="was denied")).to_be_visible()
        assert await asyncio.to_thread(process.wait, HANG_SECONDS) != 0
    assert not (tmp_path / "other" / "credentials.toml").exists()


async def test_a_theme_stays_chosen(arbor: Arbor, person: Person) -> None:
    page = await person.open("/settings")
    scheme = page.locator("html")
    for label, chosen in (("Dark", "dark"), ("Light", "light")):
        await page.get_by_text(label, exact=True).click()
        await expect(scheme).to_have_attribute("data-mantine-color-scheme", chosen)
        await page.reload()
        await expect(page.get_by_role("radio", name=label, exact=True)).to_be_checked()
        await expect(scheme).to_have_attribute("data-mantine-color-scheme", chosen)


async def test_the_connection_is_told_as_it_is(arbor: Arbor, browsers: Browsers) -> None:
    async with ChaosProxy("127.0.0.1", arbor.port, seed=1) as proxy:
        person = await browsers.owner(arbor, through=proxy.port)
        page = await person.open("/")
        told = page.get_by_role("region", name="Sidebar").get_by_role("status")
        await expect(told).to_have_text(re.compile(r"^Live · [\d.]+ m?s$"))

        arbor.kill_hub()
        await expect(told).to_have_text(re.compile("^(Reconnecting|Connecting)"))
        now = page.get_by_role("button", name="now", exact=True)
        await expect(told).to_have_text(re.compile(r"^Reconnecting in \d+ s$"))
        tried = proxy.accepted
        await now.click()
        await asyncio.to_thread(wait_until, lambda: proxy.accepted > tried, "an attempt")
        arbor.start_hub()
        await expect(told).to_have_text(re.compile("^Live"))

        await person.context.set_offline(True)
        proxy.cut()
        await expect(told).to_have_text("Offline")
        await person.context.set_offline(False)
        await expect(told).to_have_text(re.compile("^Live"))
