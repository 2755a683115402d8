"""What the system knows about processes: processor time, memory, wake-ups, children (Linux)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
KIB: Final = 1024
VIEWER: Final = "viewer"
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_UTIME: Final = 11  # fields behind the name, which may contain anything and ends with ")"
_STIME: Final = 12


def processor_seconds(pid: int) -> float:
    """User and system time of a process with all its threads."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS_PER_SECOND


def memory_bytes(pid: int) -> dict[str, float]:
    """`rss`, and `pss` where pages that others use too are shared out."""
    wanted = {"Rss:": "rss", "Pss:": "pss"}
    found: dict[str, float] = {}
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if name in wanted:
            found[wanted[name]] = float(rest.split()[0]) * KIB
    return found


def wakeups(pid: int) -> int:
    """How often the process's threads have waited for something and gone on."""
    count = 0
    for status in (PROC / str(pid) / "task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                count += int(line.split()[1])
    return count


def descendants(pid: int) -> list[int]:
    """Children, their children and so on."""
    try:
        children = (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    except OSError:
        return []
    return [each for child in children for each in (int(child), *descendants(int(child)))]


@contextmanager
def metered(groups: Mapping[str, list[int]]) -> Iterator[dict[str, float]]:
    """Fills in, at the end, the processor seconds of each group; ours are those of VIEWER."""
    spent: dict[str, float] = {}
    before = {name: _sum(pids) for name, pids in groups.items()}
    ours = time.process_time()
    yield spent
    spent[VIEWER] = time.process_time() - ours
    for name, pids in groups.items():
        spent[name] = _sum(pids) - before[name]


def cost(spent: Mapping[str, float]) -> float:
    """Processor seconds of everybody between writer and viewer."""
    return sum(seconds for name, seconds in spent.items() if name != VIEWER)


def _sum(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        with suppress(OSError):
            total += processor_seconds(pid)
    return total
