"""Daemons that were here a moment ago and are likely to be back, and who waits for them.

The hub is restarted, or a connector, or a network blinks: for about a second a workspace is
unreachable. Whoever wants to run something there just then is better served by waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Final
from weakref import WeakValueDictionary

from arborlink.hub.live.clock import now_us
from arborlink.hub.store.base import WorkspaceRow, WorkspaceStore

# A daemon that was seen so shortly before the hub started went away together with it, or may have.
TOGETHER_SECONDS: Final = 600.0
# Requests that wait for one workspace; further ones are refused at once.
MAX_WAITING: Final = 64


class Returning:
    """`grace_seconds`: for how long a daemon that has gone is expected back; 0: not at all."""

    def __init__(self, store: WorkspaceStore, grace_seconds: float) -> None:
        self._store = store
        self._grace = grace_seconds
        self._began = time.monotonic()
        self._began_at = now_us()
        # When each left this hub, the earliest first, in monotonic seconds.
        self._left: dict[str, float] = {}
        # Only those that somebody waits for.
        self._news: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._waiting: Counter[str] = Counter()

    def left(self, workspace_id: str) -> None:
        """The workspace's daemon has gone."""
        now = time.monotonic()
        self._left.pop(workspace_id, None)
        self._left[workspace_id] = now
        while (first := next(iter(self._left))) and self._left[first] + self._grace < now:
            del self._left[first]

    def arrived(self, workspace_id: str) -> None:
        """It is here."""
        self._left.pop(workspace_id, None)
        news = self._news.pop(workspace_id, None)
        if news is not None:
            news.set()

    def forget(self, workspace_id: str) -> None:
        """It was deleted: who waits looks again, and finds that there is nothing to wait for."""
        self.arrived(workspace_id)

    def give_up(self) -> None:
        """The hub is going down: nobody need wait any longer."""
        for news in list(self._news.values()):
            news.set()

    async def wait(self, workspace_id: str) -> bool:
        """Until there is news of the daemon; False: it is not expected, or not any more."""
        left = self._seconds_left(workspace_id)
        if left <= 0 or self._waiting[workspace_id] >= MAX_WAITING:
            return False
        news = self._news.setdefault(workspace_id, asyncio.Event())
        self._waiting[workspace_id] += 1
        try:
            async with asyncio.timeout(left):
                await news.wait()
        except TimeoutError:
            return False
        finally:
            self._waiting[workspace_id] -= 1
            if not self._waiting[workspace_id]:
                del self._waiting[workspace_id]
        return True

    def _seconds_left(self, workspace_id: str) -> float:
        row = self._store.workspace(workspace_id)
        if row is None or row.daemon_id is None or row.quarantined_at is not None:
            return 0.0
        since = self._left.get(workspace_id)
        if since is None:
            if not self._was_here_before_us(row):
                return 0.0
            since = self._began
        return since + self._grace - time.monotonic()

    def _was_here_before_us(self, row: WorkspaceRow) -> bool:
        if row.last_connected_at is None or row.last_connected_at > self._began_at:
            return False
        if row.last_seen_at is None or row.last_seen_at < row.last_connected_at:
            return True  # the hub before us was killed while it was connected
        return self._began_at - row.last_seen_at <= TOGETHER_SECONDS * 1_000_000
