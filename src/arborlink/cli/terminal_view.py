"""A task's terminal in the terminal here: what is shown, what is typed, and the size."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from arborlink.cli import terminal
from arborlink.cli.console import say
from arborlink.cli.screen.detach_key import Key, keys_text
from arborlink.cli.screen.keys import Keys, Typed, What
from arborlink.cli.screen.local import LocalTerminal
from arborlink.client import Chunk, Gap, Snapshot, TaskHandle, TerminalChange
from arborlink.protocol.limits import MIB

WINDOW_BYTES: Final = 4 * MIB


class TerminalView:
    """The shell around `LocalTerminal` and `Keys`.

    `starts`: this is where the task is started, so its terminal is this one's from the first byte.
    `read_only`: nothing is typed and no size is set.
    """

    def __init__(
        self, task: TaskHandle, detach: tuple[Key, ...], *, starts: bool, read_only: bool = False
    ) -> None:
        self._task = task
        self._detach = detach
        self._read_only = read_only
        self._is_filtered = terminal.is_shown()
        self._reads_keys = terminal.is_interactive()
        self._local = LocalTerminal(may_act=starts)
        self._keys = Keys(detach)
        self._keys_changed = asyncio.Event()
        self._size_changed = asyncio.Event()
        self._takes_size = not read_only
        # Until the hub has said that this terminal has control, as was asked for at once.
        self._is_starting = starts
        # Of a hub that does not say who controls a terminal: what was written before is a replay.
        self._live_from: int | None = 0 if starts else task.info.output_size
        if self._reads_keys and not read_only:
            # Others may type as well, in the page or another terminal.
            task.share_input()

    @property
    def sets_size(self) -> bool:
        """Whether the task's terminal is given the size of this one."""
        return not self._read_only and (self._is_filtered or self._reads_keys)

    @property
    def detach_text(self) -> str:
        """How this terminal is left."""
        return keys_text(self._detach)

    def restoring(self) -> bytes:
        """What puts the terminal back."""
        return self._local.leave()

    def items(self, offset: int) -> AsyncGenerator[Chunk | Gap | Snapshot | TerminalChange, None]:
        """What there is to show; to a file or program the output as it is."""
        if not self._is_filtered:
            return self._task.output(offset, window=WINDOW_BYTES)
        return self._task.terminal(offset, window=WINDOW_BYTES)

    def show(self, item: Chunk | Snapshot | TerminalChange) -> bytes:
        """Return what to write for `item`."""
        if isinstance(item, TerminalChange):
            self._live_from = None
            return self._change(item)
        if not self._is_filtered:
            return item.data
        if isinstance(item, Snapshot):
            return self._local.replace(item.data, terminal.size()[1])
        began = b""
        if self._live_from is not None and item.offset >= self._live_from:
            self._live_from = None
            began = self._local.set_may_act(not self._read_only)
        return began + self._local.show(item.data)

    def _change(self, change: TerminalChange) -> bytes:
        if not self._is_filtered:
            return b""
        size = terminal.size()
        if self._read_only and (change.cols, change.rows) != size:
            self._say_other_size(change, size)
        self._is_starting = self._is_starting and not change.controls
        if self._is_starting:
            return b""
        return self._local.set_may_act(change.controls and not self._read_only)

    def _say_other_size(self, change: TerminalChange, size: tuple[int, int]) -> None:
        say(
            f"the terminal is {change.cols} by {change.rows}, and this window {size[0]} by "
            f"{size[1]}: lines may be in the wrong place. Give the window that size"
        )

    # ── typing ───────────────────────────────────────────────────────────────────────────────

    def typed(self, data: bytes) -> list[Typed]:
        """Return what `data` from standard input means; `b""` is its end."""
        if not self._reads_keys:
            return [Typed(What.KEYS, data)]
        found = self._keys.receive(data, self._now())
        self._keys_changed.set()
        return self._allowed(found)

    def _allowed(self, found: list[Typed]) -> list[Typed]:
        if self._read_only:
            return [each for each in found if each.what is What.DETACH]
        return found

    async def follow_keys(self, act: Callable[[list[Typed]], Awaitable[bool]]) -> None:
        """Tell `act` what it means that no more keys follow, until it wants no more."""
        goes_on = True
        while goes_on:
            deadline = self._keys.next_deadline()
            self._keys_changed.clear()
            try:
                delay = None if deadline is None else max(0.0, deadline - self._now())
                async with asyncio.timeout(delay):
                    await self._keys_changed.wait()
            except TimeoutError:
                goes_on = await act(self._allowed(self._keys.on_deadline(self._now())))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    # ── the size ─────────────────────────────────────────────────────────────────────────────

    async def follow_size(self) -> None:
        """Give the task's terminal the size of this one, now and when that changes.

        The first time with control of the terminal: it is sat down at. Later the size is a wish.
        """
        if not self.sets_size:
            return
        changed = self._size_changed
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, changed.set)
        while True:
            await self._task.resize(*terminal.size(), take=self._takes_size)
            self._takes_size = False
            await changed.wait()
            changed.clear()
