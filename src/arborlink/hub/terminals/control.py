"""Which viewer of a terminal sets its size, and what each of them is told.

A viewer's size is a wish. It counts for the one that controls: the one that typed last, or took
it. A size is what the daemon says it applied, at an offset of the output; viewers hear it as that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from arborlink.hub.store.base import TaskRow, TaskStore
from arborlink.hub.terminals.ports import ScreenKeeper
from arborlink.protocol.lifecycle import TaskStatus, is_final
from arborlink.protocol.messages import Resize, TerminalState
from arborlink.protocol.resources import TerminalSize, TerminalSizeChange
from arborlink.protocol.size_history import SizeHistory, same_size

if TYPE_CHECKING:
    from arborlink.hub.live.facts import Facts
    from arborlink.hub.live.outputs import Outputs
    from arborlink.hub.live.presence import Presence


class TerminalViewer(Protocol):
    """A connection that follows a task as a terminal."""

    def terminal_changed(self, state: TerminalState) -> None:
        """The terminal has another size, or this viewer controls it now, or not any more."""


@dataclass(slots=True)
class _Terminal:
    """A terminal that is followed. `wishes`: its viewers, and the size each has room for."""

    history: SizeHistory
    wishes: dict[TerminalViewer, TerminalSize | None] = field(default_factory=dict)
    controller: TerminalViewer | None = None


class Terminals:
    """Terminals by task, as long as a viewer follows them. `keeper`: keeps their screens."""

    def __init__(
        self,
        tasks: TaskStore,
        outputs: Outputs,
        presence: Presence,
        facts: Facts,
        unix_us: Callable[[], int],
    ) -> None:
        self.keeper: ScreenKeeper | None = None
        self._tasks = tasks
        self._outputs = outputs
        self._presence = presence
        self._facts = facts
        self._unix_us = unix_us
        self._followed: dict[str, _Terminal] = {}
        # Sizes that are not stored yet, by task: output after them is read before they are.
        self._arrived: dict[str, list[TerminalSizeChange]] = {}

    def history(self, row: TaskRow) -> SizeHistory:
        """Return the sizes that a task's terminal has had; none: it has no terminal.

        Those that lie before any output that was received are among them.
        """
        followed = self._followed.get(row.id)
        known = self._stored(row) if followed is None else followed.history
        arrived = self._arrived.get(row.id)
        return known if arrived is None else SizeHistory((*known.items, *arrived))

    def join(self, row: TaskRow, viewer: TerminalViewer) -> None:
        """A viewer follows the terminal. Nothing changes by that alone."""
        terminal = self._followed.get(row.id)
        if terminal is None:
            terminal = self._followed[row.id] = _Terminal(self.history(row))
        terminal.wishes.setdefault(viewer, None)

    def leave(self, task_id: str, viewer: TerminalViewer) -> None:
        """A viewer follows the terminal no longer. The size stays."""
        terminal = self._followed.get(task_id)
        if terminal is None:
            return
        terminal.wishes.pop(viewer, None)
        if terminal.controller is viewer:
            terminal.controller = None
        if not terminal.wishes:
            del self._followed[task_id]

    def follows(self, task_id: str, viewer: TerminalViewer) -> bool:
        """Whether this viewer follows the task as a terminal."""
        terminal = self._followed.get(task_id)
        return terminal is not None and viewer in terminal.wishes

    def controls(self, task_id: str, viewer: TerminalViewer) -> bool:
        """Whether this viewer controls the terminal."""
        terminal = self._followed.get(task_id)
        return terminal is not None and terminal.controller is viewer

    def states(self, row: TaskRow, viewer: TerminalViewer, offset: int) -> list[TerminalState]:
        """Return what a viewer that begins at `offset` is to know: the size there, and all later
        ones in their order."""
        history = self.history(row)
        first = history.at(offset) or history.last
        changes = [] if first is None else [first]
        changes += [change for change in history.after(offset) if change != first]
        return [self._state(row.id, change, viewer) for change in changes]

    async def wish(
        self, row: TaskRow, viewer: TerminalViewer, size: TerminalSize, *, take: bool
    ) -> None:
        """A viewer has room for this size; `take`: it controls the terminal from now on."""
        terminal = self._followed.get(row.id)
        if terminal is None or viewer not in terminal.wishes:
            return
        terminal.wishes[viewer] = size
        if take:
            self._set_controller(row.id, terminal, viewer)
        if terminal.controller is viewer:
            await self._apply_wish(row, terminal)

    async def typed(self, row: TaskRow, viewer: TerminalViewer) -> None:
        """A viewer has typed: it controls the terminal, and has it in its size."""
        terminal = self._followed.get(row.id)
        if terminal is None or viewer not in terminal.wishes:
            return
        self._set_controller(row.id, terminal, viewer)
        await self._apply_wish(row, terminal)

    def size_arrived(self, row: TaskRow, change: TerminalSizeChange) -> None:
        """The daemon says a size. Called before any later output is received; see `resized`.

        Viewers are told at once: output is sent to them before it is stored, and what a program
        drew for the new size would be drawn in the old one. Each call is followed by one of
        `size_settled`.
        """
        self._arrived.setdefault(row.id, []).append(change)
        if self.keeper is not None:
            self.keeper.resized(row.id, change)
        if row.tty is not None and not is_final(row.status):
            self._tell(row.id, change)

    def size_settled(self, task_id: str, change: TerminalSizeChange) -> None:
        """A size that arrived is stored, or will not be on this connection."""
        self._arrived[task_id].remove(change)
        if not self._arrived[task_id]:
            del self._arrived[task_id]

    def task_removed(self, task_id: str) -> None:
        """The task is gone."""
        if self.keeper is not None:
            self.keeper.forget(task_id)

    def workspace_removed(self, workspace_id: str) -> None:
        """The workspace is gone, and its tasks with it."""
        if self.keeper is not None:
            self.keeper.forget_workspace(workspace_id)

    async def task_runs(self, row: TaskRow) -> None:
        """A task was started, or its daemon is back: what was wished for meanwhile counts now.

        If it has a terminal, its screen is kept from now on.
        """
        if row.status is not TaskStatus.RUNNING or row.tty is None:
            return
        if self.keeper is not None:
            self.keeper.follow(row, self.history(row))
        terminal = self._followed.get(row.id)
        if terminal is not None and terminal.controller is not None:
            await self._apply_wish(row, terminal)

    async def apply(self, row: TaskRow, size: TerminalSize) -> None:
        """Give the task's terminal another size, if it is running and has one."""
        session = self._presence.session(row.workspace_id)
        if row.tty is None or row.status is not TaskStatus.RUNNING or session is None:
            return
        if not session.reports_sizes and not same_size(size, row.tty):
            # Where an older daemon applies it is not known: about here.
            output = self._outputs.find(row.id)
            change = TerminalSizeChange(
                cols=size.cols,
                rows=size.rows,
                offset=0 if output is None else output.end,
                time=max(0, self._unix_us() - (row.started_at or row.created_at)),
            )
            await self.resized(row, change)
        session.send(Resize(task_id=row.id, cols=size.cols, rows=size.rows))

    async def resized(self, row: TaskRow, change: TerminalSizeChange) -> None:
        """The terminal has this size from an offset on. A repeat changes nothing."""
        if row.tty is None:
            return
        stored = await self._tasks.resize_task(row.id, change)
        if stored.tty != row.tty:
            self._facts.task_changed(stored)
        self._tell(row.id, change)

    def _tell(self, task_id: str, change: TerminalSizeChange) -> None:
        """Tell viewers of a size that they do not know yet."""
        terminal = self._followed.get(task_id)
        if terminal is None or not terminal.history.add(change):
            return  # a viewer that joined meanwhile has read it from the store
        for viewer in terminal.wishes:
            viewer.terminal_changed(self._state(task_id, change, viewer))

    def _stored(self, row: TaskRow) -> SizeHistory:
        history = SizeHistory(self._tasks.terminal_sizes(row.id))
        if not len(history) and row.tty is not None:
            tty = row.tty
            history.add(TerminalSizeChange(cols=tty.cols, rows=tty.rows, offset=0, time=0))
        return history

    async def _apply_wish(self, row: TaskRow, terminal: _Terminal) -> None:
        if terminal.controller is None:
            return
        wish, now = terminal.wishes.get(terminal.controller), terminal.history.last
        if wish is not None and now is not None and not same_size(wish, now):
            await self.apply(row, wish)

    def _set_controller(self, task_id: str, terminal: _Terminal, viewer: TerminalViewer) -> None:
        before, terminal.controller = terminal.controller, viewer
        last = terminal.history.last
        if before is viewer or last is None:
            return
        for each in (before, viewer):
            if each is not None:
                each.terminal_changed(self._state(task_id, last, each))

    def _state(
        self, task_id: str, change: TerminalSizeChange, viewer: TerminalViewer
    ) -> TerminalState:
        return TerminalState(
            task_id=task_id,
            offset=change.offset,
            cols=change.cols,
            rows=change.rows,
            controls=self.controls(task_id, viewer),
        )
