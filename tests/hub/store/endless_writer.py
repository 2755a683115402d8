"""Writes tasks for ever, and says each id once it is durable. Its parent kills it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from arborlink.hub.store.sqlite import SqliteStore

from . import rows


async def main(path: Path) -> None:
    """Four writers, so that groups are in flight when the end comes."""
    store = await SqliteStore.open(path, lambda: "hub_1")
    await store.ensure_owner(rows.OWNER)
    await store.add_workspace(rows.workspace(1))

    async def write(first: int) -> None:
        n = first
        while True:
            row = await store.add_task(rows.task(n))
            print(row.id, flush=True)
            n += 4

    async with asyncio.TaskGroup() as group:
        for first in range(4):
            group.create_task(write(first))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
