"""What is needed of the process that keeps screens."""

from __future__ import annotations

from typing import Protocol

from arborlink.hub.store.base import TaskRow
from arborlink.protocol.messages import Screen
from arborlink.protocol.resources import TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory


class ScreenSource(Protocol):
    """Makes snapshots of terminals."""

    async def snapshot(self, row: TaskRow, history: SizeHistory, holder: str) -> Screen | None:
        """Return what the task's terminal shows now; None where no snapshot can be had in time.

        `holder`: whose request it is.
        """
        ...


class ScreenKeeper(Protocol):
    """Keeps models of terminals up to date."""

    def follow(self, row: TaskRow, history: SizeHistory) -> None:
        """A terminal runs."""

    def resized(self, task_id: str, change: TerminalSizeChange) -> None:
        """A terminal has another size, and output that is written at it is not stored yet."""

    def forget(self, task_id: str) -> None:
        """A task is gone."""

    def forget_workspace(self, workspace_id: str) -> None:
        """A workspace is gone."""
