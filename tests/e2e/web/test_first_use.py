"""The first minutes with the page."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.arbor import Arbor, command
from tests.e2e.shared import running
from tests.e2e.web.accounts import PASSWORD, set_password, sign_in
from tests.e2e.web.browser import Browsers, Person
from tests.e2e.web.output import OutputOnPage
from tests.e2e.web.tasks import finished, run_from_bar


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Arbor]:
    """A hub to which no machine was ever connected."""
    with running(tmp_path, with_daemon=False) as alone:
        yield alone


@contextmanager
def machine(line: str, folder: Path) -> Iterator[None]:
    """Another machine, which runs a line as its shell would, in a folder of its own."""
    code, key, arbor, *words = shlex.split(line)
    assert (code.split("=")[0], key.split("=")[0]) == ("ARBOR_CODE", "ARBOR_HUB_KEY")
    assert arbor == "arbor"
    folder.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = subprocess.Popen(
        command(words),
        cwd=folder,
        env={
            **kept,
            **dict(each.split("=", 1) for each in (code, key)),
            "ARBOR_HOME": str(folder.parent / f"home of {folder.name}"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def ask_for_command(page: Page, name: str) -> str:
    """The line that the page says connects a machine of this name."""
    await page.get_by_label("Name of the machine or the folder").fill(name)
    await page.get_by_role("button", name="Show the command").click()
    await expect(page.get_by_text(f"Waiting for {name} to connect")).to_be_visible()
    return await page.locator("code").filter(has_text="ARBOR_CODE=").inner_text()


async def test_from_an_empty_hub_to_an_output_on_disk(
    hub: Arbor, browsers: Browsers, tmp_path: Path
) -> None:
    person = await browsers.owner(hub)
    page = await person.open("/")
    await expect(page.get_by_role("heading", name="Connect your first machine")).to_be_visible()
    line = await ask_for_command(page, "gpu-box")

    with machine(line, tmp_path / "first"):
        bar = page.get_by_role("textbox", name="Command")
        await expect(bar).to_be_visible()
        await expect(page.get_by_role("heading", name="gpu-box")).to_be_visible()
        await run_from_bar(page, "sh -c 'pwd; printf \\\\033[31mred; exit 3'")
        await expect(page.get_by_text("exit 3", exact=True)).to_be_visible()
        output = OutputOnPage(page)
        await expect(output.rows).to_contain_text("red")
        expected = f"{tmp_path}/first\n\033[31mred"
        assert await output.download() == expected.encode()

        await page.get_by_role("link", name="Overview").click()
        await page.get_by_role("link", name="Connect a machine").click()
        line = await ask_for_command(page, "laptop")
        with machine(line, tmp_path / "second"):
            told = page.get_by_role("status").filter(has_text="laptop is connected")
            await expect(told).to_be_visible()
            await page.get_by_role("link", name="Open it").click()
            await run_from_bar(page, "pwd")
            await expect(output.rows).to_contain_text("second")
    assert person.complaints == []


async def test_a_session_that_was_ended_comes_back_where_it_was(
    arbor: Arbor, browsers: Browsers, person: Person
) -> None:
    task = await asyncio.to_thread(finished, arbor, "echo", "still-here")
    page = await person.open("/settings#account")
    await set_password(page)
    await page.goto(f"{arbor.url}/tasks/{task}")
    await expect(OutputOnPage(page).rows).to_contain_text("still-here")

    elsewhere = await (await browsers.owner(arbor)).open("/settings#account")
    await elsewhere.get_by_role("button", name="Sign out everywhere").click()
    dialog = elsewhere.get_by_role("dialog")
    await dialog.get_by_role("button", name="Sign out everywhere").click()

    await expect(page.get_by_role("status").filter(has_text="session has ended")).to_be_visible()
    assert page.url == f"{arbor.url}/tasks/{task}"
    await sign_in(page, "owner", PASSWORD)
    await expect(OutputOnPage(page).rows).to_contain_text("still-here")
    assert page.url == f"{arbor.url}/tasks/{task}"


async def test_sign_in_run_and_watch(page: Page) -> None:
    await expect(page.get_by_text("test", exact=True).first).to_be_visible()
    assert "link=" not in page.url
    box = page.get_by_role("textbox").first
    await box.fill("sh -c 'echo seen-in-$((40 + 2)); echo wrong >&2; exit 3'")
    await box.press("Enter")

    await expect(page).to_have_url(re.compile("tasks/tsk_"))
    await expect(OutputOnPage(page).rows).to_contain_text("seen-in-42")
    await expect(OutputOnPage(page).rows).to_contain_text("wrong")
    await expect(page.get_by_text("exit 3", exact=True)).to_be_visible()


async def test_the_page_goes_on_after_a_restart_of_the_hub(arbor: Arbor, page: Page) -> None:
    box = page.get_by_role("textbox").first
    await box.fill("sh -c 'for i in 1 2 3 4 5 6 7 8; do echo step-$i; sleep 0.5; done'")
    await box.press("Enter")
    rows = OutputOnPage(page).rows
    await expect(rows).to_contain_text("step-2")

    arbor.kill_hub()
    arbor.start_hub()

    await expect(rows).to_contain_text("step-8")
    shown = re.findall(r"step-\d", await rows.inner_text())
    assert shown == [f"step-{number}" for number in range(1, 9)]
    await expect(page.get_by_text("Completed")).to_be_visible()
