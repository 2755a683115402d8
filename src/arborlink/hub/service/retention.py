"""Removes tasks that were kept long enough, or for which there is no room, with their output.

The first to have ended go first; what is not over never goes. The row goes before the files, so a
crash in between leaves files without a task, never a task whose output is silently gone. Files
without a task (of a deleted workspace, too) are found by name and removed later.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from arborlink.hub.live.clock import now_us
from arborlink.hub.live.facts import Facts
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.service.process import BLOCK_BYTES, MIN_SCAN_SECONDS, SCAN_TIME_FACTOR
from arborlink.hub.store.base import FinishedTask, TaskStore
from arborlink.outputlog import OutputLog
from arborlink.outputlog.files import data_path, index_path
from arborlink.protocol.errors import ArborError
from arborlink.protocol.limits import MAX_OFFSET

BATCH_TASKS: Final = 64
# Files without a task are left alone for so long: whoever makes a mistake can still get at them.
ORPHAN_SECONDS: Final = 3_600.0
MICROSECONDS: Final = 1_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """How long tasks are kept after their end, and how many bytes all outputs may take."""

    seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Stored:
    """One task's files: what they take on the disk, and when the last of them was changed."""

    task_id: str
    taken_bytes: int
    changed_at: float


class Retention:
    """Works in small steps: a task, or a folder of them, at a time; the disk in other threads."""

    def __init__(
        self,
        tasks: TaskStore,
        outputs: Outputs,
        facts: Facts,
        limits: RetentionLimits,
        *,
        unix_us: Callable[[], int] = now_us,
    ) -> None:
        self._tasks = tasks
        self._outputs = outputs
        self._facts = facts
        self._limits = limits
        self._unix_us = unix_us

    async def run_for_ever(self) -> None:
        """Round after round, until cancelled; a round takes a hundredth of the time at most."""
        while True:
            began = time.monotonic()
            try:
                await self.round()
            except (ArborError, OSError) as error:
                logger.error("what was kept long enough could not be removed: %s", error)
            took = time.monotonic() - began
            await asyncio.sleep(max(MIN_SCAN_SECONDS, SCAN_TIME_FACTOR * took))

    async def round(self) -> None:
        """Remove all that has to go now.

        Raises:
            Unavailable: the database cannot be written.
            OSError: the disk refuses.
        """
        await self._remove_old()
        excess = await self._measure() - self._limits.bytes
        if excess > 0:
            await self._remove_first(excess)

    async def _remove_old(self) -> None:
        before = self._unix_us() - round(self._limits.seconds * MICROSECONDS)
        while batch := self._tasks.finished_tasks(before, BATCH_TASKS):
            for task in batch:
                await self._remove(task)

    async def _remove_first(self, excess: int) -> None:
        while batch := self._tasks.finished_tasks(MAX_OFFSET, BATCH_TASKS):
            for task in batch:
                excess -= await self._remove(task)
                if excess <= 0:
                    return

    async def _remove(self, task: FinishedTask) -> int:
        """Remove a task; how many bytes that gave back."""
        await self._tasks.delete_task(task.id)
        self._facts.task_removed(task.workspace_id, task.id)
        self._outputs.forget(task.id)
        return await asyncio.to_thread(_delete, self._outputs.stem(task.id))

    async def _measure(self) -> int:
        """What all outputs take; those without a task are removed."""
        total = 0
        now = self._unix_us() / MICROSECONDS
        for folder in await asyncio.to_thread(_folders, self._outputs.folder):
            found = await asyncio.to_thread(_stored, folder)
            known = self._tasks.known_tasks([each.task_id for each in found])
            for each in found:
                if each.task_id in known or now - each.changed_at < ORPHAN_SECONDS:
                    total += each.taken_bytes
                else:
                    logger.info("removing the output of %s, which is no task", each.task_id)
                    await asyncio.to_thread(_delete, folder / each.task_id)
        return total


def _delete(stem: Path) -> int:
    """Delete a log; what its files took."""
    taken = sum(_taken(path)[0] for path in (data_path(stem), index_path(stem)))
    OutputLog.delete(stem)
    return taken


def _taken(path: Path) -> tuple[int, float]:
    """What a file takes and when it was changed; nothing of one that is gone."""
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return 0, 0.0
    return state.st_blocks * BLOCK_BYTES, state.st_mtime


def _folders(outputs: Path) -> list[Path]:
    try:
        return sorted(path for path in outputs.iterdir() if path.is_dir())
    except FileNotFoundError:
        return []


def _stored(folder: Path) -> list[Stored]:
    return [_look(folder / name) for name in sorted(set(_names(folder)))]


def _names(folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        if path.suffix in (".log", ".idx"):
            yield path.stem


def _look(stem: Path) -> Stored:
    data, index = _taken(data_path(stem)), _taken(index_path(stem))
    return Stored(stem.name, data[0] + index[0], max(data[1], index[1]))
