"""Removes tasks that were kept long enough, or for which there is no room, with their output.

Room is shared: of a workspace, an account, and the hub. Where there is too much, the account that
takes the most gives, in its largest workspace, and there what ended first; an account that takes no
more than its fair share gives nothing to others. What is not over never goes, but counts, and where
that alone is more than the share of one among several, its outputs lose their middle.

The row goes before the files, so a crash in between leaves files without a task, never a task whose
output is silently gone. Files without a task (of a deleted workspace, too) are found by name and
removed later, or at once where there is too much: no task goes for their sake.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from arborlink.hub.live import log_lines
from arborlink.hub.live.clock import now_us
from arborlink.hub.live.facts import Facts
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.service.fair_shares import reduce
from arborlink.hub.service.process import BLOCK_BYTES, MIN_SCAN_SECONDS
from arborlink.hub.service.shortening import Shortening
from arborlink.hub.store.base_retention import FinishedTask, RetentionStore
from arborlink.outputlog import OutputLog
from arborlink.outputlog.files import data_path, index_path
from arborlink.protocol.errors import ArborError
from arborlink.protocol.limits import MAX_OFFSET

# Many small outputs make a round long. It must not become rare by that: the disk fills meanwhile.
ROUND_TIME_FACTOR: Final = 20.0
# Deleted in one transaction.
BATCH_TASKS: Final = 64
# Looked up at once, on the event loop.
BATCH_IDS: Final = 512
# Files without a task are left alone for so long: whoever makes a mistake can still get at them.
ORPHAN_SECONDS: Final = 3_600.0
# Removed in one round where there is too much.
MAX_ORPHANS: Final = 10_000
MICROSECONDS: Final = 1_000_000

# Why a task goes: how old it is, or what takes too much.
Cause = Literal["age", "workspace", "user", "total"]
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """How long tasks are kept after their end, and how many bytes all tasks may take, those of one
    account, and those of one workspace."""

    seconds: float
    bytes: int
    user_bytes: int = MAX_OFFSET
    workspace_bytes: int = MAX_OFFSET


@dataclass(slots=True)
class Removals:
    """What was removed since the hub began, by cause."""

    tasks: Counter[Cause] = field(default_factory=Counter)
    bytes: Counter[Cause] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Stored:
    """One task's files: what they take on the disk, and when the last of them was changed."""

    stem: Path
    taken_bytes: int
    changed_at: float


@dataclass(slots=True)
class Usage:
    """What there is: bytes by workspace, whose each is, and young files without a task.

    `orphans` are the oldest of these, at most 2 * MAX_ORPHANS; `orphan_bytes` is what all take.
    """

    owners: dict[str, str]
    workspaces: Counter[str]
    orphans: list[Stored] = field(default_factory=list)
    orphan_bytes: int = 0

    def note_orphan(self, stored: Stored) -> None:
        """Take note of files without a task that are to stay while there is room."""
        self.orphan_bytes += stored.taken_bytes
        self.orphans.append(stored)
        if len(self.orphans) >= 2 * MAX_ORPHANS:
            self.orphans = heapq.nsmallest(MAX_ORPHANS, self.orphans, key=_changed_at)

    def of_owner(self, owner_id: str) -> dict[str, int]:
        """Return the bytes of each of an account's workspaces."""
        return {
            workspace_id: size
            for workspace_id, size in self.workspaces.items()
            if self.owners.get(workspace_id) == owner_id
        }

    def by_owner(self) -> dict[str, int]:
        """Return the bytes of each account that has any."""
        total: Counter[str] = Counter()
        for workspace_id, size in self.workspaces.items():
            total[self.owners.get(workspace_id, "")] += size
        return {owner_id: size for owner_id, size in total.items() if size}


