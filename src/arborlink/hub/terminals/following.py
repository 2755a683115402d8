"""What one viewer's connection follows as a terminal: its screens, sizes, and who controls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from arborlink.hub.store.base import TaskRow
from arborlink.hub.terminals.control import Terminals
from arborlink.hub.terminals.ports import ScreenSource
from arborlink.protocol import limits
from arborlink.protocol.messages import AnyMessage, Screen, TerminalState

if TYPE_CHECKING:
    from arborlink.hub.live.subscription import Rotation, Subscription


class TerminalFollowing:
    """Holds a subscription until its screen is there; then `screen`, `terminal`, and the output.

    One screen at a time is asked for and kept, however many terminals a connection follows: the
    next one when the viewer has taken the last.
    """

    def __init__(
        self,
        terminals: Terminals,
        screens: ScreenSource | None,
        rotation: Rotation,
        *,
        holder: str,
        send: Callable[[AnyMessage], None],
        wake: Callable[[], None],
    ) -> None:
        self._terminals = terminals
        self._screens = screens
        self._rotation = rotation
        self._holder = holder
        self._send = send
        self._wake = wake
        self._held: dict[str, tuple[TaskRow, Subscription]] = {}
        self._resuming: set[str] = set()
        self._beginning: Subscription | None = None
        self._changed = asyncio.Event()

    def follow(self, row: TaskRow, subscription: Subscription, *, resumes: bool) -> None:
        """Hold a new subscription until there is a screen for it.

        `resumes`: it needs none, unless it is far behind.
        """
        self._terminals.join(row, self)
        (self._resuming.add if resumes else self._resuming.discard)(row.id)
        subscription.hold(self._changed.set)
        self._held[row.id] = (row, subscription)
        self._changed.set()

    def unfollow(self, task_id: str) -> None:
        """The task is not followed any more, or not as a terminal."""
        self._held.pop(task_id, None)
        self._resuming.discard(task_id)
        self._terminals.leave(task_id, self)
        self._changed.set()

    def terminal_changed(self, state: TerminalState) -> None:
        """Tell the viewer, after what it has still to be sent of the beginning."""
        subscription = self._rotation.get(state.task_id)
        if subscription is None or subscription.is_held:
            return
        if subscription.prologue:
            subscription.prologue.append(state)
        else:
            self._send(state)

    async def run(self) -> None:
        """Ask for the screens that subscriptions wait for, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._held and not self._is_beginning():
                task_id, (row, subscription) = next(iter(self._held.items()))
                await self._begin(row, subscription)
                if self._held.get(task_id, (row, None))[1] is subscription:
                    self._held.pop(task_id)

    def _is_beginning(self) -> bool:
        subscription = self._beginning
        if subscription is None or not subscription.prologue:
            return False
        return self._rotation.get(subscription.output.task_id) is subscription

    async def _begin(self, row: TaskRow, subscription: Subscription) -> None:
        screen: Screen | None = None
        behind = subscription.output.end - subscription.cursor.sent
        needs_none = row.id in self._resuming and behind <= limits.TERMINAL_RESUME_BYTES
        if self._screens is not None and not needs_none:
            screen = await self._screens.snapshot(row, self._terminals.history(row), self._holder)
        if self._rotation.get(row.id) is not subscription:
            return
        offset = subscription.cursor.sent if screen is None else screen.offset
        subscription.begin(screen, self._terminals.states(row, self, offset))
        self._beginning = subscription
        self._wake()
