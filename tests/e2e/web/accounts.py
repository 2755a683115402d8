"""Signing in and what settings do, as a person does them."""

from __future__ import annotations

from typing import Final

from playwright.async_api import Page, expect

PASSWORD: Final = "several words are easy"


async def sign_in(page: Page, username: str, password: str) -> None:
    """By the form that comes before every page."""
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def set_password(page: Page, password: str = PASSWORD) -> None:
    """The first one of who came by a link, in the settings of the account."""
    await page.get_by_label("New password").fill(password)
    await page.get_by_role("button", name="Set password").click()
    await expect(page.get_by_role("status").filter(has_text="password is set")).to_be_visible()
