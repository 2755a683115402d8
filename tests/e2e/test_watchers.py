"""Real work watched by several at once: all copies have the same SHA-256."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing

from arborlink.client import Chunk, Gap, Hub
from tests.e2e.arbor import TOKEN, Arbor

REOPEN_BYTES = 3 << 20
# Tens of thousands of lines of both streams, in bursts; the child keeps a copy of its own.
WORK = """
work() { for round in 1 2 3 4; do ls -lR /usr/lib /usr/share 2>/dev/null; done; }
work | tee child.copy
"""


async def test_child_hub_and_every_viewer_have_the_same_bytes(arbor: Arbor) -> None:
    async with Hub(arbor.url, TOKEN) as hub:
        task = await hub.run(WORK, shell=True, stdin="empty")
        async with asyncio.TaskGroup() as group:
            steady = group.create_task(digest(arbor, task.id))
            restless = group.create_task(restless_digest(arbor, task.id))
            await anext(aiter((await hub.task(task.id)).output()))
            late = group.create_task(digest(arbor, task.id))
        ended = await task.wait()
    assert ended.status == "completed", ended
    stored = await asyncio.to_thread(arbor.run, "logs", task.id)
    child = (arbor.workspace / "child.copy").read_bytes()

    assert len(child.splitlines()) > 20_000
    expected = hashlib.sha256(child).hexdigest()
    assert hashlib.sha256(stored.stdout).hexdigest() == expected
    assert [steady.result(), restless.result(), late.result()] == [expected] * 3


async def digest(arbor: Arbor, task_id: str) -> str:
    """What one viewer sees, from the start to the end."""
    seen = hashlib.sha256()
    async with Hub(arbor.url, TOKEN) as hub:
        async for item in (await hub.task(task_id)).output():
            seen.update(_bytes(item))
    return seen.hexdigest()


async def restless_digest(arbor: Arbor, task_id: str) -> str:
    """The same by a viewer that comes back with a new connection again and again."""
    seen = hashlib.sha256()
    offset = 0
    while True:
        async with Hub(arbor.url, TOKEN) as hub:
            task = await hub.task(task_id)
            async with aclosing(task.output(offset)) as output:
                until = offset + REOPEN_BYTES
                async for piece in _below(output, until):
                    seen.update(piece)
                    offset += len(piece)
            if offset < until:
                return seen.hexdigest()


async def _below(output: AsyncIterator[Chunk | Gap], until: int) -> AsyncIterator[bytes]:
    async for item in output:
        yield _bytes(item)
        if item.end >= until:
            return


def _bytes(item: Chunk | Gap) -> bytes:
    assert isinstance(item, Chunk), item
    return item.data
