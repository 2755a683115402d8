"""No text becomes markup or a script in the page, whichever of its parts is asked to make it so."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.e2e.arbor import Arbor
from tests.e2e.shared import one_for_all
from tests.e2e.web.browser import Browsers, Person, allowed
from tests.e2e.web.tasks import finished

# What a fault of the page or of one of its libraries would do with a text from elsewhere.
SINKS = {
    "innerHTML": "text => { document.createElement('div').innerHTML = text }",
    "outerHTML": "text => { document.getElementById('root').outerHTML = text }",
    "insertAdjacentHTML": "text => document.body.insertAdjacentHTML('beforeend', text)",
    "document.write": "text => document.write(text)",
    "DOMParser": "text => new DOMParser().parseFromString(text, 'text/html')",
    "srcdoc": "text => { document.createElement('iframe').srcdoc = text }",
    "a range": "text => document.createRange().createContextualFragment(text)",
    "a script's text": "text => { document.createElement('script').text = text }",
    "a script's address": "text => { document.createElement('script').src = text }",
    "a worker": "text => navigator.serviceWorker.register(text)",
    "a timer": "text => setTimeout(text)",
    "a policy of its own": "text => trustedTypes.createPolicy(text, { createHTML: (x) => x })",
    "a second default policy": "text => trustedTypes.createPolicy('default', {})",
}
HOSTILE = "<img src=x onerror='document.title=\"taken\"'>"

arbor = one_for_all
service_workers = allowed


async def test_a_text_is_refused_wherever_it_would_be_run(person: Person) -> None:
    """Each is refused, so that the page is for the next one as it was for the first."""
    page = await person.open("/")
    await person.settle(page)
    title = await page.title()
    refused = {}
    for sink, code in SINKS.items():
        refused[sink] = await page.evaluate(
            "async (text) => {"
            "  try { await sink(text); return null; } catch (error) { return error.name; }"
            "}".replace("sink(text)", f"({code})(text)"),
            HOSTILE,
        )
        assert await page.title() == title, sink
    assert refused == dict.fromkeys(SINKS, "TypeError")
    # What the browser itself says of each.
    person.complaints.clear()


async def test_every_view_works_with_it_and_makes_nothing_of_text(
    person: Person, arbor: Arbor
) -> None:
    """`person` asserts that no page had to complain, as of a violation."""
    task = finished(arbor, "printf", "%s", HOSTILE)
    for path in ("/", "/tasks", f"/tasks/{task}", "/health", "/settings", "/device", "/nowhere"):
        page = await person.open(path)
        await person.settle(page)
        assert await page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
        await page.close()
    page = await person.open("/api/docs")
    await expect(page).to_have_title(re.compile("Arbor"))


async def test_the_page_is_still_there_without_its_hub(browsers: Browsers, arbor: Arbor) -> None:
    """The service worker is the one script that has an address."""
    person = await browsers.owner(arbor)
    page = await person.open("/")
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    assert person.complaints == []
