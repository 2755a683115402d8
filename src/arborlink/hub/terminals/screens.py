"""The hub's end of the process that keeps screens: started for the first terminal, and again."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from arborlink.hub.screen import ipc
from arborlink.hub.screen.shares import DrawingTime, crowded_out
from arborlink.hub.store.base import TaskRow
from arborlink.hub.terminals.requests import Request, Requests
from arborlink.protocol.backoff import CAP_SECONDS, Backoff
from arborlink.protocol.limits import MIB
from arborlink.protocol.messages import Screen
from arborlink.protocol.resources import TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory

MODULE: Final = "arborlink.hub.screen.keeper"
# For a snapshot, from the request on; then a viewer gets the output as it is stored.
SNAPSHOT_SECONDS: Final = 3.0
# Of those, for the drawing.
DRAW_SECONDS: Final = 1.5
# For an answer, after which it is taken for stuck, and started anew.
STUCK_SECONDS: Final = 15.0
# What it has not read; beyond this as well.
MAX_UNREAD_BYTES: Final = 8 * MIB

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Followed:
    """A terminal that is kept up to date."""

    terminal: ipc.Follow
    history: SizeHistory

    def as_it_is(self) -> ipc.Follow:
        return msgspec.structs.replace(self.terminal, sizes=[*self.history.items])


class Screens:
    """Asks the process for snapshots, one at a time; see `Requests` for whose turn it is.

    Where it is gone, slow or overtaxed there is no snapshot, and nothing else is different.
    """

    def __init__(
        self, stem: Callable[[str], Path], models: int, owner: Callable[[str], str]
    ) -> None:
        """`models`: how many terminals are kept up to date; `owner`: of a workspace, by its id."""
        self._stem = stem
        self._models = models
        self._owner = owner
        self._followed: dict[str, _Followed] = {}
        self._process: Process | None = None
        self._drawn = DrawingTime()
        self._requests = Requests(
            lambda terminal: self._drawn.left(terminal.owner_id, time.monotonic()) < 0
        )
        self._asked: asyncio.Future[ipc.Taken] | None = None
        self._number = 0
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Keep the process running from the first terminal on, until cancelled."""
        backoff = Backoff(random.random)
        while True:
            await self._wanted.wait()
            began = asyncio.get_running_loop().time()
            try:
                process = await _start(self._models)
            except OSError as error:
                logger.warning("screens of terminals cannot be kept: %s", error)
            else:
                try:
                    await self._serve(process)
                finally:
                    self._process = None
                    await _end(process)
            if asyncio.get_running_loop().time() - began > CAP_SECONDS:
                backoff.succeeded()
            await asyncio.sleep(backoff.next_delay())

    async def snapshot(self, row: TaskRow, history: SizeHistory, holder: str) -> Screen | None:
        """Return what a terminal shows now; None where that cannot be had in time.

        `holder`: whose request it is.
        """
        self._wanted.set()
        request = Request(holder, self._terminal(row, history))
        self._requests.add(request)
        taken = ipc.Taken(0)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(SNAPSHOT_SECONDS):
                    taken = await request.answer
        finally:
            self._requests.remove(request)
        if taken.fault is not None:
            logger.warning("no screen of %s: %s", row.id, taken.fault)
        if taken.output is None:
            return None
        return Screen(
            task_id=row.id,
            offset=taken.offset,
            cols=taken.cols,
            rows=taken.rows,
            output=taken.output,
        )

    def follow(self, row: TaskRow, history: SizeHistory) -> None:
        """A terminal runs: its model is kept up to date from now on."""
        terminal = self._terminal(row, history)
        self._followed[row.id] = _Followed(terminal, SizeHistory(terminal.sizes))
        while len(self._followed) > self._models:
            models = ((key, each.terminal.owner_id, 1) for key, each in self._followed.items())
            oldest = crowded_out(models, row.id)
            self._followed.pop(oldest or row.id)
        self._wanted.set()
        self._send(terminal)

    def resized(self, task_id: str, change: TerminalSizeChange) -> None:
        """A terminal has another size. Called before any output that is written at it is stored."""
        followed = self._followed.get(task_id)
        if followed is not None and followed.history.add(change):
            self._send(ipc.Sized(task_id, change))

    def forget(self, task_id: str) -> None:
        """The task is gone."""
        self._followed.pop(task_id, None)
        self._requests.end(lambda terminal: terminal.task_id == task_id)
        self._send(ipc.Forget(task_id))

    def forget_workspace(self, workspace_id: str) -> None:
        """The workspace is gone, and all of its tasks."""
        for task_id, followed in list(self._followed.items()):
            if followed.terminal.workspace_id == workspace_id:
                del self._followed[task_id]
        self._requests.end(lambda terminal: terminal.workspace_id == workspace_id)
        self._send(ipc.ForgetWorkspace(workspace_id))

    def _terminal(self, row: TaskRow, history: SizeHistory) -> ipc.Follow:
        return ipc.Follow(
            row.id,
            str(self._stem(row.id)),
            list(history.items),
            row.workspace_id,
            self._owner(row.workspace_id),
        )

    async def _serve(self, process: Process) -> None:
        self._process = process
        for followed in self._followed.values():
            self._send(followed.as_it_is())
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self._ask_all(process))
            await self._read(process)
            asking.cancel()

    async def _read(self, process: Process) -> None:
        """Take answers until the process ends."""
        assert process.stdout is not None
        with suppress(asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError):
            while True:
                head = await process.stdout.readexactly(ipc.LENGTH.size)
                (length,) = ipc.LENGTH.unpack(head)
                if length > ipc.MAX_FRAME_BYTES:
                    break
                taken = ipc.decode_answer(await process.stdout.readexactly(length))
                if taken.number == self._number and self._asked and not self._asked.done():
                    self._asked.set_result(taken)

    async def _ask_all(self, process: Process) -> None:
        """Ask for one snapshot after the other: each is made to its end, also when it was given
        up meanwhile, so that asking and leaving has nothing done beside it."""
        while True:
            request = await self._requests.next()
            self._number += 1
            self._asked = asyncio.get_running_loop().create_future()
            self._send(ipc.Take(self._number, request.terminal, DRAW_SECONDS))
            taken = ipc.Taken(0)
            try:
                async with asyncio.timeout(STUCK_SECONDS):
                    taken = await self._asked
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                return
            finally:
                request.end(taken)
            self._drawn.spend(request.terminal.owner_id, taken.spent, time.monotonic())

    def _send(self, message: ipc.ToKeeper) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        if process.stdin.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            process.stdin.close()
            return
        process.stdin.write(ipc.frame(message))


async def _start(models: int) -> Process:
    # -P: the folder the hub was started in is not a place for our modules. Nothing of the hub's
    # environment is needed there but where Python finds what is installed.
    kept = {name: value for name, value in os.environ.items() if name in _KEPT_VARIABLES}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        MODULE,
        str(models),
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=kept,
        cwd="/",
        start_new_session=True,
    )


_KEPT_VARIABLES: Final = frozenset(
    {"PATH", "PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV"}
)


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
