"""The processes of `arbor up`: started, started again when they die, stopped in order."""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from arborlink.cli import secret_variables
from arborlink.cli.console import complain
from arborlink.protocol.backoff import Backoff

PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h
# One that lived for so long has not failed to start.
HEALTHY_SECONDS: Final = 10.0
KILLED_SECONDS: Final = 5.0


class Keeper:
    """Keeps one `arbor` command running as a child in a process group of its own.

    `secrets` are the child's alone: neither its environment nor that of its children has them.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.ended = asyncio.Event()
        # -P: a module of the same name in the current folder must not be imported instead.
        self._arguments = (sys.executable, "-P", "-m", "arborlink.cli", *arguments)
        self._environment = dict(environment)
        self._passed: tuple[int, ...] = ()
        if secrets:
            # Kept open: a child that is started again reads it again.
            self._passed = (secret_variables.leave(secrets),)
            self._environment[secret_variables.DESCRIPTOR] = str(self._passed[0])
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def run(self) -> None:
        """Until `stop`."""
        backoff = Backoff(random.random)
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            started = loop.time()
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=self._passed,
                start_new_session=True,
            )
            code = await self._process.wait()
            self.ended.set()
            if self._stopping.is_set():
                return
            if loop.time() - started >= HEALTHY_SECONDS:
                backoff.succeeded()
            delay = backoff.next_delay()
            complain(f"the {self.name} ended ({_how(code)}); starting it again in {delay:.1f} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()

    async def stop(self, seconds: float) -> None:
        """SIGTERM, and after `seconds` SIGKILL to the whole group."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            complain(f"the {self.name} did not end within {seconds:g} s and is killed")
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End the whole group now."""
        if (pid := self.pid) is not None:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def become_subreaper() -> None:
    """Make orphans among our descendants our children, where the system can do that."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(kept: set[int]) -> None:
    """Collect what orphans have left behind; `kept` are waited for by somebody else."""
    with suppress(ChildProcessError):
        while True:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            dead = os.waitid(os.P_ALL, 0, flags)
            if dead is None or dead.si_pid in kept:
                return
            os.waitpid(dead.si_pid, 0)


async def end_orphans() -> None:
    """Kill whatever is left below us, and what that leaves behind in turn."""
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
