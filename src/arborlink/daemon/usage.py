"""What the processes of running tasks use: processor time and memory, from /proc.

One reading of the process table serves all tasks. All their processes are below the supervisor,
which adopts orphans. There a process belongs to the task in whose session it is, else to that of
its parent, else to the one with whose mark it was born.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from arborlink.daemon.processes import Process, Tree, process_table, read_mark

Key = TypeVar("Key", bound=Hashable)

# Seconds of processor time a tick of /proc is; bytes a page has.
_TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class TreeUsage(NamedTuple):
    """`cpu_share`: seconds of processor time a second since the measurement before; 1.0 is one
    core. `memory_bytes`: the sum of what each process has in memory, shared pages counted by each.
    """

    cpu_seconds: float
    cpu_share: float
    memory_bytes: int
    processes: int


class UsageMeter(Generic[Key]):
    """Measures trees again and again, and knows what each had used before."""

    def __init__(self, supervisor_pid: int) -> None:
        self._supervisor_pid = supervisor_pid
        self._before: dict[Key, tuple[float, float]] = {}

    def measure(self, trees: Mapping[Key, Tree], now: float) -> dict[Key, TreeUsage]:
        """Return what each tree uses at `now` (seconds, monotonic); trees without a process are
        left out. Trees that are not asked for are forgotten.

        Processor time never goes down, although that of a process which nothing of its tree waited
        for is not in the table any more once it has ended.
        """
        found: dict[Key, list[Process]] = {}
        table = process_table()
        for pid, key in assign(table, trees, self._supervisor_pid, read_mark).items():
            found.setdefault(key, []).append(table[pid])
        measured = {}
        before, self._before = self._before, {}
        for key, processes in found.items():
            cpu_seconds = sum(process.cpu_ticks for process in processes) * _TICK_SECONDS
            cpu_before, measured_at = before.get(key, (cpu_seconds, now))
            cpu_seconds = max(cpu_seconds, cpu_before)
            passed = now - measured_at
            measured[key] = TreeUsage(
                cpu_seconds=cpu_seconds,
                cpu_share=(cpu_seconds - cpu_before) / passed if passed > 0 else 0.0,
                memory_bytes=sum(process.resident_pages for process in processes) * _PAGE_BYTES,
                processes=len(processes),
            )
            self._before[key] = (cpu_seconds, now)
        return measured


def assign(
    table: Mapping[int, Process],
    trees: Mapping[Key, Tree],
    supervisor_pid: int,
    mark_of: Callable[[int], int | None],
) -> dict[int, Key]:
    """Return which tree each process of `table` belongs to; those of none are left out."""
    by_mark: dict[int | None, Key] = {
        tree.mark: key for key, tree in trees.items() if tree.mark is not None
    }
    by_session = {
        tree.pid: key
        for key, tree in trees.items()
        if (first := table.get(tree.pid)) is not None and first.start_ticks == tree.start_ticks
    }
    children: dict[int, list[Process]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process)
    owners: dict[int, Key] = {}
    waiting: list[tuple[Process, Key | None]] = []

    # Each list of children is taken out once: a table that was not read at one moment has no ring.
    def descend(pid: int, key: Key | None) -> None:
        waiting.extend((child, key) for child in children.pop(pid, ()))

    descend(supervisor_pid, None)
    while waiting:
        process, inherited = waiting.pop()
        key = by_session.get(process.session, inherited)
        if key is None and by_mark:
            key = by_mark.get(mark_of(process.pid))
        if key is not None:
            owners[process.pid] = key
        descend(process.pid, key)
    return owners
