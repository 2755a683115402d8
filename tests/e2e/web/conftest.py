"""A browser for each test that asks for one; without Chromium they are skipped, and say so."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page

from tests.e2e.arbor import Arbor
from tests.e2e.web.browser import CHROMIUM, Browsers, Person, chromium


@pytest.fixture
async def browsers() -> AsyncIterator[Browsers]:
    """A browser process."""
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed")
    async with chromium() as running:
        yield running


@pytest.fixture
async def person(browsers: Browsers, arbor: Arbor) -> AsyncIterator[Person]:
    """The owner at a desk, whose pages must have had nothing to complain about."""
    somebody = await browsers.owner(arbor)
    yield somebody
    assert somebody.complaints == []


@pytest.fixture
async def page(person: Person) -> Page:
    """The owner's overview."""
    return await person.open("/")
