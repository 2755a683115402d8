"""Which part of a stored output is wanted: from a time on, up to a time, its last lines."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from arborlink.cli.log_items import stored_items
from arborlink.client import Chunk, Hub, InvalidInput, Task, TaskHandle
from arborlink.protocol.limits import KIB, MIB

# How much is read at a time to count lines backwards: the first step, and the largest.
FIRST_STEP_BYTES: Final = 64 * KIB
MAX_STEP_BYTES: Final = 4 * MIB
# The hub thins to 2,000 segments: so often refined, one of them stands for a single write.
MAX_REFINEMENTS: Final = 16
MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True)
class Wanted:
    """What a person asked for; `start` may be negative: so many bytes before the end."""

    start: int = 0
    since: datetime | None = None
    until: datetime | None = None
    tail: int | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Wanted()


class LogRange:
    """Finds offsets in what is stored of `task` by now, of one stream or both (None)."""

    def __init__(self, hub: Hub, task: TaskHandle, stream: str | None) -> None:
        self._hub = hub
        self._task = task
        self._stream = stream

    async def find(self, wanted: Wanted) -> tuple[int, int]:
        """Return `[start, end)`.

        Raises:
            InvalidInput: `wanted.start` is beyond the end.
            ArborError: the hub's answer, or `Unavailable`.
        """
        size = self._task.info.output_size
        if wanted.start > size:
            raise InvalidInput(f"the output has {size} bytes, so there is none at {wanted.start}")
        start = wanted.start if wanted.start >= 0 else max(0, size + wanted.start)
        end = size
        if wanted.until is not None:
            # What was written in the last microsecond before it is wanted, too.
            end = await self._offset_at(self.task_time(wanted.until) + 1)
        if wanted.since is not None:
            start = max(start, await self._offset_at(self.task_time(wanted.since)))
        start = min(start, end)
        if wanted.tail is not None:
            start = await self._last_lines(wanted.tail, start, end)
        return start, end

    def task_time(self, moment: datetime) -> int:
        """Return a moment in µs since the task's start."""
        return round((moment.timestamp() - started_at(self._task.info)) * MICROSECONDS)

    async def _offset_at(self, time: int) -> int:
        """Return where the first byte is that was written at `time` or later."""
        start, end = 0, self._task.info.output_size
        for _ in range(MAX_REFINEMENTS):
            # Of a gap no time is known: it belongs to what is before it.
            found = await self._task.segments(start, end)
            earlier = [each for each in found if each.time < time]
            if not earlier:
                return start
            last = earlier[-1]
            later = [each.offset for each in found if each.offset > last.offset]
            following = later[0] if later else end
            if (last.offset, following) == (start, end):
                return end
            start, end = last.offset, following
        return start

    async def _last_lines(self, count: int, start: int, end: int) -> int:
        """Return where the last `count` lines of `[start, end)` begin."""
        if count == 0:
            return end
        lines = LastLines(count)
        step = FIRST_STEP_BYTES
        while end > start:
            begin = max(start, end - step)
            items = stored_items(self._hub, self._task.id, begin, end, self._stream)
            async with aclosing(items) as stored:
                chunks = [item async for item in stored if isinstance(item, Chunk)]
            found = lines.before(chunks)
            if found is not None:
                return found
            end, step = begin, min(2 * step, MAX_STEP_BYTES)
        return start


def started_at(task: Task) -> float:
    """Return when the times of the output began, in seconds since 1970."""
    return datetime.fromisoformat(task.started_at or task.created_at).timestamp()


class LastLines:
    """Counts lines backwards. Pure. The end of the last line does not begin another one."""

    def __init__(self, count: int) -> None:
        self._left = count + 1
        self._at_end = True

    def before(self, chunks: list[Chunk]) -> int | None:
        """Add what is before all that was added; return where the lines begin, once it is known."""
        for chunk in reversed(chunks):
            if self._at_end and chunk.data:
                self._at_end = False
                if not chunk.data.endswith(b"\n"):
                    self._left -= 1
            at = len(chunk.data)
            while (at := chunk.data.rfind(b"\n", 0, at)) >= 0:
                self._left -= 1
                if self._left == 0:
                    return chunk.offset + at + 1
        return None
