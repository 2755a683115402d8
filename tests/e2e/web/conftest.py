"""One browser for all tests of a process; without Chromium they are skipped, and say so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from inspect import iscoroutinefunction
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.e2e.arbor import Arbor
from tests.e2e.web.browser import CHROMIUM, Browsers, Person, ServiceWorkers, chromium

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


@pytest.fixture
def service_workers() -> ServiceWorkers:
    """Of the page: none, as each new browser would fetch and keep all of its files for it.

    That takes a third of a second of a core. A module that is about what is kept, or about what a
    service worker may do, says `service_workers = allowed`.
    """
    return "block"


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(browser: Browser, service_workers: ServiceWorkers) -> AsyncIterator[Browsers]:
    """People for one test."""
    people = Browsers(browser, service_workers)
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
