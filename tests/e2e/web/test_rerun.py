"""A task is run again with its variables, or they are asked for when they are forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.arbor import TOKEN, Arbor, wait_until
from tests.e2e.web.browser import Browsers
from tests.plain_http import HTTP


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[Arbor]:
    """Hub and daemon; values of variables are forgotten as soon as their task is over."""
    with Arbor.configured(tmp_path, task_variables_seconds=0) as pair:
        yield pair


def newest(arbor: Arbor) -> dict[str, Any]:
    """The newest task."""
    listed = arbor.api("/api/tasks?limit=1")
    assert isinstance(listed, dict)
    (task,) = listed["items"]
    assert isinstance(task, dict)
    return task


def is_forgotten(arbor: Arbor, task_id: str) -> bool:
    """Whether the task cannot be run again as it was."""
    url = f"{arbor.url}/api/tasks/{task_id}/rerun"
    answer = HTTP.post(url, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code in (201, 409), answer.text
    return answer.status_code == 409


async def test_variables_that_are_forgotten_are_entered_again(
    browsers: Browsers, forgetful: Arbor
) -> None:
    words = ["-e", "TOKEN=first", "--", "sh", "-c", 'echo "has $TOKEN"']
    assert (await asyncio.to_thread(forgetful.run, "run", *words)).stdout == b"has first\n"
    task = newest(forgetful)["id"]
    await asyncio.to_thread(wait_until, lambda: is_forgotten(forgetful, task), "it to be forgotten")
    person = await browsers.owner(forgetful)
    page = await person.open(f"/tasks/{task}")
    await page.get_by_role("button", name="Run again").click()
    await expect(page.get_by_text("Enter the variables again")).to_be_visible()
    value = page.get_by_role("textbox", name="Value of TOKEN")
    await expect(value).to_have_attribute("placeholder", "enter it again")
    await expect(page.get_by_role("textbox", name="Command")).to_have_value(
        """sh -c 'echo "has $TOKEN"'"""
    )
    await value.fill("second")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_text("has second").first).to_be_visible()
    assert newest(forgetful)["env"] == ["TOKEN"]
    assert person.complaints == []
