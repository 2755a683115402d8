"""A task in this terminal: its output here, our input there, Ctrl-C and the window's size."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final

from arborlink.cli import exits, terminal
from arborlink.cli.console import complain, say, size_text
from arborlink.cli.keyboard import Keyboard
from arborlink.cli.writer import Writer
from arborlink.client import Gap, TaskHandle
from arborlink.protocol.errors import ArborError, Conflict
from arborlink.protocol.limits import MIB

WINDOW_BYTES: Final = 4 * MIB
STDOUT, STDERR = 1, 2
# Between a second Ctrl-C and the end: for the hub to say that it has heard of the first.
CANCEL_SECONDS: Final = 1.0


@dataclass
class Interrupts:
    """Counts SIGINT and SIGTERM: the first cancels, the second does not wait for that."""

    cancel: asyncio.Event = field(default_factory=asyncio.Event)
    detach: asyncio.Event = field(default_factory=asyncio.Event)

    def install(self) -> None:
        """From now on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self.cancel.is_set():
            self.detach.set()
        self.cancel.set()


class LiveTask:
    """Shows `task` until it is over, or until the person leaves it."""

    def __init__(self, task: TaskHandle, interrupts: Interrupts, *, tty: bool, input: bool) -> None:
        self._task = task
        self._interrupts = interrupts
        self._tty = tty
        self._input = input
        self._writer = Writer()
        self._screen = terminal.Screen()
        self._broken: OSError | None = None
        self._cancelled = asyncio.Event()

    async def show(self, offset: int = 0) -> int:
        """Returns the exit code.

        Raises:
            ArborError: the task cannot be followed.
        """
        async with asyncio.TaskGroup() as group:
            output = group.create_task(self._show_output(offset))
            helpers = [
                group.create_task(self._leave_on_detach(output)),
                group.create_task(self._cancel_on_interrupt()),
            ]
            if self._tty:
                helpers.append(group.create_task(self._follow_size()))
            if self._input:
                Keyboard(self._take_input).start()
            await asyncio.wait([output])
            for helper in helpers:
                helper.cancel()
        return await self._finish(left=output.cancelled())

    async def _finish(self, *, left: bool) -> int:
        if left:
            return self._say_left()
        if isinstance(self._broken, BrokenPipeError):
            # Nobody reads what it writes: it would get SIGPIPE if it ran here.
            await self._task.cancel()
            return exits.BROKEN_PIPE
        if self._broken is not None:
            complain(
                f"the output cannot be written here: {self._broken.strerror}. "
                f"The task goes on; `arbor logs -f {self._task.id}` shows it"
            )
            return exits.ARBOR_FAILED
        code, sentence = exits.of_task(await self._task.wait())
        if sentence is not None:
            complain(sentence)
        return code

    def _say_left(self) -> int:
        task_id = self._task.id
        if not self._interrupts.cancel.is_set():
            say(f"detached; the task goes on. `arbor logs -f {task_id}` comes back to it")
            return exits.DONE
        if self._cancelled.is_set():
            say(
                "not waiting for it any more; it is being cancelled. "
                f"`arbor logs -f {task_id}` shows its end"
            )
        else:
            say(
                "not waiting for it any more; the hub has not said that it is being cancelled. "
                f"`arbor cancel {task_id}` asks again"
            )
        return exits.CANCELLED

    async def _show_output(self, offset: int) -> None:
        async with aclosing(self._task.output(offset, window=WINDOW_BYTES)) as items:
            try:
                async for item in items:
                    if isinstance(item, Gap):
                        await self._writer.flush()
                        complain(gap_text(item))
                        continue
                    if self._tty:
                        self._screen.saw(item.data)
                    await self._writer.write(STDERR if item.is_error else STDOUT, item.data)
                await self._writer.flush()
            except OSError as error:
                self._broken = error

    async def _leave_on_detach(self, output: asyncio.Task[None]) -> None:
        await self._interrupts.detach.wait()
        if self._interrupts.cancel.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(CANCEL_SECONDS):
                    await self._cancelled.wait()
        output.cancel()

    async def _cancel_on_interrupt(self) -> None:
        await self._interrupts.cancel.wait()
        if sys.stderr.isatty():
            say("cancelling… (Ctrl-C again: without waiting for its end)")
        try:
            await self._task.cancel()
        except ArborError as error:
            complain(f"the task could not be cancelled: {error.message}")
        else:
            self._cancelled.set()

    async def _take_input(self, data: bytes) -> bool:
        """Whether more is wanted."""
        if self._tty and terminal.is_interactive() and terminal.DETACH_KEY in data:
            data = data[: data.index(terminal.DETACH_KEY)]
            if data:
                await self._task.write(data)
            self._interrupts.detach.set()
            return False
        try:
            await self._task.write(data, eof=not data)
        except Conflict as error:
            if error.code not in ("task_over", "input_closed"):
                complain(error.message)
            return False
        except ArborError as error:
            complain(error.message)
            return self._tty
        return bool(data)

    async def _follow_size(self) -> None:
        changed = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, changed.set)
        while True:
            await self._task.resize(*terminal.size())
            await changed.wait()
            changed.clear()

    async def show_raw(self, offset: int = 0) -> int:
        """As `show`, with the terminal in raw mode."""
        with terminal.raw_mode(self._screen):
            return await self.show(offset)


def gap_text(gap: Gap) -> str:
    """What is said of bytes that never arrive."""
    return f"{size_text(gap.end - gap.start)} of output are missing here ({gap.reason})"
