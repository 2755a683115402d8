"""Tasks for a page to show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from playwright.async_api import Page, expect

from tests.e2e.arbor import TOKEN, Arbor
from tests.plain_http import HTTP

FINAL: Final = ("completed", "failed", "cancelled", "lost", "expired")


def start(arbor: Arbor, *argv: str, **more: Any) -> str:
    """A task by the API; its id. `more`: what else the body of the request says."""
    command, *args = argv
    answer = HTTP.post(
        f"{arbor.url}/api/workspaces/{arbor.workspace_id}/tasks",
        headers={"Authorization": f"Bearer {TOKEN}"},
        json={"command": command, "args": args, **more},
    )
    return str(answer.raise_for_status().json()["id"])


def start_shell(arbor: Arbor, *, cols: int = 80, rows: int = 24) -> str:
    """A terminal with a shell whose prompt is `ready>`; its id."""
    shell: Sequence[str] = ("env", "PS1=ready> ", "bash", "--norc", "--noprofile", "-i")
    return start(arbor, *shell, tty={"cols": cols, "rows": rows}, title="shell")


def finished(arbor: Arbor, *argv: str, **more: Any) -> str:
    """A task that has run to its end; its id."""
    task = start(arbor, *argv, **more)
    arbor.run("logs", "-f", task)
    return task


def is_over(arbor: Arbor, task: str) -> bool:
    """Whether the task has ended, however it did."""
    answer = arbor.api(f"/api/tasks/{task}")
    assert isinstance(answer, dict)
    return answer["status"] in FINAL


async def run_from_bar(page: Page, line: str) -> str:
    """Type it into the command bar; the id of the task whose page one is taken to."""
    bar = page.get_by_role("textbox", name="Command")
    await bar.fill(line)
    await bar.press("Enter")
    await expect(page).to_have_url(re.compile("/tasks/tsk_"))
    return page.url.rpartition("/")[2]
