"""How a supervisor ends: asked once, it ends its tasks and delivers that; asked twice, at once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final, Literal

from arborlink.daemon import processes
from arborlink.daemon.console import say
from arborlink.protocol import limits

if TYPE_CHECKING:
    from arborlink.daemon.supervisor import Supervisor
    from arborlink.daemon.workspace import Workspace

# For the hub to confirm the ends of the tasks, and then for the connector to close.
DELIVER_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 3.0
# The hub does not want this daemon (sysexits.h, EX_NOPERM): for whoever would start it again.
REFUSED_EXIT_CODE: Final = 77

_Stage = Literal["serving", "ending", "delivering", "closing", "over"]


class Stopping:
    """serving → ending (tasks) → delivering (their ends) → closing (the connector) → over."""

    def __init__(self, supervisor: Supervisor, mode: Literal["cancel", "wait"]) -> None:
        self.exit_code = 0
        self._supervisor = supervisor
        self._mode = mode
        self._stage: _Stage = "serving"
        self._deadline = 0.0
        self._connected: set[str] = set()
        self._refused: set[str] = set()

    @property
    def is_over(self) -> bool:
        """Whether the process may end."""
        return self._stage == "over"

    def request(self) -> None:
        """SIGTERM, SIGINT or SIGHUP."""
        if self._stage != "serving":
            self._force()
            return
        say("stopping; once more to stop at once")
        self._begin()

    def connected(self, workspace_id: str, connected: bool) -> None:
        """A workspace's connection has come or gone."""
        if connected:
            self._connected.add(workspace_id)
        else:
            self._connected.discard(workspace_id)

    def connector_started(self) -> None:
        """A new connector: it has no connections yet."""
        self._connected.clear()

    def refused(self, workspace: Workspace) -> None:
        """The hub does not want this daemon: its tasks end; with the last one the process does."""
        self._refused.add(workspace.id)
        self._connected.discard(workspace.id)
        workspace.refusing = "the hub does not accept this daemon any more"
        workspace.cancel_all(limits.DEFAULT_GRACE_SECONDS)
        if self._refused == set(self._supervisor.workspaces) and self._stage == "serving":
            self.exit_code = REFUSED_EXIT_CODE
            self._begin()

    def look(self) -> None:
        """Go on to the next stage as soon as this one is done."""
        now = self._supervisor.loop.now()
        if self._stage == "ending" and not self._has_running():
            self._enter("delivering", DELIVER_SECONDS)
        if self._stage == "delivering" and (now >= self._deadline or not self._has_undelivered()):
            self._supervisor.launcher.stop()
            self._enter("closing", CLOSE_SECONDS)
        if self._stage == "closing":
            if self._supervisor.launcher.pid is None:
                self._stage = "over"
            elif now >= self._deadline:
                self._supervisor.launcher.kill()

    def _begin(self) -> None:
        self._stage = "ending"
        for workspace in self._supervisor.workspaces.values():
            workspace.refusing = workspace.refusing or "the daemon is stopping"
            if self._mode == "cancel" or self.exit_code:
                workspace.cancel_all(limits.DEFAULT_GRACE_SECONDS)

    def _enter(self, stage: _Stage, seconds: float) -> None:
        self._stage = stage
        self._deadline = self._supervisor.loop.call_later(seconds, lambda: None).when

    def _has_running(self) -> bool:
        return any(workspace.running for workspace in self._supervisor.workspaces.values())

    def _has_undelivered(self) -> bool:
        workspaces = self._supervisor.workspaces
        return any(workspaces[workspace_id].unsettled for workspace_id in self._connected)

    def _force(self) -> None:
        """The next supervisor reports what still ran as lost."""
        for workspace in self._supervisor.workspaces.values():
            for task in workspace.running:
                processes.signal_all(task.tree, signal.SIGKILL, spare=self._supervisor.spared())
        self._supervisor.launcher.stop()
        self._supervisor.launcher.kill()
        self.exit_code = self.exit_code or 1
        self._stage = "over"
