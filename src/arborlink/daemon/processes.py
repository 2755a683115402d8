"""Which processes belong to a task, and how to end them all (rule 7).

A task's tree carries a mark that `setsid` and double forks do not shake off: the soft limit on a
real-time process's processor time, which every child inherits and /proc shows, is set to a number
that is unique to the task and so high (centuries) that it limits nothing. Where /proc or the limit
is missing, the task's session and the children of its members have to do.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from typing import Final, NamedTuple

from msgspec import Struct

MARK_BASE: Final = 1 << 60  # µs
MARK_RANDOM_BYTES: Final = 6
OOM_SCORE: Final = b"500"
_LIMIT_LINE: Final = b"Max realtime timeout"


class Tree(Struct, frozen=True, array_like=True):
    """How to recognise a task's processes. `start_ticks` tells its first from a later namesake."""

    pid: int
    start_ticks: int
    mark: int | None


class Process(NamedTuple):
    """A line of the process table. `cpu_ticks`: its own and those of children it has waited for."""

    pid: int
    parent: int
    session: int
    start_ticks: int
    cpu_ticks: int
    resident_pages: int


def new_mark() -> int:
    """A number that no other task has, here or in another daemon."""
    return MARK_BASE | int.from_bytes(os.urandom(MARK_RANDOM_BYTES), "big")


class Marked:
    """While it lasts, children of ours are born with `mark`; `mark` is None where that fails."""

    def __init__(self) -> None:
        self.mark: int | None = new_mark()
        self._limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def __enter__(self) -> Marked:
        try:
            self._limits = resource.getrlimit(resource.RLIMIT_RTTIME)
            assert self.mark is not None
            resource.setrlimit(resource.RLIMIT_RTTIME, (self.mark, self._limits[1]))
        except (AttributeError, OSError, ValueError):
            self.mark = None
        return self

    def __exit__(self, *_: object) -> None:
        if self.mark is not None:
            resource.setrlimit(resource.RLIMIT_RTTIME, self._limits)


def offer_to_oom_killer(pid: int) -> None:
    """When memory runs out a command goes, not the daemon; what it starts inherits that."""
    with suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "wb", buffering=0) as file:
        file.write(OOM_SCORE)


def boot_id() -> str:
    """Changes whenever the machine starts, after which process ids mean nothing; "" if unknown."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def start_ticks(pid: int) -> int:
    """When the process began, in clock ticks since boot; 0 if unknown."""
    process = _read(pid)
    return process.start_ticks if process else 0


def members(tree: Tree, *, spare: Collection[int] = ()) -> list[Process]:
    """The living processes of a task. Never process 1, ourselves, or one in `spare`."""
    table = process_table()
    spared = {1, os.getpid(), *spare}
    first = table.get(tree.pid)
    is_first = first is not None and first.start_ticks == tree.start_ticks
    found: set[int] = set()
    for process in table.values():
        if process.pid in spared:
            continue
        in_session = process.session == tree.pid or process.pid == tree.pid
        # Once the first process is gone its id may be another's, who then has another mark.
        if in_session and (is_first or tree.mark is None):
            found.add(process.pid)
        elif tree.mark is not None and read_mark(process.pid) == tree.mark:
            found.add(process.pid)
    _add_children(found, table, spared)
    return [table[pid] for pid in found]


def send_signal(process: Process, number: int) -> None:
    """Signal exactly this process; one that is gone, or another user's, is left alone."""
    with suppress(OSError):
        fd = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else -1
        try:
            # The descriptor is of whoever has the id now: only then can it be compared.
            if start_ticks(process.pid) != process.start_ticks:
                return
            if fd >= 0:
                signal.pidfd_send_signal(fd, number)
            else:
                os.kill(process.pid, number)
        finally:
            if fd >= 0:
                os.close(fd)


def signal_all(tree: Tree, number: int, *, spare: Collection[int] = ()) -> int:
    """Signal all processes of a task, wake stopped ones, and return how many there were."""
    found = members(tree, spare=spare)
    for process in found:
        send_signal(process, number)
        if number != signal.SIGKILL:
            send_signal(process, signal.SIGCONT)
    return len(found)


def _add_children(found: set[int], table: dict[int, Process], spared: set[int]) -> None:
    grew = bool(found)
    while grew:
        grew = False
        for process in table.values():
            if process.parent in found and process.pid not in found | spared:
                found.add(process.pid)
                grew = True


def process_table() -> dict[int, Process]:
    """Return the living processes of the machine by id; none where there is no /proc."""
    table: dict[int, Process] = {}
    if sys.platform != "linux":
        return table
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := _read(int(name))) is not None:
            table[process.pid] = process
    return table


def _read(pid: int) -> Process | None:
    """None for one that is gone, or dead and only not yet waited for."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            line = file.read()
    except OSError:
        return None
    # The name is in brackets and may contain anything, brackets included.
    fields = line[line.rfind(b")") + 2 :].split()
    if len(fields) < 22 or fields[0] in (b"Z", b"X"):
        return None
    # proc_pid_stat(5), from `state` on: 11 to 14 are utime, stime, cutime and cstime, 21 is rss.
    cpu_ticks = sum(int(field) for field in fields[11:15])
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), cpu_ticks, int(fields[21]))


def read_mark(pid: int) -> int | None:
    """Return the mark that a process was born with, or None."""
    try:
        with open(f"/proc/{pid}/limits", "rb", buffering=0) as file:
            text = file.read()
    except OSError:
        return None
    at = text.find(_LIMIT_LINE)
    if at < 0:
        return None
    word = text[at + len(_LIMIT_LINE) :].split(None, 1)[0]
    return int(word) if word.isdigit() else None
