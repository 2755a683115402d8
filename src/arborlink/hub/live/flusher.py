"""Makes outputs durable in groups: one fsync round at a time, in a thread, for all that changed.

In the same thread, and therefore never at the same time, the middle of outputs that have become too
long is given back.

Small output waits a moment so that a chatty task does not cost an fsync a line; a full group, or
the end of a task, does not wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from arborlink.hub.live.durations import Durations
from arborlink.hub.live.output import TaskOutput
from arborlink.outputlog import ForgetPoint, LogFailed, SyncPoint
from arborlink.protocol.errors import ArborError

GROUP_SECONDS = 0.02
GROUP_BYTES = 256 * 1024

logger = logging.getLogger(__name__)


class Flusher:
    """Tells each output of a round, on the loop, when the round is over."""

    def __init__(self) -> None:
        self._dirty: dict[str, TaskOutput] = {}
        self._dirty_bytes = 0
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fsync")
        self.rounds = Durations()
        self._began: float | None = None

    def mark(self, output: TaskOutput, size: int) -> None:
        """`size` bytes were appended."""
        self._dirty[output.task_id] = output
        self._dirty_bytes += size
        self._wake.set()
        if self._dirty_bytes >= GROUP_BYTES:
            self._urgent.set()

    def hurry(self, output: TaskOutput) -> None:
        """Somebody waits for this output to be durable."""
        self._dirty[output.task_id] = output
        self._wake.set()
        self._urgent.set()

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        last_round = 0.0
        while True:
            await self._wake.wait()
            try:
                async with asyncio.timeout_at(last_round + GROUP_SECONDS):
                    await self._urgent.wait()
            except TimeoutError:
                pass
            last_round = loop.time()
            await self.flush()

    async def flush(self) -> None:
        """One round."""
        batch, self._dirty = self._dirty, {}
        self._dirty_bytes = 0
        self._wake.clear()
        self._urgent.clear()
        points = []
        for output in batch.values():
            try:
                point = output.begin_sync()
            except LogFailed as error:
                output.abandon_sync(error)
                continue
            if point is not None:
                points.append((output, point))
        failures = await self._sync([point for _, point in points])
        for index, (output, point) in enumerate(points):
            if index in failures:
                logger.error(
                    "cannot make %s durable: %s",
                    output.task_id,
                    failures[index],
                    extra={"task": output.task_id},
                )
                output.abandon_sync(failures[index])
                continue
            try:
                output.finish_sync(point)
            except ArborError as error:
                # One output's trouble is its own: the others, and the hub, go on.
                about = {"task": output.task_id}
                logger.exception("cannot make %s durable", output.task_id, extra=about)
                output.abandon_sync(error)

        await self._forget(list(batch.values()))

    async def _forget(self, outputs: list[TaskOutput]) -> None:
        """Keep the outputs within their limit; they are durable now."""
        points: list[tuple[TaskOutput, ForgetPoint]] = []
        for output in outputs:
            try:
                point = output.begin_forget()
            except (OSError, LogFailed) as error:
                # Nothing was changed, and nothing is in need of it: the next round tries again.
                about = {"task": output.task_id}
                logger.warning("cannot shorten %s yet: %s", output.task_id, error, extra=about)
                continue
            if point is not None:
                points.append((output, point))
        failures = await self._sync([point for _, point in points])
        for index, (output, point) in enumerate(points):
            if index in failures:
                logger.error(
                    "cannot shorten %s: %s",
                    output.task_id,
                    failures[index],
                    extra={"task": output.task_id},
                )
                output.abandon_sync(failures[index])
                continue
            try:
                output.finish_forget(point)
            except LogFailed as error:
                output.abandon_sync(error)

    async def _sync(self, points: Sequence[SyncPoint]) -> dict[int, Exception]:
        if not points:
            return {}
        self._began = time.monotonic()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, _run, points)
        finally:
            self.rounds.add(time.monotonic() - self._began)
            self._began = None

    def under_way(self) -> float | None:
        """For how many seconds the present round has been going on: of a disk that hangs, this is
        all there is to see."""
        return None if self._began is None else time.monotonic() - self._began

    def close(self) -> None:
        """Wait for the round under way."""
        self._pool.shutdown(wait=True)


def _run(points: Sequence[SyncPoint]) -> dict[int, Exception]:
    failures: dict[int, Exception] = {}
    for index, point in enumerate(points):
        try:
            point.run()
        except (OSError, LogFailed) as error:
            failures[index] = error
    return failures
