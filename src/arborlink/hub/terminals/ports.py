"""What viewers' connections need of the process that keeps screens."""

from __future__ import annotations

from typing import Protocol

from arborlink.hub.store.base import TaskRow
from arborlink.protocol.messages import Screen
from arborlink.protocol.size_history import SizeHistory


class ScreenSource(Protocol):
    """Makes snapshots of terminals."""

    async def snapshot(self, row: TaskRow, history: SizeHistory) -> Screen | None:
        """Return what the task's terminal shows now; None where no snapshot can be had in time."""
        ...
