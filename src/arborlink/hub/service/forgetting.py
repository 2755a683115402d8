"""Forgets secrets: values of variables a while after their task's end, and what a log still has.

The store overwrites what it deletes. Before that, the values went through its write-ahead log, so
that is made empty every now and then, whatever was written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from arborlink.hub.live.clock import now_us
from arborlink.hub.store.base_retention import RetentionStore
from arborlink.protocol.errors import ArborError

ROUND_SECONDS: Final = 10.0
# Forgotten in one transaction.
BATCH_TASKS: Final = 256
# The log cannot be made empty while anything reads an older state. Writes wait meanwhile, so that
# this waits for a moment only; when that was in vain as often, for longer than a read may take.
WAIT_SECONDS: Final = 0.05
MAX_ATTEMPTS: Final = 6
LONG_WAIT_SECONDS: Final = 3.0
MICROSECONDS: Final = 1_000_000

logger = logging.getLogger(__name__)


class Forgetting:
    """Keeps values of variables for `keep_seconds` after the end of their task."""

    def __init__(
        self,
        store: RetentionStore,
        keep_seconds: float,
        *,
        unix_us: Callable[[], int] = now_us,
    ) -> None:
        self._store = store
        self._keep_seconds = keep_seconds
        self._unix_us = unix_us
        self._attempts = 0

    async def run_for_ever(self) -> None:
        """Round after round, until cancelled."""
        while True:
            try:
                await self.round()
            except ArborError as error:
                logger.error("values of variables could not be forgotten: %s", error)
            await asyncio.sleep(ROUND_SECONDS)

    async def round(self) -> None:
        """Forget what has to be forgotten now.

        Raises:
            Unavailable: the database cannot be written.
        """
        now = self._unix_us()
        before = now - round(self._keep_seconds * MICROSECONDS)
        while await self._store.forget_variables(before, BATCH_TASKS) == BATCH_TASKS:
            pass
        await self._store.forget_keys(now)
        self._attempts += 1
        wait = WAIT_SECONDS if self._attempts < MAX_ATTEMPTS else LONG_WAIT_SECONDS
        if await self._store.empty_log(wait) or self._attempts >= MAX_ATTEMPTS:
            self._attempts = 0
