"""The hub's end of the process that keeps screens: started for the first terminal, and again."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from arborlink.hub.screen import ipc
from arborlink.hub.store.base import TaskRow
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
# Requests in a row without any answer, after which it is taken for stuck, and started anew.
MAX_MISSES: Final = 8
# What it has not read; beyond this as well.
MAX_UNREAD_BYTES: Final = 8 * MIB

logger = logging.getLogger(__name__)


class Screens:
    """Asks the process for snapshots, one at a time for each holder of a connection.

    Where it is gone, slow or overtaxed there is no snapshot, and nothing else is different.
    """

    def __init__(self, stem: Callable[[str], Path], models: int) -> None:
        """`models`: how many terminals are kept up to date."""
        self._stem = stem
        self._models = models
        self._misses = 0
        self._followed: OrderedDict[str, ipc.Follow] = OrderedDict()
        self._workspaces: dict[str, str] = {}
        self._process: Process | None = None
        self._waiting: dict[int, asyncio.Future[ipc.Taken]] = {}
        self._number = 0
        self._wanted = asyncio.Event()
        self._up = asyncio.Event()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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
                    await _end(process)
                    self._lost()
            if asyncio.get_running_loop().time() - began > CAP_SECONDS:
                backoff.succeeded()
            await asyncio.sleep(backoff.next_delay())

    async def snapshot(self, row: TaskRow, history: SizeHistory, holder: str) -> Screen | None:
        """Return what a terminal shows now; None where that cannot be had in time.

        `holder`: whose request it is; those of one wait for each other.
        """
        self._wanted.set()
        turn = self._turns.setdefault(holder, asyncio.Lock())
        with suppress(TimeoutError):
            async with asyncio.timeout(SNAPSHOT_SECONDS), turn:
                await self._up.wait()
                taken = await self._ask(self._terminal(row, history))
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
        return None

    def follow(self, row: TaskRow, history: SizeHistory) -> None:
        """A terminal runs: its model is kept up to date from now on."""
        terminal = self._terminal(row, history)
        self._followed[row.id] = terminal
        self._workspaces[row.id] = row.workspace_id
        while len(self._followed) > self._models:
            self._unfollow(next(iter(self._followed)))
        self._wanted.set()
        self._send(terminal)

    def resized(self, task_id: str, change: TerminalSizeChange) -> None:
        """A terminal has another size. Called before any output that is written at it is stored."""
        terminal = self._followed.get(task_id)
        if terminal is not None:
            sizes = SizeHistory(terminal.sizes)
            if sizes.add(change):
                self._followed[task_id] = msgspec.structs.replace(terminal, sizes=[*sizes.items])
                self._send(ipc.Sized(task_id, change))

    def forget(self, task_id: str) -> None:
        """The task is gone."""
        self._unfollow(task_id)
        self._send(ipc.Forget(task_id))

    def forget_workspace(self, workspace_id: str) -> None:
        """The workspace is gone, and all of its tasks."""
        for task_id, known in list(self._workspaces.items()):
            if known == workspace_id:
                self.forget(task_id)

    def _unfollow(self, task_id: str) -> None:
        self._followed.pop(task_id, None)
        self._workspaces.pop(task_id, None)

    def _terminal(self, row: TaskRow, history: SizeHistory) -> ipc.Follow:
        return ipc.Follow(row.id, str(self._stem(row.id)), list(history.items))

    async def _ask(self, terminal: ipc.Follow) -> ipc.Taken:
        self._number += 1
        number = self._number
        answer: asyncio.Future[ipc.Taken] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send(ipc.Take(number, terminal, DRAW_SECONDS))
            return await answer
        finally:
            self._waiting.pop(number, None)
            self._misses = 0 if answer.done() and not answer.cancelled() else self._misses + 1
            if self._misses >= MAX_MISSES and self._process is not None:
                self._misses = 0
                self._process.kill()

    async def _serve(self, process: Process) -> None:
        assert process.stdout is not None
        self._process = process
        for terminal in self._followed.values():
            self._send(terminal)
        self._up.set()
        with suppress(asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError):
            while True:
                head = await process.stdout.readexactly(ipc.LENGTH.size)
                (length,) = ipc.LENGTH.unpack(head)
                if length > ipc.MAX_FRAME_BYTES:
                    break
                taken = ipc.decode_answer(await process.stdout.readexactly(length))
                waiting = self._waiting.get(taken.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(taken)

    def _send(self, message: ipc.ToKeeper) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        if process.stdin.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            process.stdin.close()
            return
        process.stdin.write(ipc.frame(message))

    def _lost(self) -> None:
        self._process = None
        self._up.clear()
        for number, waiting in self._waiting.items():
            if not waiting.done():
                waiting.set_result(ipc.Taken(number))


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
