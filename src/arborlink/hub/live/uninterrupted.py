"""Work that goes on to its end although whoever began it is cancelled meanwhile.

What follows a write to the store (telling the viewers, closing the log) must not be left out
because the connection that brought the news broke while the write was under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; a cancellation takes effect after it. `work` must not take long."""
    cancelled: asyncio.CancelledError | None = None
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_outcome(work))
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled
    value, failure = task.result()
    if failure is not None:
        raise failure
    return value  # type: ignore[return-value]


async def _outcome(work: Coroutine[Any, Any, T]) -> tuple[T | None, Exception | None]:
    # Returned rather than raised: a task group would wrap it.
    try:
        return await work, None
    except Exception as error:
        return None, error
