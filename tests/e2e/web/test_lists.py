"""Thousands of tasks: the list opens at once, and is walked through to its end."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.async_api import Locator, Page, expect

from arborlink.hub.store.base import TaskRow
from arborlink.hub.store.sqlite import DATABASE_FILE, SqliteStore
from arborlink.protocol.ids import RANDOM_BYTES, make_id
from arborlink.protocol.lifecycle import TaskStatus
from tests.e2e.arbor import TOKEN, Arbor
from tests.e2e.shared import running
from tests.e2e.web.browser import Person
from tests.e2e.web.processor import longest_task
from tests.plain_http import HTTP

TASKS: Final = 5_000
EVERY_NTH_FAILED: Final = 10
# What the page asks for at a time.
PAGE_TASKS: Final = 200
PAGE: Final = f"/api/tasks?limit={PAGE_TASKS}"
# Rows in the page, however many there are in the list.
MAX_ROWS: Final = 80
# Of processor time for one task of the page while it is scrolled. To draw all rows takes many
# times as long.
MAX_TASK_MILLISECONDS: Final = 400
# Scrolls until the row of this number is there; how many rows there were at most.
SCROLL: Final = """async (last) => {
  const page = document.querySelector('#page');
  const rows = (which) => document.querySelectorAll(`[aria-label=Tasks] > li${which}`).length;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  let most = 0;
  while (rows(`[aria-posinset="${last}"]`) === 0) {
    page.scrollTop += 2_000;
    await frame();
    most = Math.max(most, rows(''));
  }
  return most;
}"""
# Scrolls down, until that is over.
WHEEL: Final = """() => new Promise((resolve) => {
  const page = document.querySelector('#page');
  page.addEventListener('scrollend', () => resolve(page.scrollTop), { once: true });
  page.scrollBy({ top: 3_000, behavior: 'smooth' });
})"""
IN_THE_MIDDLE: Final = """
document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('[data-task]').dataset.task
"""


@pytest.fixture(scope="module")
def arbor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arbor]:
    """A hub that has seen much."""
    folder = tmp_path_factory.mktemp("arbor")
    with running(folder, with_daemon=False) as hub:
        made = ask(hub, "POST", "/api/workspaces", {"name": "build-farm"})
        hub.workspace_id = made["id"]
        owner = ask(hub, "GET", "/api/me")["userId"]
        assert hub.hub is not None
        hub.hub.terminate()
        hub.hub.wait()
        asyncio.run(fill(hub, owner))
        hub.start_hub()
        yield hub


def ask(hub: Arbor, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Of the hub, as its owner."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = HTTP.request(method, hub.url + path, headers=headers, json=body)
    return answer.raise_for_status().json()


async def fill(hub: Arbor, owner: str) -> None:
    """As many tasks as if they had been run, one every second until now."""
    store = await SqliteStore.open(hub.home / "hub" / DATABASE_FILE, lambda: "hub")
    now_ms = time.time_ns() // 1_000_000
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(TASKS):
                created_ms = now_ms - (TASKS - number) * 1_000
                row = task_row(number, created_ms, hub.workspace_id, owner)
                group.create_task(store.add_task(row))
    finally:
        await store.close()


def task_row(number: int, created_ms: int, workspace_id: str, owner: str) -> TaskRow:
    """The `number`-th of them."""
    failed = number % EVERY_NTH_FAILED == 0
    created = created_ms * 1_000
    return TaskRow(
        id=make_id("tsk", created_ms, secrets.token_bytes(RANDOM_BYTES)),
        workspace_id=workspace_id,
        command="pytest",
        args=["-q", f"tests/test_{number:04}.py"],
        cwd=".",
        env={},
        shell=False,
        tty=None,
        title=None,
        timeout=None,
        on_spool_full="block",
        stdin="empty",
        status=TaskStatus.FAILED if failed else TaskStatus.COMPLETED,
        created_by=owner,
        created_at=created,
        started_at=created + 20_000,
        finished_at=created + 900_000,
        reason="exit" if failed else None,
        exit_code=1 if failed else 0,
        output_size=number * 37,
    )


async def open_list(person: Person, search: str = "") -> Page:
    """The page with its first rows."""
    page = await person.open(f"/tasks{search}")
    await expect(rows_of(page).first).to_be_visible()
    return page


def rows_of(page: Page) -> Locator:
    """Those that are in the page now."""
    return page.get_by_role("list", name="Tasks").get_by_role("listitem")


async def test_it_opens_at_once_and_scrolls_smoothly_to_its_end(
    arbor: Arbor, person: Person
) -> None:
    """Its first rows need one request, and each step to its end a few rows."""
    page = await person.open("/")
    pages: list[str] = []
    page.on("request", lambda request: pages.append(request.url) if PAGE in request.url else None)
    async with longest_task(page) as longest:
        await page.get_by_role("link", name="Tasks", exact=True).click()
        await expect(rows_of(page).first).to_contain_text("test_4999.py")
        assert len(pages) == 1
        most = await page.evaluate(SCROLL, TASKS)
    await expect(rows_of(page).last).to_contain_text("test_0000.py")
    await expect(rows_of(page).last).to_have_attribute("aria-posinset", str(TASKS))
    print(f"{most} rows at most; {longest}")
    assert most <= MAX_ROWS
    assert longest.processor < MAX_TASK_MILLISECONDS, longest


async def test_it_is_filtered_by_status_and_by_text(arbor: Arbor, person: Person) -> None:
    page = await open_list(person)
    await page.get_by_text("Failed", exact=True).first.click()
    await expect(page).to_have_url(re.compile("status=failed"))
    await expect(rows_of(page).first).to_contain_text("test_4990.py")
    await expect(rows_of(page).nth(1)).to_contain_text("test_4980.py")
    await page.get_by_role("searchbox", name="Search the tasks").fill("TEST_012")
    await expect(rows_of(page)).to_have_count(1)
    await expect(rows_of(page)).to_contain_text("test_0120.py")

    await page.reload()
    await expect(rows_of(page)).to_have_count(1)
    await page.get_by_text("All", exact=True).click()
    await expect(rows_of(page)).to_have_count(10)
    await page.get_by_role("searchbox", name="Search the tasks").fill("%' OR 1=1 --")
    await expect(page.get_by_text("No task matches.")).to_be_visible()
    await page.get_by_role("button", name="Show all tasks").click()
    await expect(rows_of(page).first).to_contain_text("test_4999.py")


async def test_a_new_one_appears_and_nothing_moves_under_who_reads(
    arbor: Arbor, person: Person
) -> None:
    page = await open_list(person)
    path = f"/api/workspaces/{arbor.workspace_id}/tasks"
    new = {"command": "echo", "args": ["brand-new"], "ifOffline": "queue"}
    first = ask(arbor, "POST", path, new)
    await expect(rows_of(page).first).to_contain_text("brand-new")
    await expect(rows_of(page).first).to_contain_text("Pending")

    # What is still drawn would end the scrolling early.
    await person.settle(page)
    assert await page.evaluate(WHEEL) > 2_500
    reading = page.locator(f"[data-task={await page.evaluate(IN_THE_MIDDLE)}]")
    place = await reading.bounding_box()
    second = ask(arbor, "POST", path, new)
    await page.get_by_role("button", name="↑ 1 new").wait_for()
    assert await reading.bounding_box() == place
    await page.get_by_role("button", name="↑ 1 new").click()
    await expect(rows_of(page).first).to_contain_text("brand-new")
    for task in (first, second):
        ask(arbor, "POST", f"/api/tasks/{task['id']}/cancel")
    await expect(rows_of(page).first).to_contain_text("Cancelled")


async def test_a_long_command_is_cut_in_the_list_and_whole_where_it_is_used(
    arbor: Arbor, person: Person
) -> None:
    words = [f"word-{n:04}" for n in range(2_000)]
    new = {"command": "echo", "args": words, "ifOffline": "queue"}
    task = ask(arbor, "POST", f"/api/workspaces/{arbor.workspace_id}/tasks", new)
    await person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    # The hub has found it by what the page does not have.
    page = await open_list(person, "?text=word-0900")
    await expect(rows_of(page)).to_have_count(1)
    await expect(rows_of(page)).to_contain_text(re.compile("echo word-0000 word-0001 .* …"))
    await rows_of(page).get_by_role("button").click()
    await page.get_by_role("menuitem", name="Copy the command").click()
    line = " ".join(["echo", *words])
    await page.wait_for_function(
        "async (line) => (await navigator.clipboard.readText()) === line", arg=line
    )
    await rows_of(page).get_by_role("button").click()
    await page.get_by_role("menuitem", name="Edit and run…").click()
    await expect(page.get_by_role("textbox", name="Command")).to_have_value(line)
    await page.goto(f"{arbor.url}/tasks/{task['id']}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("word-1999")
    ask(arbor, "POST", f"/api/tasks/{task['id']}/cancel")
    # The change has the beginning, and the page keeps the rest.
    await expect(page.get_by_text("Cancelled").first).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("word-1999")


async def test_the_keyboard_walks_through_it(arbor: Arbor, person: Person) -> None:
    page = await open_list(person, "?text=pytest")
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox", name="Search the tasks")).to_be_focused()
    await rows_of(page).first.get_by_role("link").focus()
    focused = page.locator(":focus")
    for key, number in (
        ("ArrowDown", 4998),
        ("PageDown", 4988),
        ("ArrowUp", 4989),
        ("Home", 4999),
    ):
        await page.keyboard.press(key)
        await expect(focused).to_contain_text(f"test_{number}.py")
        await expect(focused).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("test_4999.py")
    await page.go_back()
    await expect(rows_of(page).first).to_contain_text("test_4999.py")
