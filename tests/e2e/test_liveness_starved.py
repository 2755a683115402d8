"""Nobody is taken for dead because the machine has no time for them (`make soak`)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.test_liveness import Standing

STARVED_SECONDS = 20.0
# Ahead of everything of ours, where that is allowed.
NICENESS = -20
BUSY = "while True: pass"


@contextmanager
def starvation() -> Iterator[None]:
    """Every core is busy with something that is more important, twice over."""
    processes = [
        subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        if os.geteuid() == 0:
            for process in processes:
                os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.soak
async def test_processes_that_get_no_time_keep_their_connections(tmp_path: Path) -> None:
    async with Standing(tmp_path / "starved") as standing:
        before = await asyncio.to_thread(standing.links)
        with starvation():
            await asyncio.sleep(STARVED_SECONDS)
        await standing.more_output()
        assert await asyncio.to_thread(standing.links) == before
