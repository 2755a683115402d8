"""`arbor run --detach` with standard input: it is sent to its end, then the task is left alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from arborlink.cli import exits
from arborlink.cli.console import complain, say
from arborlink.cli.display import size_text
from arborlink.cli.input_left import give_back, unreadable_text
from arborlink.cli.interrupts import Interrupts, Left
from arborlink.cli.keyboard import STDIN, Keyboard
from arborlink.cli.progress import input_progress
from arborlink.client import TaskHandle
from arborlink.protocol.errors import ArborError, Conflict

# When a person is told why the command has not ended yet.
STILL_SENDING_SECONDS: Final = 3.0


class DetachedInput:
    """Sends standard input to `task`, and shows nothing of it."""

    def __init__(self, task: TaskHandle, interrupts: Interrupts) -> None:
        self._task = task
        self._interrupts = interrupts
        self._sent = 0
        self._writing = asyncio.Lock()
        self._ended = asyncio.Event()
        self._failure: ArborError | None = None
        self._unreadable: OSError | None = None
        self._keyboard = Keyboard(self._take, self._on_unreadable)
        self._progress = input_progress(STDIN)

    async def send(self) -> int:
        """Return the exit code, once the command has all input, or is over.

        Raises:
            ArborError: the input cannot be sent.
        """
        self._keyboard.start()
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._ended.wait()),
                group.create_task(self._until_over()),
                group.create_task(self._interrupts.cancel.wait()),
            ]
            saying = group.create_task(self._say_it_takes_long())
            await asyncio.wait(helpers, return_when=asyncio.FIRST_COMPLETED)
            for helper in (*helpers, saying):
                helper.cancel()
        self._keyboard.stop()
        self._progress.finish()
        if self._failure is not None:
            raise self._failure
        if self._unreadable is not None:
            return await self._cancel(self._unreadable)
        if self._task.over:
            give_back(self._keyboard, self._task.info)
        elif not self._ended.is_set():
            return await self._cut_off()
        elif self._sent:
            say(f"sent {self._sent:,} bytes of standard input to it (-n, --no-input: none)")
        return exits.DONE

    async def _until_over(self) -> None:
        # Whatever keeps us from following the task keeps us from sending to it, too.
        with suppress(ArborError):
            await self._task.wait()

    async def _say_it_takes_long(self) -> None:
        await asyncio.sleep(STILL_SENDING_SECONDS)
        say(
            f"still sending standard input to {self._task.id} ({size_text(self._sent)} so far). "
            "Ctrl-C ends the input here; -n (--no-input) starts a command without any"
        )

    async def _cut_off(self) -> int:
        """A signal came before the end of the input: end it with what was read."""
        task_id = self._task.id
        try:
            await self._interrupts.until_left(self._write(b"", eof=True))
        except (ArborError, Left):
            say(
                f"left; whether {task_id} has all of the {self._sent:,} bytes of input that were "
                f"read is not known. `arbor logs -f {task_id}` shows it, `arbor cancel` ends it"
            )
        else:
            say(
                f"the input ends here, after {self._sent:,} bytes; the task goes on with it. "
                f"`arbor logs -f {task_id}` shows it, `arbor cancel {task_id}` ends it"
            )
        return self._interrupts.exit_code

    async def _cancel(self, error: OSError) -> int:
        complain(unreadable_text(error, f"{self._task.id} is being cancelled, because it"))
        await self._task.cancel()
        return exits.ARBOR_FAILED

    async def _take(self, data: bytes) -> bool:
        try:
            await self._write(data, eof=not data)
        except Conflict as error:
            if error.code == "task_over":
                return False  # which `_until_over` hears of, too
            self._failure = None if error.code == "input_closed" else error
        except ArborError as error:
            self._failure = error
        else:
            self._sent += len(data)
            self._progress.advance(len(data))
            if data:
                return True
        self._ended.set()
        return False

    async def _write(self, data: bytes, *, eof: bool) -> None:
        # One after the other: the end of the input comes behind what was read before.
        async with self._writing:
            await self._task.write(data, eof=eof)

    def _on_unreadable(self, error: OSError) -> None:
        self._unreadable = error
        self._ended.set()
