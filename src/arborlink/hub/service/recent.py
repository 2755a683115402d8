"""Results that are old enough to be shared: what a request costs does not grow with requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The result of `measure`, taken anew when it is asked for and older than `max_age` seconds.

    Requests that ask at the same time wait for one measurement. `monotonic` is in seconds.
    """

    def __init__(
        self,
        measure: Callable[[], Awaitable[T]],
        max_age: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._measure = measure
        self._max_age = max_age
        self._monotonic = monotonic
        self._newest: tuple[float, T] | None = None
        self._measuring = asyncio.Lock()

    async def get(self) -> T:
        """Return a result that is at most `max_age` old, or just taken."""
        async with self._measuring:
            if self._newest is not None:
                taken_at, result = self._newest
                if self._monotonic() - taken_at <= self._max_age:
                    return result
            # Dated by its beginning: what happens meanwhile may not be in it.
            begun = self._monotonic()
            result = await self._measure()
            self._newest = (begun, result)
            return result
