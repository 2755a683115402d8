"""What every daemon session shares: the stores, and the question whose word counts."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from arborlink.hub.live.clock import now_us
from arborlink.hub.live.daemon_session import DaemonSession
from arborlink.hub.live.dispatcher import Dispatcher
from arborlink.hub.live.facts import Facts
from arborlink.hub.live.flusher import Flusher
from arborlink.hub.live.inputs import Inputs
from arborlink.hub.live.output import TaskOutput
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.live.presence import Presence
from arborlink.hub.live.settlement import Settlement
from arborlink.hub.store.base import TaskRow, TaskStore, WorkspaceStore
from arborlink.outputlog import LogError
from arborlink.protocol import limits
from arborlink.protocol.errors import Unavailable


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
    unacknowledged_limit: int = limits.DAEMON_UNACKNOWLEDGED_BYTES

    def is_current(self, session: DaemonSession) -> bool:
        """Whether the session holds its workspace's newest epoch (design rule 5)."""
        return self.presence.session(session.workspace_id) is session

    def open_output(self, row: TaskRow, log_id: str | None) -> TaskOutput:
        """The task's output, ready to be written.

        Raises:
            Unavailable: the disk is full or broken.
        """
        try:
            return self.outputs.open_writer(row.id, log_id or row.log_id or secrets.token_hex(16))
        except (OSError, LogError) as error:
            raise Unavailable(
                f"the hub cannot store output now ({error}); retry in 5 seconds",
                code="storage_full",
            ) from error

    def input_acknowledged(self, row: TaskRow, offset: int) -> None:
        """The command has read its input up to `offset`."""
        if self.inputs.relay(row.id).acknowledge(offset):
            self.facts.input_acknowledged(row.workspace_id, row.id, offset)

    async def left(self, session: DaemonSession) -> None:
        """The session's connection is gone."""
        if self.presence.leave(session):
            await self.workspaces.daemon_disconnected(session.workspace_id, session.epoch, now_us())
            self.facts.workspace_changed(session.workspace_id)
