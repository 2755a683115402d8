"""How `arbor logs` gets its bytes: stored ones by HTTP, others over the live connection."""

from __future__ import annotations

import asyncio
import codecs
import random
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import Final, TypeAlias

from arborlink import visible
from arborlink.cli.console import complain, erase_status, show_status, size_text
from arborlink.cli.live import STDOUT, WINDOW_BYTES, gap_text
from arborlink.cli.writer import Writer
from arborlink.client import Chunk, Gap, Hub, InvalidInput, TaskHandle, Unavailable
from arborlink.protocol.backoff import Backoff
from arborlink.protocol.formats import FORMATS
from arborlink.protocol.resources import Task

PROGRESS_SECONDS: Final = 0.5
MAX_FAILURES: Final = 8
OUT_OF_RANGE: Final = 416

Download: TypeAlias = Callable[[int], AsyncGenerator[bytes, None]]


class Logs:
    """One task's output on standard output."""

    def __init__(self, hub: Hub, task: TaskHandle, stream: str | None, form: str) -> None:
        self._hub = hub
        self._task = task
        self._stream = stream
        self._form = form
        self._writer = Writer()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def is_formatted(self) -> bool:
        """Whether anything but the bytes as they are is wanted."""
        return self._stream is not None or self._form != "raw"

    async def live(self, start: int) -> None:
        """From `start` to the end of the task.

        Raises:
            InvalidInput: `start` is beyond the end.
            OSError: standard output takes no more.
        """
        form = FORMATS[self._form](self._task.info) if self._form in FORMATS else None
        if form is not None:
            await self._write(form.begin(self._task.info.tty))
        async with aclosing(self._task.output(start, window=WINDOW_BYTES)) as items:
            async for item in items:
                if isinstance(item, Gap):
                    if form is not None:
                        await self._write(form.gap(item.start, item.end, item.reason))
                    else:
                        await self._writer.flush()
                        complain(gap_text(item))
                elif self._is_wanted(item):
                    await self._write(
                        item.data
                        if form is None
                        else form.chunk(item.offset, item.is_error, item.time, item.data)
                    )
        if form is not None:
            await self._write(form.finish())
        await self._writer.flush()

    def _is_wanted(self, chunk: Chunk) -> bool:
        return self._stream is None or chunk.is_error == (self._stream == "stderr")

    async def stored(self, start: int) -> None:
        """The bytes that are stored now, from `start`.

        Raises:
            InvalidInput: `start` is beyond the end.
            OSError: standard output takes no more.
        """
        task, begin = await self._now(start)
        progress = Progress(task.output_size - begin)
        for part in _spans(task, begin):
            if isinstance(part, Gap):
                await self._writer.flush()
                complain(gap_text(part))
            else:
                await self._copy(partial(self._span, *part), progress)
        await self._finish(progress)

    async def formatted(self, start: int) -> None:
        """What is stored now, from `start`, in the hub's own words.

        Raises:
            InvalidInput: `start` is beyond the end.
            OSError: standard output takes no more.
        """
        task, begin = await self._now(start)
        if self._form == "raw":
            for part in _spans(task, begin):
                if isinstance(part, Gap):
                    complain(gap_text(part))
        progress = Progress(None)
        await self._copy(partial(self._formatted, begin, task.output_size), progress)
        await self._finish(progress)

    async def _now(self, start: int) -> tuple[Task, int]:
        """The task, and where in its output `start` is."""
        task = await self._task.refresh()
        size = task.output_size
        if start > size:
            raise InvalidInput(f"the output has {size} bytes, so there is none at {start}")
        return task, start if start >= 0 else max(0, size + start)

    async def _write(self, data: bytes) -> None:
        # Only the bytes as they are may act on a terminal; JSON is for programs.
        if self._form != "raw" and sys.stdout.isatty():
            shown = visible.lines if self._form == "text" else visible.json_text
            data = shown(self._decoder.decode(data)).encode()
        if data:
            await self._writer.write(STDOUT, data)

    async def _copy(self, rest: Download, progress: Progress) -> None:
        async with aclosing(_repeated(rest)) as pieces:
            async for data in pieces:
                await self._write(data)
                progress.advance(len(data))

    async def _finish(self, progress: Progress) -> None:
        await self._writer.flush()
        progress.finish()

    async def _span(self, start: int, end: int, done: int) -> AsyncGenerator[bytes, None]:
        async with self._hub.stored_output(self._task.id, start + done, end) as response:
            if response.status_code == OUT_OF_RANGE:
                raise Unavailable("the hub has less of the output than it said")
            async with aclosing(response.aiter_raw()) as pieces:
                async for data in pieces:
                    yield data

    async def _formatted(self, start: int, end: int, done: int) -> AsyncGenerator[bytes, None]:
        # The same request gives the same bytes: what was had is passed over.
        answer = self._hub.formatted_output(self._task.id, self._form, self._stream, start, end)
        async with answer as response, aclosing(response.aiter_raw()) as pieces:
            skip = done
            async for data in pieces:
                if skip < len(data):
                    yield data[skip:]
                skip = max(0, skip - len(data))


async def _repeated(rest: Download) -> AsyncGenerator[bytes, None]:
    """A download that goes on where it broke off: `rest` is told how many bytes there were.

    Raises:
        Unavailable: it broke off MAX_FAILURES times without a byte in between.
    """
    backoff = Backoff(random.random)
    done = 0
    while True:
        try:
            async with aclosing(rest(done)) as pieces:
                async for data in pieces:
                    done += len(data)
                    backoff.succeeded()
                    yield data
            return
        except Unavailable as error:
            if backoff.failures >= MAX_FAILURES:
                raise
            await asyncio.sleep(backoff.next_delay(error.retry_after))


class Progress:
    """A line on stderr for a person whose output goes elsewhere."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._done = 0
        self._began = self._shown = time.monotonic()
        self._wanted = sys.stderr.isatty() and not sys.stdout.isatty()
        self._is_there = False

    def advance(self, count: int) -> None:
        """So many bytes more are written."""
        self._done += count
        now = time.monotonic()
        if not self._wanted or now - self._shown < PROGRESS_SECONDS:
            return
        self._shown = now
        self._is_there = True
        speed = size_text(self._done / (now - self._began))
        of = "" if self._total is None else f" of {size_text(self._total)}"
        show_status(f"{size_text(self._done)}{of}, {speed}/s")

    def finish(self) -> None:
        """Take the line away."""
        if self._is_there:
            erase_status()


def _spans(task: Task, start: int) -> list[Gap | tuple[int, int]]:
    """What of `[start, size)` is stored, and the gaps between."""
    spans: list[Gap | tuple[int, int]] = []
    offset = start
    for gap in sorted(task.gaps, key=lambda each: each.start):
        if gap.end <= offset:
            continue
        if gap.start > offset:
            spans.append((offset, gap.start))
        spans.append(Gap(max(offset, gap.start), gap.end, gap.reason))
        offset = gap.end
    if offset < task.output_size:
        spans.append((offset, task.output_size))
    return spans
