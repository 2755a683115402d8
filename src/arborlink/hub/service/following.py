"""A task's output as one HTTP answer that goes on until the task is over.

The answer is a cursor into the log, as a viewer's subscription is: it reads the next piece when the
one before was taken, so a follower that is slow falls behind and costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from arborlink.hub.bus.base import Bus, Fact
from arborlink.hub.live.output import TaskOutput
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.live.stored import damaged, open_stored
from arborlink.hub.service.formats import Pieces
from arborlink.hub.store.base import TaskRow
from arborlink.outputlog import LogError, LogReader
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.messages import TaskStatusChanged
from arborlink.protocol.size_history import SizeHistory


@dataclass(frozen=True, slots=True)
class Following:
    """What an answer follows: `[start, end)` of the output of `task_id`, as `pieces` reads it.

    `row` gives the task as it is stored now, and `sizes` those of its terminal.
    """

    task_id: str
    start: int
    end: int
    pieces: Pieces
    row: Callable[[], TaskRow]
    sizes: Callable[[], SizeHistory]


class _Watch:
    """Whether there is more of one task. Called on the loop, by its output and by the bus."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id
        self._changed = asyncio.Event()
        self.is_over = False

    def on_output(self) -> None:
        self._changed.set()

    def on_fact(self, _workspace_id: str, fact: Fact) -> None:
        if isinstance(fact, TaskStatusChanged) and fact.task_id == self._task_id:
            self.is_over = self.is_over or is_final(fact.status)
            self._changed.set()

    def begin_round(self) -> None:
        """What changes from now on ends the next wait."""
        self._changed.clear()

    async def until_changed(self) -> None:
        await self._changed.wait()


async def follow(outputs: Outputs, bus: Bus, following: Following) -> AsyncGenerator[bytes, None]:
    """Yield the output in pieces of some 256 KiB at most, then whatever comes, until it is over.

    Raises:
        OutputDamaged: what is stored cannot be read.
        NotFound, NotAllowed: as `following.row`.
    """
    watch = _Watch(following.task_id)
    stop_listening = bus.listen(watch.on_fact)
    try:
        # After it is listened: an end that comes in between is heard.
        row = following.row()
        watch.is_over = is_final(row.status)
        try:
            output = outputs.watch(row.id, watch.on_output)
        except (LogError, OSError) as error:
            raise damaged(row, error) from error
        try:
            async for piece in _pieces(outputs.stem(row.id), output, watch, following):
                if piece:
                    yield piece
        finally:
            outputs.unwatch(row.id, watch.on_output)
    finally:
        stop_listening()


async def _pieces(
    stem: Path, output: TaskOutput, watch: _Watch, following: Following
) -> AsyncGenerator[bytes, None]:
    pieces, offset = following.pieces, following.start
    pieces.sizes = following.sizes()
    yield pieces.begin(offset)
    reader: LogReader | None = None
    try:
        while offset < following.end:
            watch.begin_round()
            is_over, end = watch.is_over, min(output.end, following.end)
            if offset >= end:
                if is_over:
                    break
                await watch.until_changed()
                continue
            if reader is None:
                reader = await run_in_threadpool(open_stored, stem, following.row())
            if reader is not None:
                pieces.sizes = following.sizes()
                data, offset = await run_in_threadpool(pieces.read, reader, offset, end)
                yield data
    finally:
        if reader is not None:
            reader.close()
    if offset > output.end:
        raise damaged(following.row(), f"it ends at {output.end}, before {offset}")
    pieces.sizes = following.sizes()
    yield pieces.finish(offset)
