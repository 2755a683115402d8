"""How `arbor logs` gets its bytes: stored ones by HTTP, others over the live connection."""

from __future__ import annotations

import asyncio
import codecs
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Final

from arborlink import visible
from arborlink.cli.console import complain
from arborlink.cli.live import STDOUT, WINDOW_BYTES, gap_text
from arborlink.cli.log_items import Download, followed_items, repeated, stored_items
from arborlink.cli.log_range import LogRange, Wanted, started_at
from arborlink.cli.notices import watch_machine
from arborlink.cli.progress import Progress, output_progress
from arborlink.cli.timestamps import Timestamps
from arborlink.cli.writer import Writer
from arborlink.client import Chunk, Gap, Hub, TaskHandle, Unavailable
from arborlink.protocol.formats import FORMATS, Format
from arborlink.protocol.resources import Task, TerminalSize, TerminalSizeChange
from arborlink.protocol.size_history import position

# A line without its end, such as a question, is shown when nothing came for so long.
QUIET_SECONDS: Final = 0.2
OUT_OF_RANGE: Final = 416


class Logs:
    """One task's output on standard output. `stamps`: with a time before each line."""

    def __init__(
        self,
        hub: Hub,
        task: TaskHandle,
        stream: str | None,
        form: str,
        stamps: Timestamps | None = None,
    ) -> None:
        self._hub = hub
        self._task = task
        self._stream = stream
        self._form = form
        self._stamps = stamps
        self._writer = Writer()
        self._range = LogRange(hub, task, stream)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stamped = asyncio.Event()

    async def show(self, wanted: Wanted) -> None:
        """Write what is stored now.

        Raises:
            InvalidInput: its start is beyond the end.
            OSError: standard output takes no more.
        """
        await self._task.refresh()
        start, end = await self._range.find(wanted)
        # Stored output keeps who wrote what when; live output is joined into larger pieces.
        if self._stamps is not None:
            await self._show_stamped(start, end)
            await self._write(self._stamps.flush())
            await self._writer.flush()
        elif self._stream is not None or self._form != "raw":
            await self._show_formatted(start, end)
        else:
            await self._show_bytes(start, end)

    async def follow(self, wanted: Wanted) -> None:
        """Write what is stored, then what comes, until the task is over or `wanted.until` is.

        Raises:
            InvalidInput: its start is beyond the end.
            OSError: standard output takes no more.
        """
        start = wanted.start
        is_raw = self._form == "raw"
        if self._stamps is not None or not is_raw or wanted != Wanted(start, until=wanted.until):
            await self._task.refresh()
            start, end = await self._range.find(wanted)
            if self._stamps is not None:
                await self._show_stamped(start, end)
                start = end
        until = None if wanted.until is None else wanted.until.timestamp()
        left = None if until is None else max(0.0, until - time.time())
        form = None if is_raw else FORMATS[self._form](self._task.info)
        try:
            async with asyncio.timeout(left), asyncio.TaskGroup() as group:
                source = (
                    self._follow(start, until)
                    if form is None
                    else self._follow_formatted(start, until, form)
                )
                following = group.create_task(source)
                helpers = [
                    group.create_task(self._flush_when_quiet()),
                    group.create_task(watch_machine(self._task)),
                ]
                await asyncio.wait([following])
                for helper in helpers:
                    helper.cancel()
        except TimeoutError:
            pass
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        if form is not None:
            await self._write(form.finish())
        if self._stamps is not None:
            await self._write(self._stamps.flush())
        await self._writer.flush()

    async def _follow(self, start: int, until: float | None) -> None:
        async with aclosing(self._task.output(start, window=WINDOW_BYTES)) as items:
            async for item in items:
                if isinstance(item, Gap):
                    await self._say_gap(item)
                elif self._is_after(item, until):
                    return
                elif self._is_wanted(item):
                    await self._write(self._encoded(item))

    async def _follow_formatted(self, start: int, until: float | None, form: Format) -> None:
        """Write what the hub would write of the whole: piece by piece as it was written, where live
        output joins pieces to larger ones."""
        tty = self._task.info.tty
        await self._write(form.begin(None if tty is None else _size_at_start(tty)))
        known: tuple[int, int] | None = None
        followed = followed_items(self._hub, self._task, start, self._stream)
        async with aclosing(followed) as items:
            async for item in items:
                if isinstance(item, Gap):
                    await self._write(form.gap(item.start, item.end, item.reason))
                elif isinstance(item, Chunk):
                    if until is not None and self._task.info.started_at is None:
                        await self._task.refresh()
                    if self._is_after(item, until):
                        return
                    written = form.chunk(item.offset, item.is_error, item.time, item.data)
                    await self._write(written)
                elif known is None or known < position(item):
                    known = position(item)
                    await self._write(form.resize(item))

    async def _say_gap(self, gap: Gap) -> None:
        await self._writer.flush()
        complain(gap_text(gap))

    def _encoded(self, chunk: Chunk) -> bytes:
        if self._stamps is None:
            return chunk.data
        self._stamped.set()
        self._stamps.started_at = started_at(self._task.info)
        return self._stamps.feed(chunk)

    async def _flush_when_quiet(self) -> None:
        while True:
            await self._stamped.wait()
            self._stamped.clear()
            await asyncio.sleep(QUIET_SECONDS)
            if self._stamps is not None and not self._stamped.is_set():
                await self._write(self._stamps.flush())

    def _is_after(self, chunk: Chunk, until: float | None) -> bool:
        return until is not None and started_at(self._task.info) + chunk.time / 1_000_000 > until

    def _is_wanted(self, chunk: Chunk) -> bool:
        return self._stream is None or chunk.is_error == (self._stream == "stderr")

    async def _show_stamped(self, start: int, end: int) -> None:
        items = stored_items(self._hub, self._task.id, start, end, self._stream)
        async with aclosing(items) as stored:
            async for item in stored:
                if isinstance(item, Gap):
                    await self._say_gap(item)
                else:
                    await self._write(self._encoded(item))

    async def _show_bytes(self, start: int, end: int) -> None:
        progress = output_progress(end - start)
        for part in _spans(self._task.info, start, end):
            if isinstance(part, Gap):
                await self._say_gap(part)
            else:
                await self._copy(partial(self._span, *part), progress)
        await self._finish(progress)

    async def _show_formatted(self, start: int, end: int) -> None:
        if self._form == "raw":
            for part in _spans(self._task.info, start, end):
                if isinstance(part, Gap):
                    complain(gap_text(part))
        progress = output_progress(None)
        await self._copy(partial(self._formatted, start, end), progress)
        await self._finish(progress)

    async def _write(self, data: bytes) -> None:
        # Only the bytes as they are may act on a terminal; JSON is for programs.
        if self._form != "raw" and sys.stdout.isatty():
            shown = visible.lines if self._form == "text" else visible.json_text
            data = shown(self._decoder.decode(data)).encode()
        if data:
            await self._writer.write(STDOUT, data)

    async def _copy(self, rest: Download[bytes], progress: Progress) -> None:
        async with aclosing(repeated(rest, lambda data, done: done + len(data))) as pieces:
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


def _size_at_start(tty: TerminalSize) -> TerminalSizeChange:
    return TerminalSizeChange(cols=tty.cols, rows=tty.rows, offset=0, time=0)


def _spans(task: Task, start: int, end: int) -> list[Gap | tuple[int, int]]:
    """What of `[start, end)` is stored, and the gaps between."""
    spans: list[Gap | tuple[int, int]] = []
    offset = start
    for gap in sorted(task.gaps, key=lambda each: each.start):
        if gap.end <= offset or gap.start >= end:
            continue
        if gap.start > offset:
            spans.append((offset, gap.start))
        spans.append(Gap(max(offset, gap.start), min(gap.end, end), gap.reason))
        offset = gap.end
    if offset < end:
        spans.append((offset, end))
    return spans
