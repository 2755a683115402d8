"""Searches that run now: a few at a time, each for a moment, on threads of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

from starlette.concurrency import run_in_threadpool

from arborlink.hub.service.matching import Matcher
from arborlink.hub.service.search import Found, Position, newlines_before, search
from arborlink.outputlog import LogMissing, LogReader
from arborlink.protocol.errors import TooManyRequests
from arborlink.protocol.limits import MIB

AT_ONCE: Final = 2
WAITING: Final = 32
# Of work for one request; then it is answered with what there is, and a cursor. With the window
# that was begun it has to stay below a second.
SLICE_SECONDS: Final = 0.4
RETRY_SECONDS: Final = 1.0
# How far from the start lines are counted for a search that begins in the middle.
COUNTED_BYTES: Final = 64 * MIB


class Wish(NamedTuple):
    """The first `limit` hits that begin at `start` or after it, and before `to`."""

    matcher: Matcher
    start: Position
    to: int
    limit: int


class Answer(NamedTuple):
    """What was found in a log that ended at `end`."""

    found: Found
    end: int


class _Wanted:
    """Whether somebody waits for the answer. Changed on the loop, looked at by a thread."""

    def __init__(self) -> None:
        self.still = True

    async def until(self, gone: Callable[[], Awaitable[None]]) -> None:
        await gone()
        self.still = False


class Searches:
    """All searches of a hub."""

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._room = at_once + waiting

    async def run(self, stem: Path, wish: Wish, gone: Callable[[], Awaitable[None]]) -> Answer:
        """What is found in a log, as soon as there is a place.

        `gone` returns when nobody waits for the answer any more; it is short then.

        Raises:
            TooManyRequests: too many wait already (code `too_many_searches`).
        """
        if self._room == 0:
            raise TooManyRequests(
                "Too many searches wait for their turn.",
                code="too_many_searches",
                retry_after=RETRY_SECONDS,
            )
        self._room -= 1
        try:
            wanted = _Wanted()
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(wanted.until(gone))
                try:
                    async with self._places:
                        return await run_in_threadpool(_search, stem, wish, wanted)
                finally:
                    watching.cancel()
        finally:
            self._room += 1


def _search(stem: Path, wish: Wish, wanted: _Wanted) -> Answer:
    deadline = time.monotonic() + SLICE_SECONDS

    def stopped() -> bool:
        return not wanted.still or time.monotonic() >= deadline

    try:
        reader = LogReader(stem)
    except LogMissing:
        return Answer(Found([], Position(0, 0), complete=True, firm=0), 0)
    with reader:
        end = reader.end()
        start = Position(min(wish.start.offset, end), wish.start.newlines)
        start = _with_line(reader, start, stopped)
        found = search(
            reader, wish.matcher, start, end=end, to=wish.to, limit=wish.limit, stopped=stopped
        )
        return Answer(found, end)


def _with_line(reader: LogReader, start: Position, stopped: Callable[[], bool]) -> Position:
    if start.newlines is not None or start.offset > COUNTED_BYTES:
        return start
    return Position(start.offset, newlines_before(reader, start.offset, stopped))
