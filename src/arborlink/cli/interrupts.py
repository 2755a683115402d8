"""Signals that a person or a service manager sends to a command while it runs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

from arborlink.cli import exits
from arborlink.protocol.errors import ArborError

# How long a command waits for anything after it was told to end (`timeout`, a service manager):
# more than the grace period, after which the machine kills what it was told to end.
LEAVE_SECONDS: Final = 10.0

T = TypeVar("T")


class Left(Exception):
    """The command was told to end before what it waited for."""


@dataclass
class Interrupts:
    """Counts SIGINT, SIGTERM and, with a terminal, SIGHUP: the first one is a wish to end, after
    the second one nothing is waited for. `number` is the first one's; SIGINT before there is one.
    """

    cancel: asyncio.Event = field(default_factory=asyncio.Event)
    detach: asyncio.Event = field(default_factory=asyncio.Event)
    number: int = signal.SIGINT

    def install(self, *, hangup: bool = False) -> None:
        """Count from now on. `hangup`: the terminal's end, too, unless that is ignored (nohup)."""
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGINT, signal.SIGTERM]
        if hangup and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._on_signal, number)

    def end(self) -> None:
        """Act as if the command had been told to end, unless it was."""
        if not self.cancel.is_set():
            self._on_signal(signal.SIGTERM)

    @property
    def exit_code(self) -> int:
        """What a shell shows of a program that the signal ended."""
        return exits.SIGNAL_BASE + self.number

    @property
    def waits(self) -> bool:
        """Whether a person waits for the end, who can send another signal."""
        return self.number == signal.SIGINT

    async def until_left(self, work: Awaitable[T]) -> T:
        """Return what `work` returns; wait at most LEAVE_SECONDS for it after the first signal.

        Raises:
            Left: a second signal came, or that time is over; `work` was cancelled.
        """
        async with asyncio.TaskGroup() as group:
            running = group.create_task(_outcome(work))
            leaving = group.create_task(self._leaving())
            await asyncio.wait([running, leaving], return_when=asyncio.FIRST_COMPLETED)
            for each in (running, leaving):
                each.cancel()
        if running.cancelled():
            raise Left
        result, error = running.result()
        if error is not None:
            raise error
        return cast("T", result)

    async def _leaving(self) -> None:
        await self.cancel.wait()
        await self.left_in(LEAVE_SECONDS)

    async def left_in(self, seconds: float) -> None:
        """Wait for the second signal, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.detach.wait()
        except TimeoutError:
            return

    def _on_signal(self, number: int) -> None:
        if self.cancel.is_set():
            self.detach.set()
            return
        self.number = number
        self.cancel.set()


async def _outcome(work: Awaitable[T]) -> tuple[T | None, ArborError | None]:
    # A task group would wrap the error.
    try:
        return await work, None
    except ArborError as error:
        return None, error
