"""Repetition of one request: for how long, and when; never sooner than the hub asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from arborlink.client.problems import why_to_wait
from arborlink.protocol.backoff import Backoff
from arborlink.protocol.errors import TooManyRequests, Unavailable


def say_nothing(seconds: float, why: str) -> None:
    """Do nothing: the default of `on_wait`."""


class Patience:
    """Delays of one request, which may be repeated for `seconds`. `on_wait`: as that of `Hub`."""

    def __init__(self, seconds: float, on_wait: Callable[[float, str], None]) -> None:
        self._backoff = Backoff(random.random)
        self._give_up_at = asyncio.get_running_loop().time() + seconds
        self._on_wait = on_wait

    async def wait(self, error: TooManyRequests | Unavailable) -> None:
        """Wait until the request that failed with `error` may be sent again.

        Raises:
            TooManyRequests, Unavailable: `error` itself; the hub asks for a longer wait.
        """
        delay = self._backoff.next_delay(error.retry_after)
        if asyncio.get_running_loop().time() + delay > self._give_up_at:
            raise error
        if error.retry_after is not None:
            self._on_wait(delay, why_to_wait(None))
        await asyncio.sleep(delay)
