"""How long a page's main thread is kept from anything else, in processor time.

The wall time of a frame says as much about the machine as about the page: a browser that has to
wait for a core has long frames whatever it draws. Chromium's trace has the processor time of every
task of a thread (`tdur`, in microseconds), which other programs do not lengthen.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import Page

TASK: Final = "ThreadControllerImpl::RunTask"
MAIN_THREAD: Final = "CrRendererMain"


@dataclass
class Longest:
    """The longest task of any page's main thread, in milliseconds, once it is known.

    `processor` is its processor time. `elapsed`, for reports alone, is the longest wall time.
    """

    processor: float = 0.0
    elapsed: float = 0.0


@asynccontextmanager
async def longest_task(page: Page) -> AsyncIterator[Longest]:
    """Measure what the main thread does inside. There is one trace of a browser at a time."""
    browser = page.context.browser
    assert browser is not None
    longest = Longest()
    await browser.start_tracing(page=page, categories=["toplevel"])
    try:
        yield longest
    finally:
        events = json.loads(await browser.stop_tracing())["traceEvents"]
    tasks = _tasks_of_main_threads(events)
    assert tasks, "the trace has no tasks"
    longest.processor = max(task["tdur"] for task in tasks) / 1_000
    longest.elapsed = max(task["dur"] for task in tasks) / 1_000


def _tasks_of_main_threads(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == MAIN_THREAD
    }
    return [
        event
        for event in events
        if event["name"] == TASK and "tdur" in event and (event["pid"], event["tid"]) in threads
    ]
