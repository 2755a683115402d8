"""A page of another origin, opened by somebody who is signed in here, can do nothing here.

Another port of the same host is the hardest case: browsers count it as the same site and send
cookies along, `SameSite=Strict` notwithstanding (RFC 6265bis, section 5.2).
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, Request, expect

from tests.e2e.arbor import Arbor
from tests.e2e.shared import one_for_all
from tests.e2e.web.browser import Browsers, Person
from tests.e2e.web.tasks import finished
from tests.plain_http import HTTP
from tests.ports import free_port

SECRET: Final = "only-for-those-who-are-signed-in"
# Everything that the page tries; each answers with what it got hold of, or with null.
ATTEMPTS: Final = """async ({ hub, workspace, task }) => {
  const read = (path, options) =>
    fetch(hub + path, { credentials: 'include', ...options }).then((r) => r.text(), () => null);
  const body = JSON.stringify({ command: 'touch', args: ['was-here'] });
  const tasks = `/api/workspaces/${workspace}/tasks`;
  const post = (type, more) =>
    read(tasks, { method: 'POST', body, headers: { 'Content-Type': type }, ...more });
  const script = (path) => new Promise((resolve) => {
    const element = document.createElement('script');
    element.onload = () => resolve('loaded');
    element.onerror = () => resolve(null);
    element.src = hub + path;
    document.head.append(element);
  });
  const socket = (protocols) => new Promise((resolve) => {
    const ws = new WebSocket(hub.replace('http', 'ws') + '/api/ws', protocols);
    ws.onopen = () => resolve('opened');
    ws.onclose = () => resolve(null);
  });
  return {
    me: await read('/api/me'),
    output: await read(`/api/tasks/${task}/output`),
    script: await script(`/api/tasks/${task}/output`),
    tasks: await read('/api/tasks'),
    ticket: await read('/api/ws-ticket', { method: 'POST' }),
    link: await read('/api/session/link', { method: 'POST' }),
    json: await post('application/json'),
    text: await post('text/plain'),
    blind: (await post('text/plain', { mode: 'no-cors' })) || null,
    cancel: (await read(`/api/tasks/${task}/cancel`, { method: 'POST', mode: 'no-cors' })) || null,
    signOut: await read('/api/session?everywhere=1', { method: 'DELETE' }),
    socket: await socket([]),
    binary: await socket(['arbor.v1.msgpack']),
  };
}"""
FRAME: Final = """hub => new Promise((resolve) => {
  const frame = document.createElement('iframe');
  frame.onload = () => resolve();
  frame.src = hub;
  document.body.append(frame);
})"""
FORM: Final = """([hub, workspace]) => {
  const form = document.createElement('form');
  form.method = 'POST';
  form.enctype = 'text/plain';
  form.action = `${hub}/api/workspaces/${workspace}/tasks`;
  const field = document.createElement('input');
  field.name = '{"command":"touch","args":["was-here"],"title":"';
  field.value = '"}';
  form.append(field);
  document.body.append(form);
  form.submit();
}"""
POPUP: Final = "hub => { window.other = open(hub + '/tasks'); }"


arbor = one_for_all


@pytest_asyncio.fixture(loop_scope="session")
async def victim(browsers: Browsers, arbor: Arbor) -> Person:
    """Somebody who is signed in, and complains of much that is done to them."""
    return await browsers.owner(arbor)


async def stranger_page(victim: Person, host: str) -> Page:
    """A page of somebody else; `null` is an origin too, that of a sandboxed frame."""
    page = await victim.context.new_page()
    address = f"http://{host.replace('null', '127.0.0.1')}:{free_port()}/"
    sandbox = {"Content-Security-Policy": "sandbox allow-scripts allow-forms allow-popups"}
    headers = {"Content-Type": "text/html", **(sandbox if host == "null" else {})}
    await page.route(
        address + "**", lambda route: route.fulfill(body="<body>free cake", headers=headers)
    )
    await page.goto(address)
    assert await page.evaluate("origin") == ("null" if host == "null" else address[:-1])
    return page


def tasks_of(arbor: Arbor) -> list[dict[str, Any]]:
    """Everything that was ever run."""
    body = arbor.api("/api/tasks")
    assert isinstance(body, dict)
    items: list[dict[str, Any]] = body["items"]
    return items


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "null"])
async def test_it_reads_nothing_and_changes_nothing(
    arbor: Arbor, victim: Person, host: str
) -> None:
    task = await asyncio.to_thread(finished, arbor, "echo", SECRET)
    before = tasks_of(arbor)
    page = await stranger_page(victim, host)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    target = {"hub": arbor.url, "workspace": arbor.workspace_id, "task": task}
    got = await page.evaluate(ATTEMPTS, target)
    assert {name: value for name, value in got.items() if value is not None} == {}
    assert SECRET not in json.dumps(got)
    with_cookies = [each for each in asked if "cookie" in await each.all_headers()]
    assert bool(with_cookies) == (host == "127.0.0.1")
    await page.evaluate(FORM, [arbor.url, arbor.workspace_id])
    await expect(page).to_have_url(f"{arbor.url}/api/workspaces/{arbor.workspace_id}/tasks")

    assert tasks_of(arbor) == before
    assert not (arbor.workspace / "was-here").exists()
    mine = await victim.open(f"/tasks/{task}")
    await expect(mine.get_by_role("navigation", name="Arbor")).to_be_visible()


@pytest.mark.parametrize("host", ["127.0.0.1", "null"])
async def test_it_neither_frames_nor_steers_this_one(
    arbor: Arbor, victim: Person, host: str
) -> None:
    page = await stranger_page(victim, host)
    await page.evaluate(FRAME, arbor.url)
    _, frame = page.frames
    assert frame.url.startswith("chrome-error://")
    async with victim.context.expect_page() as opening:
        await page.evaluate(POPUP, arbor.url)
    opened = await opening.value
    assert await opened.evaluate("window.opener") is None
    # The two windows know nothing of each other (Cross-Origin-Opener-Policy), once it has loaded.
    await page.wait_for_function("window.other.closed")


def test_the_hub_itself_says_no(arbor: Arbor) -> None:
    for origin in ("http://127.0.0.1:1", "null", "http://localhost.evil.example"):
        answer = HTTP.post(f"{arbor.url}/api/session", json={}, headers={"Origin": origin})
        assert answer.status_code == 403
        assert answer.json()["code"] == "origin_not_allowed"
