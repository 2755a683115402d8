"""Keeps a process of `arbor up` running: started, started again when it dies, stopped."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from arborlink.cli import secret_variables
from arborlink.cli.up_children import Child, Say, StartedChild, stop
from arborlink.protocol.backoff import Backoff

# One that lived for so long has not failed to start.
HEALTHY_SECONDS: Final = 10.0
# As many ends in a row, each sooner than that: starting it once more would not help.
MOST_QUICK_ENDS: Final = 5
# A hurried process that is stuck is killed.
HURRIED_SECONDS: Final = 2.0
# `arborlink.daemon.app.REFUSED_EXIT_CODE`: the hub does not accept the daemon any more.
REFUSED_EXIT_CODE: Final = 77


class Keeper:
    """Keeps one `arbor` command running as a child in a process group of its own.

    `secrets` are the child's alone: neither its environment nor that of its children has them.
    `adopted`: a process that runs already, kept in place of a first one of ours.

    A child is started again only after it was `ready` once: before, what is wrong is said by the
    child and stays wrong. `gave_up` is set, and `on_give_up` called, when it is not started again.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        say: Say,
        *,
        on_give_up: Callable[[Keeper], None],
        secrets: Mapping[str, str] | None = None,
        adopted: Child | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.gave_up = asyncio.Event()
        self.exit_code: int | None = None
        self.is_ready = False
        # -P: a module of the same name in the current folder must not be imported instead.
        self._arguments = (sys.executable, "-P", "-m", "arborlink.cli", *arguments)
        self._environment = dict(environment)
        self._say = say
        self._on_give_up = on_give_up
        self._passed: tuple[int, ...] = ()
        if secrets:
            # Kept open: a child that is started again reads it again.
            self._passed = (secret_variables.leave(secrets),)
            self._environment[secret_variables.DESCRIPTOR] = str(self._passed[0])
        self._child = adopted
        self._stopping = asyncio.Event()
        self._quick_ends = 0
        self._backoff = Backoff(random)

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return None if self._child is None else self._child.pid

    async def run(self) -> None:
        """Until `stop`, or until there is no use in starting it again."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            started = loop.time()
            if self._child is None:
                self._child = await self._start()
            self.exit_code = await self._child.wait()
            self._child = None
            if self._stopping.is_set():
                return
            if loop.time() - started >= HEALTHY_SECONDS:
                self._backoff.succeeded()
                self._quick_ends = 0
            self._quick_ends += 1
            if not self._starts_again():
                self.gave_up.set()
                self._on_give_up(self)
                return
            delay = self._backoff.next_delay()
            self._say(f"arbor: the {self.name} ended ({self.how_it_ended()}) {_again(delay)}")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()

    async def stop(self, seconds: float) -> None:
        """Ask the process to end, and after `seconds` see that it does."""
        self._stopping.set()
        if self._child is not None:
            late = f"arbor: the {self.name} did not end within {seconds:g} s and is killed"
            await stop(self._child, seconds, lambda: self._say(late))

    def hurry(self) -> None:
        """End the process, and what it runs, now: it was asked to end before, or is now."""
        self._stopping.set()
        child = self._child
        if child is not None:
            child.terminate()
            asyncio.get_running_loop().call_later(HURRIED_SECONDS, child.kill)

    def how_it_ended(self) -> str:
        """Return how the last process ended, for a person."""
        code = self.exit_code
        if code is None:
            return "its exit code is not known: an earlier `arbor up` had started it"
        return f"exit code {code}" if code >= 0 else f"signal {-code}"

    async def _start(self) -> Child:
        return await StartedChild.start(self._arguments, self._environment, self._passed, self._say)

    def _starts_again(self) -> bool:
        return (
            self.is_ready
            and self.exit_code != REFUSED_EXIT_CODE
            and self._quick_ends <= MOST_QUICK_ENDS
        )


def _again(delay: float) -> str:
    return "and is started again" + (f" in {delay:.0f} s" if delay >= 1 else "")