class Retention:
    """Works in small steps, some tasks or a folder at a time; on the disk in other threads."""

    def __init__(
        self,
        tasks: RetentionStore,
        outputs: Outputs,
        facts: Facts,
        limits: RetentionLimits,
        shortening: Shortening,
        *,
        unix_us: Callable[[], int] = now_us,
    ) -> None:
        self.removals = Removals()
        self._shortening = shortening
        self._tasks = tasks
        self._outputs = outputs
        self._facts = facts
        self._limits = limits
        self._unix_us = unix_us

    async def run_for_ever(self) -> None:
        """Round after round, until cancelled; a round takes a twentieth of the time at most."""
        while True:
            began = time.monotonic()
            try:
                await self.round()
            except (ArborError, OSError) as error:
                logger.error("what was kept long enough could not be removed: %s", error)
            took = time.monotonic() - began
            await asyncio.sleep(max(MIN_SCAN_SECONDS, ROUND_TIME_FACTOR * took))

    async def round(self) -> None:
        """Remove all that has to go now.

        Raises:
            Unavailable: the database cannot be written.
            OSError: the disk refuses.
        """
        before = self._unix_us() - round(self._limits.seconds * MICROSECONDS)
        rows = await self._tasks.usage()
        usage = Usage({each.workspace_id: each.owner_id for each in rows}, Counter())
        while batch := self._tasks.finished_tasks(before, BATCH_TASKS):
            if not await self._remove(batch, "age", usage):
                break
        await self._measure(usage)
        await self._make_room(usage)

    async def _make_room(self, usage: Usage) -> None:
        limits = self._limits
        for workspace_id, size in list(usage.workspaces.items()):
            if size > limits.workspace_bytes:
                await self._free(workspace_id, size - limits.workspace_bytes, "workspace", usage)
        for owner_id, size in usage.by_owner().items():
            if size > limits.user_bytes:
                await self._free_of_owner(owner_id, size - limits.user_bytes, "user", usage)
        await self._remove_young_orphans(usage)
        owners = usage.by_owner()

        async def free(owner_id: str, size: int) -> int:
            return await self._free_of_owner(owner_id, size, "total", usage)

        await reduce(owners, limits.bytes, free)
        self._shortening.apply(self._shares(owners), usage.owners)

    def _shares(self, owners: Mapping[str, int]) -> dict[str, int]:
        """Return what each account may take that takes too much with what cannot be removed."""
        limit, user_limit = self._limits.bytes, self._limits.user_bytes
        shares = {each: user_limit for each, size in owners.items() if size > user_limit}
        excess = sum(owners.values()) - limit
        if excess > 0:
            logger.warning(
                "tasks take %d bytes more than `retention_bytes`, and nothing more can be removed: "
                "what is not over takes more than the fair share of its account",
                excess,
            )
            fair = limit // len(owners)
            shares = {each: fair for each, size in owners.items() if size > fair} | shares
        # What is alone takes nothing from others, but for a limit that was set to be less than all.
        return shares if len(owners) > 1 or user_limit < limit else {}

    async def _free_of_owner(self, owner_id: str, size: int, cause: Cause, usage: Usage) -> int:
        own = usage.of_owner(owner_id)

        async def free(workspace_id: str, size: int) -> int:
            return await self._free(workspace_id, size, cause, usage)

        return await reduce(own, sum(own.values()) - size, free)

    async def _free(self, workspace_id: str, size: int, cause: Cause, usage: Usage) -> int:
        """Remove what ended first in a workspace; the bytes that gives back, `size` or more."""
        freed = 0
        while freed < size:
            batch = self._tasks.finished_tasks(MAX_OFFSET, BATCH_TASKS, workspace_id)
            if not batch:
                break
            removed = await self._remove(batch, cause, usage, enough=size - freed)
            if not removed:
                break
            freed += removed
        return freed

    async def _remove(
        self, batch: Sequence[FinishedTask], cause: Cause, usage: Usage, enough: int = MAX_OFFSET
    ) -> int:
        """Remove tasks until that gives back `enough` bytes; how many bytes it did."""
        stems = [self._outputs.stem(task.id) for task in batch]
        taken = await asyncio.to_thread(lambda: [_look(stem).taken_bytes for stem in stems])
        sizes: dict[str, int] = {}
        for task, size in zip(batch, taken, strict=True):
            if sum(sizes.values()) >= enough:
                break
            sizes[task.id] = size + task.row_bytes
        gone = await self._tasks.delete_tasks(sizes)
        for task in batch:
            if task.id in gone:
                self._note_removed(task, sizes[task.id], cause, usage)
        await asyncio.to_thread(_delete_all, [self._outputs.stem(task_id) for task_id in gone])
        return sum(sizes[task_id] for task_id in gone)

    def _note_removed(self, task: FinishedTask, size: int, cause: Cause, usage: Usage) -> None:
        self._facts.task_removed(task.workspace_id, task.id)
        self._outputs.forget(task.id)
        usage.workspaces[task.workspace_id] -= size
        self.removals.tasks[cause] += 1
        self.removals.bytes[cause] += size
        owner_id = usage.owners.get(task.workspace_id)
        log_lines.task_removed(task.id, task.workspace_id, owner_id, size, cause)

    async def _measure(self, usage: Usage) -> None:
        """Find what all tasks take; files without a task are removed if they are old."""
        usage.workspaces = Counter()
        now = self._unix_us() / MICROSECONDS
        for row in await self._tasks.usage():
            usage.owners[row.workspace_id] = row.owner_id
            usage.workspaces[row.workspace_id] = row.bytes
        for folder in await asyncio.to_thread(_folders, self._outputs.folder):
            found = await asyncio.to_thread(_stored, folder)
            for begin in range(0, len(found), BATCH_IDS):
                stored = found[begin : begin + BATCH_IDS]
                workspaces = self._tasks.workspaces_of_tasks([each.stem.name for each in stored])
                for each in stored:
                    workspace_id = workspaces.get(each.stem.name)
                    if workspace_id is not None:
                        usage.workspaces[workspace_id] += each.taken_bytes
                    elif now - each.changed_at < ORPHAN_SECONDS:
                        usage.note_orphan(each)
                    else:
                        await self._remove_orphan(each)
                # A folder may have thousands: others have their turn in between.
                await asyncio.sleep(0)

    async def _remove_young_orphans(self, usage: Usage) -> None:
        """Remove files without a task, the oldest first, while there is too much."""
        excess = usage.workspaces.total() + usage.orphan_bytes - self._limits.bytes
        for each in sorted(usage.orphans, key=_changed_at):
            if excess <= 0:
                return
            await self._remove_orphan(each)
            excess -= each.taken_bytes

    @staticmethod
    async def _remove_orphan(stored: Stored) -> None:
        logger.info("removing the output of %s, which is no task", stored.stem.name)
        await asyncio.to_thread(OutputLog.delete, stored.stem)


def _changed_at(stored: Stored) -> float:
    return stored.changed_at


def _delete_all(stems: Sequence[Path]) -> None:
    for stem in stems:
        OutputLog.delete(stem)


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
    return Stored(stem, data[0] + index[0], max(data[1], index[1]))
