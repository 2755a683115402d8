"""The child processes of `arbor up`: those that it starts, and those that a killed one left."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from arborlink.cli.locks import is_alive, is_locked, read_pid

PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h
KILLED_SECONDS: Final = 5.0
# A process that has ended may have left its stderr to others, such as a daemon's connector.
LAST_WORDS_SECONDS: Final = 1.0
READ_BYTES: Final = 4_096
MAX_LINE_BYTES: Final = 4_096
# Of one process; its log has the rest.
MOST_LINES: Final = 50
ADOPTED_POLL_SECONDS: Final = 0.1
LEAVING_SECONDS: Final = 2.0

Say = Callable[[str], None]


class Child(Protocol):
    """A process that runs, and is to be stopped in the end."""

    @property
    def pid(self) -> int:
        """Its process id."""

    async def wait(self) -> int | None:
        """Return its exit code once it has ended, negative for a signal; None: it is not known."""

    def terminate(self) -> None:
        """Ask it to end (SIGTERM). A second time it does so at once, and its tasks with it."""

    def kill(self) -> None:
        """End it (SIGKILL)."""


class StartedChild:
    """A process of ours. What it writes to stderr is passed to `say`, line by line, while the first
    caller of `wait` waits."""

    def __init__(self, process: Process, say: Say) -> None:
        self._process = process
        self._say = say
        self._is_forwarding = False

    @classmethod
    async def start(
        cls,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        passed: Sequence[int],
        say: Say,
    ) -> StartedChild:
        """Start it in a session of its own: Ctrl-C in our terminal is ours alone.

        Raises:
            OSError: there are no processes or descriptors left.
        """
        process = await asyncio.create_subprocess_exec(
            *arguments,
            env=environment,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            pass_fds=tuple(passed),
            start_new_session=True,
        )
        return cls(process, say)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int | None:
        if self._is_forwarding:
            return await self._process.wait()
        self._is_forwarding = True
        assert self._process.stderr is not None
        async with asyncio.TaskGroup() as group:
            forwarding = group.create_task(_forward(self._process.stderr, self._say))
            code = await self._process.wait()
            await asyncio.wait([forwarding], timeout=LAST_WORDS_SECONDS)
            forwarding.cancel()
        return code

    def terminate(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


class AdoptedChild:
    """A process that another one started: it lives as long as it holds its lock file."""

    def __init__(self, pid: int, lock: Path) -> None:
        self._pid = pid
        self._lock = lock

    @classmethod
    def find(cls, lock: Path, pid_file: Path) -> AdoptedChild | None:
        """Return the process that holds `lock`; None if there is none."""
        pid = read_pid(pid_file)
        return cls(pid, lock) if pid is not None and is_locked(lock) else None

    @property
    def pid(self) -> int:
        return self._pid

    async def wait(self) -> int | None:
        while is_locked(self._lock):
            await asyncio.sleep(ADOPTED_POLL_SECONDS)
        # It releases the lock shortly before it ends.
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVING_SECONDS):
                while is_alive(self._pid):
                    await asyncio.sleep(ADOPTED_POLL_SECONDS)
        return None

    def terminate(self) -> None:
        # Its id is another process's as soon as it has ended: the lock says that it has not.
        if is_locked(self._lock):
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        if is_locked(self._lock):
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


async def stop(child: Child, seconds: float, on_late: Callable[[], None]) -> None:
    """Ask a process to end; again after `seconds`, and then kill it. `on_late` is called before."""
    child.terminate()
    if await _ends_within(child, seconds):
        return
    on_late()
    child.terminate()
    if await _ends_within(child, KILLED_SECONDS):
        return
    child.kill()
    await _ends_within(child, KILLED_SECONDS)


async def _ends_within(child: Child, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await child.wait()
    except TimeoutError:
        return False
    return True


async def _forward(stream: asyncio.StreamReader, say: Say) -> None:
    left, pending = MOST_LINES, b""
    while data := await stream.read(READ_BYTES):
        *lines, pending = (pending + data).split(b"\n")
        pending = pending[:MAX_LINE_BYTES]
        for line in lines[:left]:
            say(line.decode("utf-8", "replace"))
        left = max(0, left - len(lines))
    if pending and left:
        say(pending.decode("utf-8", "replace"))


def become_subreaper() -> None:
    """Make orphans among our descendants our children, where the system can do that."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(kept: set[int]) -> None:
    """Collect what orphans have left behind; those in `kept` are waited for elsewhere."""
    with suppress(ChildProcessError):
        while True:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            dead = os.waitid(os.P_ALL, 0, flags)
            if dead is None or dead.si_pid in kept:
                return
            os.waitpid(dead.si_pid, 0)


async def end_orphans() -> None:
    """Kill what is left below us, and what that leaves behind in turn."""
    with suppress(TimeoutError):
        async with asyncio.timeout(KILLED_SECONDS):
            while children := _children():
                for pid in children:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                for pid in children:
                    with suppress(ChildProcessError):
                        await asyncio.to_thread(os.waitpid, pid, 0)


def _children() -> list[int]:
    try:
        return [
            int(pid)
            for listing in Path("/proc/self/task").glob("*/children")
            for pid in listing.read_text().split()
        ]
    except OSError:
        return []
