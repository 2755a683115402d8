"""Watchers of one task's cells, and a storm of faults paced by how far the output has come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from arborlink.client import Chunk, Gap, Hub
from arborlink.testing.cell_reader import CellReader
from tests.e2e.arbor import TOKEN

PACE_SECONDS = 0.02
REOPEN_SECONDS = 1.0


class Watcher:
    """Follows a task and judges every byte."""

    def __init__(self, key: str) -> None:
        self.reader = CellReader(key)
        self.gaps: list[Gap] = []
        self.reopened = 0
        self.final_status = ""

    @property
    def offset(self) -> int:
        """How far it has come."""
        return self.reader.end

    async def follow(self, url: str, task_id: str) -> None:
        """From where it is to the end of the task."""
        async with Hub(url, TOKEN) as hub:
            task = await hub.task(task_id)
            async for item in task.output(self.offset, window=4 << 20):
                self._take(item)
            self.final_status = (await task.wait()).status.value

    async def follow_in_pieces(self, url: str, task_id: str) -> None:
        """The same, but a new client every second."""
        while not self.final_status:
            async with Hub(url, TOKEN) as hub:
                task = await hub.task(task_id)
                until = time.monotonic() + REOPEN_SECONDS
                async for item in task.output(self.offset):
                    self._take(item)
                    if time.monotonic() > until:
                        self.reopened += 1
                        break
                else:
                    self.final_status = (await task.wait()).status.value

    def _take(self, item: Chunk | Gap) -> None:
        if isinstance(item, Gap):
            self.gaps.append(item)
            self.reader.skip(item.start, item.end)
        else:
            self.reader.feed(item.data, item.offset)


async def storm(
    progress: Callable[[], int], total: int, faults: Sequence[Callable[[], object]]
) -> None:
    """One fault after another, spread evenly over the first nine tenths of the output."""
    for number, fault in enumerate(faults):
        wanted = total * 9 // 10 * number // len(faults)
        while progress() < wanted:
            await asyncio.sleep(PACE_SECONDS)
        result = fault()
        if asyncio.iscoroutine(result):
            await result
