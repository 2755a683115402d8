"""One browser for all tests of a process; without Chromium they are skipped, and say so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from inspect import iscoroutinefunction
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.e2e.arbor import Arbor
from tests.e2e.web.browser import CHROMIUM, Browsers, Person, chromium

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """The browser lives in one event loop, and so do its tests."""
    for item in items:
        if not isinstance(item, pytest.Function) or not item.path.is_relative_to(HERE):
            continue
        if iscoroutinefunction(item.obj):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A browser process."""
    if CHROMIUM is None:
        pytest.skip("Debian's chromium-headless-shell (or chromium) is not installed")
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(browser: Browser) -> AsyncIterator[Browsers]:
    """People for one test."""
    people = Browsers(browser)
    yield people
    await people.leave()


@pytest_asyncio.fixture(loop_scope="session")
async def person(browsers: Browsers, arbor: Arbor) -> AsyncIterator[Person]:
    """The owner at a desk, whose pages must have had nothing to complain about."""
    somebody = await browsers.owner(arbor)
    yield somebody
    assert somebody.complaints == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(person: Person) -> Page:
    """The owner's overview."""
    return await person.open("/")
