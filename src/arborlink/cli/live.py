"""A task in this terminal: its output here, our input there, Ctrl-C and the window's size."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing, suppress
from typing import Final

from arborlink.cli import exits, terminal
from arborlink.cli.console import complain, say
from arborlink.cli.display import size_text
from arborlink.cli.input_left import give_back, unreadable_text
from arborlink.cli.interrupts import LEAVE_SECONDS, Interrupts
from arborlink.cli.keyboard import STDIN, Keyboard
from arborlink.cli.notices import watch_machine
from arborlink.cli.progress import Progress, input_progress, may_show_beside_output, output_progress
from arborlink.cli.screen.keys import Typed, What
from arborlink.cli.terminal_view import TerminalView
from arborlink.cli.writer import Writer
from arborlink.client import Chunk, Gap, TaskHandle
from arborlink.client.subscription import Item
from arborlink.protocol.errors import ArborError, Conflict
from arborlink.protocol.limits import MIB

WINDOW_BYTES: Final = 4 * MIB
STDOUT, STDERR = 1, 2
# Between a second Ctrl-C and the end: for the hub to say that it has heard of the first.
CANCEL_SECONDS: Final = 1.0


class LiveTask:
    """Shows `task` until it is over, or until the person leaves it.

    `owns`: the task is this command's own, so a signal to end cancels it, and the end of standard
    input is the end of its input. Another one is only looked at, and goes on.
    """

    def __init__(
        self, task: TaskHandle, interrupts: Interrupts, *, input: bool, owns: bool = True
    ) -> None:
        self._task = task
        self._owns = owns
        self._interrupts = interrupts
        # Of a task with a terminal.
        self._view: TerminalView | None = None
        self._raw = ExitStack()
        self._acting = asyncio.Lock()
        self._input = input
        # Once the terminal is gone, it is not one any more to those who ask.
        self._at_terminal = False
        self._writer = Writer()
        self._broken: OSError | None = None
        self._keyboard: Keyboard | None = None
        self._unreadable = False
        self._upload: Progress | None = None
        self._download: Progress | None = None
        self._cancelled = asyncio.Event()

    async def show(self, offset: int = 0) -> int:
        """Returns the exit code.

        Raises:
            ArborError: the task cannot be followed.
        """
        # A terminal that shows what the command writes has no line for anything else.
        if self._view is None:
            if self._input:
                self._upload = input_progress(STDIN, wanted=may_show_beside_output())
            self._download = output_progress(None)
        async with asyncio.TaskGroup() as group:
            output = group.create_task(self._show_output(offset))
            helpers = [
                group.create_task(self._leave_on_detach(output)),
                group.create_task(self._on_interrupt(output)),
                group.create_task(self._leave_in_time(output)),
                group.create_task(watch_machine(self._task)),
            ]
            if self._view is not None:
                helpers.append(group.create_task(self._view.follow_size()))
                helpers.append(group.create_task(self._view.follow_keys(self._act)))
            if self._input:
                self._keyboard = Keyboard(self._take_input, self._on_unreadable)
                self._keyboard.start()
            await asyncio.wait([output])
            for helper in helpers:
                helper.cancel()
        return await self._finish(left=output.cancelled())

    async def _finish(self, *, left: bool) -> int:
        self._stop_counting()
        if self._keyboard is not None:
            self._keyboard.stop()
        if left:
            await self._writer.abandon()
        self._raw.close()
        if left:
            return self._say_left()
        if isinstance(self._broken, BrokenPipeError):
            if self._owns:
                await self._end_unread()
            return exits.BROKEN_PIPE
        if self._broken is not None:
            complain(
                f"the output cannot be written here: {self._broken.strerror}. "
                f"The task goes on; `arbor logs -f {self._task.id}` shows it"
            )
            return exits.ARBOR_FAILED
        info = await self._task.wait()
        if self._keyboard is not None:
            give_back(self._keyboard, info)
        if self._unreadable:
            return exits.ARBOR_FAILED
        code, sentence = exits.of_task(info)
        if sentence is not None:
            complain(sentence)
        return code

    async def _end_unread(self) -> None:
        """Nobody reads what the command writes: it would get SIGPIPE if it ran here."""
        await self._task.cancel()
        if self._keyboard is not None and self._keyboard.is_file:
            with suppress(TimeoutError, ArborError):
                async with asyncio.timeout(CANCEL_SECONDS):
                    give_back(self._keyboard, await self._task.wait())

    def _say_left(self) -> int:
        task_id = self._task.id
        if not self._interrupts.cancel.is_set():
            command = "arbor logs -f" if self._view is None else "arbor attach"
            say(f"detached; the task goes on. `{command} {task_id}` comes back to it")
            return exits.DONE
        if not self._owns or self._interrupts.number == signal.SIGHUP:
            say(f"left; the task goes on. `arbor attach {task_id}` comes back to it")
            return self._interrupts.exit_code
        if self._unreadable:
            return exits.ARBOR_FAILED
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
        view = self._view
        async with aclosing(self._items(offset)) as items:
            try:
                async for item in items:
                    if isinstance(item, Gap):
                        await self._writer.flush()
                        complain(gap_text(item))
                        continue
                    if view is not None:
                        await self._writer.write(STDOUT, view.show(item))
                    elif isinstance(item, Chunk):
                        self._count_output(item)
                        await self._writer.write(STDERR if item.is_error else STDOUT, item.data)
                await self._writer.flush()
            except OSError as error:
                self._broken = error

    def _count_output(self, chunk: Chunk) -> None:
        if chunk.is_error or sys.stdout.isatty():
            self._stop_counting()
        elif self._download is not None:
            if self._upload is not None:
                self._upload.finish()
            self._download.advance(len(chunk.data))

    def _stop_counting(self) -> None:
        for progress in (self._upload, self._download):
            if progress is not None:
                progress.finish()

    def _items(self, offset: int) -> AsyncGenerator[Item, None]:
        if self._view is not None:
            return self._view.items(offset)
        return self._task.output(offset, window=WINDOW_BYTES)

    async def _leave_on_detach(self, output: asyncio.Task[None]) -> None:
        await self._interrupts.detach.wait()
        if self._interrupts.cancel.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(CANCEL_SECONDS):
                    await self._cancelled.wait()
        output.cancel()

    async def _on_interrupt(self, output: asyncio.Task[None]) -> None:
        await self._interrupts.cancel.wait()
        if not self._owns or self._interrupts.number == signal.SIGHUP:
            output.cancel()
            return
        if sys.stderr.isatty():
            hint = "Ctrl-C again: without waiting for its end"
            say(f"cancelling… ({hint if self._interrupts.waits else f'{LEAVE_SECONDS:g} s'})")
        try:
            await self._task.cancel()
        except ArborError as error:
            complain(f"the task could not be cancelled: {error.message}")
        else:
            self._cancelled.set()

    async def _leave_in_time(self, output: asyncio.Task[None]) -> None:
        await self._interrupts.cancel.wait()
        if not self._interrupts.waits:
            await asyncio.sleep(LEAVE_SECONDS)
            output.cancel()

    def _on_unreadable(self, error: OSError) -> None:
        if self._at_terminal:
            self._interrupts.detach.set()
        elif self._owns:
            # What has been read is not the whole: the command must not take it for that.
            complain(unreadable_text(error, "the command is being cancelled, because it"))
            self._unreadable = True
            self._interrupts.end()
        else:
            complain(unreadable_text(error, None))

    async def _take_input(self, data: bytes) -> bool:
        """Whether more is wanted."""
        if not data and self._at_terminal:
            # In raw mode no key ends the input: the terminal was closed (read of a hung-up one).
            self._interrupts.detach.set()
            return False
        if not data and not self._owns:
            return False
        if self._view is None:
            return await self._send(data)
        return await self._act(self._view.typed(data))

    async def _act(self, typed: list[Typed]) -> bool:
        """Do what was typed; whether more is wanted. Calls wait for each other, in order."""
        async with self._acting:
            for each in typed:
                if each.what is What.DETACH:
                    self._interrupts.detach.set()
                    return False
                if each.what is What.ANSWER:
                    await self._task.reply(each.data)
                elif not await self._send(each.data):
                    return False
            return True

    async def _send(self, data: bytes) -> bool:
        try:
            await self._task.write(data, eof=not data)
            if self._upload is not None:
                self._upload.advance(len(data))
        except Conflict as error:
            if error.code not in ("task_over", "input_closed"):
                complain(error.message)
            return False
        except ArborError as error:
            complain(error.message)
            return self._view is not None
        return bool(data)

    async def show_raw(self, view: TerminalView, offset: int = 0) -> int:
        """As `show`, with the terminal in raw mode; it is put back before anything is said."""
        self._view = view
        self._at_terminal = terminal.is_interactive()
        with self._raw:
            self._raw.enter_context(terminal.raw_mode(view.restoring))
            return await self.show(offset)


def gap_text(gap: Gap) -> str:
    """What is said of bytes that never arrive."""
    return f"{size_text(gap.end - gap.start)} of output are missing here ({gap.reason})"
