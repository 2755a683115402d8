"""A hub in another thread, for programs without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from arborlink.testing.hub import HubInProcess, hub_in_process


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubInProcess]:
    """A hub in a thread of its own."""
    started: list[tuple[HubInProcess, asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def serve() -> None:
        async with hub_in_process(tmp_path) as running:
            stop = asyncio.Event()
            started.append((running, asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    running, loop, stop = started[0]
    yield running
    loop.call_soon_threadsafe(stop.set)
    thread.join()
