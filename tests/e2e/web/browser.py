"""People at browsers: each has a browser context of their own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, wait_until
from tests.plain_http import HTTP

# The shell draws the same pages without windows to keep, for two thirds of the time.
CHROMIUM: Final = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


ServiceWorkers = Literal["allow", "block"]
# Playwright's own words in the console of a page, whose service worker it blocks.
BLOCKED: Final = "Service Worker registration blocked by Playwright"

# For everything that is expected of a page: Playwright's own 5 s pass on a busy machine.
WAIT_MILLISECONDS: Final = HANG_SECONDS * 1_000
expect.set_options(timeout=WAIT_MILLISECONDS)


# What an answer changes is in the page by the frame after the next.
DRAWN: Final = """() => new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(resolve));
})"""


@pytest.fixture
def allowed() -> ServiceWorkers:
    """For a module that says `service_workers = allowed`."""
    return "allow"


class Person:
    """A browser context, and what its pages complained about."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.complaints: list[str] = []
        self._unanswered: dict[Page, set[Request]] = {}

    async def open(self, path: str = "/") -> Page:
        """A new tab at an address of the hub."""
        page = await self.context.new_page()
        page.on("console", lambda message: self._listen(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self._count_requests(page)
        await page.goto(self.url + path)
        return page

    async def keep_files(self) -> None:
        """Be one who was here before: the browser has kept the files of all views."""
        page = await self.open("/")
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await page.close()

    async def settle(self, page: Page) -> None:
        """Wait until the view is drawn and what it asked for is there.

        That the network was idle once is not enough: a page that waits for a core is idle before
        it asks for anything.
        """
        await page.get_by_role("heading", level=1).first.wait_for()
        await page.wait_for_load_state("networkidle")
        unanswered = self._unanswered[page]
        while True:
            await asyncio.to_thread(wait_until, lambda: not unanswered, "all answers")
            await page.evaluate(DRAWN)
            if not unanswered:
                return

    def _count_requests(self, page: Page) -> None:
        unanswered = self._unanswered[page] = set()

        def asked(request: Request) -> None:
            # The page before is gone, and nothing is said of what it had asked for.
            if request.is_navigation_request():
                unanswered.clear()
            unanswered.add(request)

        page.on("request", asked)
        page.on("requestfinished", lambda request: unanswered.discard(request))
        page.on("requestfailed", lambda request: unanswered.discard(request))

    def _listen(self, kind: str, text: str) -> None:
        # What a browser says by itself when a request fails is no fault of the page.
        if text == BLOCKED:
            return
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(text)


class Browsers:
    """A test asks it for people, and lets them go at its end."""

    def __init__(self, browser: Browser, service_workers: ServiceWorkers) -> None:
        self._browser = browser
        self._service_workers = service_workers
        self._people: list[Person] = []

    async def stranger(self, arbor: Arbor, **options: Any) -> Person:
        """Somebody who is not signed in."""
        context = await self._browser.new_context(service_workers=self._service_workers, **options)
        context.set_default_timeout(WAIT_MILLISECONDS)
        person = Person(context, arbor.url)
        self._people.append(person)
        return person

    async def leave(self) -> None:
        """Close everybody's tabs."""
        for person in self._people:
            await person.context.close()

    async def owner(self, arbor: Arbor, *, through: int | None = None, **options: Any) -> Person:
        """The owner, signed in by a link; `through`: a proxy's port.

        The browser context asks for the session itself, as the page does with a link: a page that
        is drawn for nothing but that takes more than half a second of a core. The page does it in
        `test_sign_in_links.py` and `test_first_use.py`.
        """
        person = await self.stranger(arbor, **options)
        if through is not None:
            person.url = f"http://127.0.0.1:{through}"
        _, _, link = sign_in_link(arbor).partition("#link=")
        answer = await person.context.request.post(
            f"{person.url}/api/session",
            data={"link": link},
            headers={"Origin": person.url},
            timeout=WAIT_MILLISECONDS,
        )
        assert answer.status == 201, await answer.text()
        return person


def sign_in_link(arbor: Arbor) -> str:
    """The address of a one-time link."""
    answer = HTTP.post(
        f"{arbor.url}/api/session/link", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    return str(answer.raise_for_status().json()["url"])


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, timeout=WAIT_MILLISECONDS
        )
        try:
            yield browser
        finally:
            await browser.close()
