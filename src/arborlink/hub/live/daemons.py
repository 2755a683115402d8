"""What every daemon session shares: the stores, and the question whose word counts."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from arborlink.hub.live.daemon_session import DaemonSession
from arborlink.hub.live.dispatcher import Dispatcher
from arborlink.hub.live.facts import Facts
from arborlink.hub.live.flusher import Flusher
from arborlink.hub.live.inputs import Inputs
from arborlink.hub.live.output import TaskOutput, storage_fault
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.live.presence import Presence
from arborlink.hub.live.settlement import Settlement
from arborlink.hub.live.token_rotation import TokenRotation
from arborlink.hub.store.base import TaskRow, TaskStore, WorkspaceStore
from arborlink.hub.terminals.control import Terminals
from arborlink.outputlog import LogCorrupt, LogError
from arborlink.protocol import limits
from arborlink.protocol.lifecycle import is_final

_LOG_ID: Final = re.compile(r"[0-9a-f]{32}")


def unnamed_log_id(task_id: str) -> str:
    """The identity of a log whose daemon did not say one before its first byte."""
    return hashlib.sha256(task_id.encode()).hexdigest()[:32]


def stored_log_id(log_id: str) -> str:
    """What stands for a daemon's `logId` in the log's header, which holds 32 hex digits."""
    if _LOG_ID.fullmatch(log_id) is not None:
        return log_id
    return hashlib.sha256(log_id.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Daemons:
    """Handed to each session."""

    tasks: TaskStore
    workspaces: WorkspaceStore
    outputs: Outputs
    inputs: Inputs
    flusher: Flusher
    presence: Presence
    settlement: Settlement
    dispatcher: Dispatcher
    facts: Facts
    rotation: TokenRotation
    terminals: Terminals
    unacknowledged_limit: int = limits.DAEMON_UNACKNOWLEDGED_BYTES

    def is_current(self, session: DaemonSession) -> bool:
        """Whether the session holds its workspace's newest epoch (design rule 5)."""
        return self.presence.session(session.workspace_id) is session

    def open_output(self, row: TaskRow, log_id: str | None) -> TaskOutput:
        """The task's output, ready to be written.

        Raises:
            LogCorrupt: what is stored of it cannot be used.
            Unavailable: the disk is full or broken.
        """
        named = log_id or row.log_id
        try:
            return self.outputs.open_writer(
                row.id, unnamed_log_id(row.id) if named is None else stored_log_id(named)
            )
        except LogCorrupt:
            raise
        except (OSError, LogError) as error:
            raise storage_fault(error) from error

    def renew_credit(self) -> None:
        """Tell every daemon what it may send now of each output that is being written."""
        for output in self.outputs.written():
            row = self.tasks.task(output.task_id)
            session = None if row is None else self.presence.session(row.workspace_id)
            if session is not None:
                session.acknowledge(output)

    async def room_changed(self) -> None:
        """The hub's disk has become low, or has room again: then hand over what waited for it."""
        self.renew_credit()
        for session in self.presence.sessions():
            await self.dispatcher.kick(session.workspace_id)

    def input_acknowledged(self, row: TaskRow, offset: int) -> None:
        """The command has read its input up to `offset`."""
        if is_final(row.status):
            return
        if self.inputs.relay(row.id).acknowledge(offset):
            self.facts.input_acknowledged(row.workspace_id, row.id, offset)

    async def left(self, session: DaemonSession) -> None:
        """The session's connection is gone."""
        if self.presence.leave(session):
            await self.workspaces.daemon_disconnected(
                session.workspace_id, session.epoch, session.last_seen_us()
            )
            self.facts.workspace_changed(session.workspace_id)
