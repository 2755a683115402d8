"""Output with who wrote each piece and when, from the hub's JSON lines: stored, or followed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from arborlink.client import Chunk, Gap, Hub, TaskHandle, Unavailable
from arborlink.client.http import HOPELESS
from arborlink.protocol.backoff import Backoff
from arborlink.protocol.resources import GapInfo, TerminalSizeChange

if TYPE_CHECKING:
    import httpx2

MAX_FAILURES: Final = 8
# An answer that broke off after so long was no failure: nothing may have come for a minute, after
# which it is asked for again.
STEADY_SECONDS: Final = 10.0

LogItem: TypeAlias = Chunk | Gap | TerminalSizeChange

T = TypeVar("T", bytes, Chunk | Gap)
# Given how many bytes there were before: the rest.
Download: TypeAlias = Callable[[int], AsyncGenerator[T, None]]


class _Line(msgspec.Struct, rename="camel"):
    """A line of `format=jsonl`."""

    offset: int = 0
    is_error: bool = False
    time: int = 0
    text: str | None = None
    base64: bytes | None = None
    gap: GapInfo | None = None
    size: TerminalSizeChange | None = None


async def stored_items(
    hub: Hub, task_id: str, start: int, end: int, stream: str | None = None
) -> AsyncGenerator[Chunk | Gap, None]:
    """Yield the stored output `[start, end)` as it was written, of one stream or both; over
    connections that break.

    Raises:
        ArborError: the hub's answer, or `Unavailable`.
    """
    rest = partial(_items, hub, task_id, stream, start, end)
    async with aclosing(repeated(rest, lambda item, done: item.end - start)) as items:
        async for item in items:
            yield item


async def followed_items(
    hub: Hub, task: TaskHandle, start: int, stream: str | None
) -> AsyncGenerator[LogItem, None]:
    """Yield the output from `start` on as it was written, of one stream or both, until the task is
    over, with the sizes of its terminal; over connections that break and hubs that restart.

    The first size is that in front of `start`. A size may come twice.

    Raises:
        ArborError: the hub's answer.
    """
    backoff = Backoff(random.random)
    loop = asyncio.get_running_loop()
    position = start
    while True:
        began, wait = loop.time(), None
        answer = hub.formatted_output(task.id, "jsonl", stream, position, follow=True, sizes=True)
        try:
            async with aclosing(_decoded_lines(answer)) as items:
                async for item in items:
                    if not isinstance(item, TerminalSizeChange):
                        position = item.end
                        backoff.succeeded()
                    yield item
            await task.refresh()
            # A hub that does not know `follow` answers with what it has.
            if task.over:
                return
        except Unavailable as error:
            if error.code in HOPELESS:
                raise
            wait = error.retry_after
        if loop.time() - began >= STEADY_SECONDS:
            backoff.succeeded()
        await asyncio.sleep(backoff.next_delay(wait))


async def _items(
    hub: Hub, task_id: str, stream: str | None, start: int, end: int, done: int
) -> AsyncGenerator[Chunk | Gap, None]:
    answer = hub.formatted_output(task_id, "jsonl", stream, start + done, end)
    async with aclosing(_decoded_lines(answer)) as items:
        async for item in items:
            if not isinstance(item, TerminalSizeChange):
                yield item


async def _decoded_lines(
    answer: AbstractAsyncContextManager[httpx2.Response],
) -> AsyncGenerator[LogItem, None]:
    buffer = bytearray()
    async with answer as response, aclosing(response.aiter_raw()) as pieces:
        async for data in pieces:
            buffer += data
            *lines, rest = buffer.split(b"\n")
            for line in lines:
                yield decoded(line)
            buffer = bytearray(rest)


def decoded(line: bytes | bytearray) -> LogItem:
    """Return what a line of `format=jsonl` stands for."""
    item = msgspec.json.decode(line, type=_Line)
    if item.size is not None:
        return item.size
    if item.gap is not None:
        return Gap(item.gap.start, item.gap.end, item.gap.reason)
    data = item.text.encode() if item.text is not None else item.base64 or b""
    return Chunk(item.offset, item.is_error, item.time, data)


async def repeated(rest: Download[T], advance: Callable[[T, int], int]) -> AsyncGenerator[T, None]:
    """Go on with a download where it broke off. `advance(item, done)`: how much there was then.

    Raises:
        Unavailable: it broke off MAX_FAILURES times without anything in between.
    """
    backoff = Backoff(random.random)
    done = 0
    while True:
        try:
            async with aclosing(rest(done)) as items:
                async for item in items:
                    done = advance(item, done)
                    backoff.succeeded()
                    yield item
            return
        except Unavailable as error:
            if backoff.failures >= MAX_FAILURES:
                raise
            await asyncio.sleep(backoff.next_delay(error.retry_after))
