"""The process that owns the commands. No network, no asyncio.

One thread, one loop: commands' output, signals, the connector's socket. It goes on when the
network, the hub or the connector does not.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final, Literal, assert_never

import msgspec

from arborlink import __version__
from arborlink.daemon import ipc, linux, processes_file
from arborlink.daemon.channel import Channel
from arborlink.daemon.console import say, say_new_key
from arborlink.daemon.control import Control
from arborlink.daemon.discarder import Discarder
from arborlink.daemon.identity import Identity, keep_hub_key, keep_token, present_hub_key
from arborlink.daemon.launcher import Launcher
from arborlink.daemon.loop import Loop
from arborlink.daemon.processes_file import DaemonProcesses, ProcessInfo
from arborlink.daemon.signals import Signals
from arborlink.daemon.stopping import Stopping
from arborlink.daemon.syncer import Syncer
from arborlink.daemon.task import reap
from arborlink.daemon.workspace import TaskRecord, Workspace
from arborlink.protocol import octets
from arborlink.protocol.messages import Status
from arborlink.protocol.resources import TerminalSizeChange

OnStop = Literal["cancel", "wait"]
_INSTANCE_ID_BYTES: Final = 16


class Supervisor:
    """Serves the workspaces of `identities`, whose state folders the caller has locked."""

    def __init__(
        self,
        identities: list[Identity],
        *,
        on_stop: OnStop = "cancel",
    ) -> None:
        """Recover what was left, and be ready to `run`.

        Raises:
            PolicyError: an `arbor.toml` cannot be used.
            OSError: the disk refuses.
        """
        linux.hide_memory()
        linux.become_subreaper()
        self.instance_id = os.urandom(_INSTANCE_ID_BYTES).hex()
        self.loop = Loop()
        self._syncer = Syncer(self.loop)
        self._discarder = Discarder(self.loop)
        self.workspaces = {
            identity.workspace_id: Workspace(identity, self.loop, self._syncer, self)
            for identity in identities
        }
        self.launcher = Launcher(
            self.loop,
            on_message=self._on_message,
            on_started=self._send_snapshot,
            pid_files=[identity.folder / "connector.pid" for identity in identities],
        )
        self._control = Control(
            self.loop,
            [identity.folder for identity in identities],
            __version__,
            on_failed=_say_no_control,
        )
        self._stopping = Stopping(self, on_stop)
        self._signals = Signals(self.loop, on_child=self._on_child, on_stop=self._stopping.request)

    def run(self) -> int:
        """Serve until told to stop; the process's exit code."""
        self.launcher.start()
        while not self._stopping.is_over:
            if self.launcher.channel is not None:
                self.launcher.channel.flush()
            self.loop.turn()
            self._stopping.look()
        self._close()
        return self._stopping.exit_code

    # ── what the workspaces tell ─────────────────────────────────────────────────────────────

    def task_known(self, workspace: Workspace, record: TaskRecord) -> None:
        """There is a task that the connector does not know."""
        self._send(_known(workspace, record))

    def status_changed(self, workspace: Workspace, record: TaskRecord) -> None:
        """A task has another status, or is to be answered with the one it has."""
        self._send(ipc.StatusChanged(workspace.id, record.status))

    def status_answered(self, workspace: Workspace, status: Status) -> None:
        """A status of something that is no task here."""
        self._send(ipc.StatusChanged(workspace.id, status))

    def grown(self, workspace: Workspace, record: TaskRecord) -> None:
        """More output may be sent, or less is kept."""
        channel = self.launcher.channel
        if channel is not None:
            key = (workspace.id, record.task_id)
            channel.notify("grown", key, lambda: _grown(workspace, record))

    def input_written(self, workspace: Workspace, record: TaskRecord) -> None:
        """Input has reached the command."""
        channel, running = self.launcher.channel, record.running
        if channel is not None and running is not None:
            key = (workspace.id, record.task_id)
            channel.notify(
                "input",
                key,
                lambda: ipc.InputWritten(workspace.id, record.task_id, running.input_offset),
            )

    def resized(self, workspace: Workspace, record: TaskRecord, size: TerminalSizeChange) -> None:
        """A terminal has another size."""
        self._send(ipc.TerminalResized(workspace.id, record.task_id, size))

    def discard(self, fds: list[int]) -> None:
        """Read these and throw it away."""
        self._discarder.add(fds)

    def spared(self) -> Collection[int]:
        """The connector belongs to no task."""
        return () if self.launcher.pid is None else (self.launcher.pid,)

    # ── in here ──────────────────────────────────────────────────────────────────────────────

    def _send(self, message: ipc.ToConnector) -> None:
        if self.launcher.channel is not None:
            self.launcher.channel.send(message)

    def _send_snapshot(self, channel: Channel) -> None:
        self._stopping.connector_started()
        self._write_processes()
        served = [_served(workspace) for workspace in self.workspaces.values()]
        channel.send(ipc.Begin(self.instance_id, served, __version__, ipc.CHANNEL_VERSION))
        for workspace in self.workspaces.values():
            for record in workspace.unsettled:
                channel.send(_known(workspace, record))
        channel.send(ipc.Ready())

    def _on_child(self) -> None:
        for pid, exit_code in reap():
            if pid == self.launcher.pid:
                self.launcher.reaped(exit_code)
            else:
                any(workspace.reaped(pid, exit_code) for workspace in self.workspaces.values())
        for workspace in self.workspaces.values():
            for task in workspace.running:
                task.somebody_died()

    def _on_hello(self, hello: ipc.Hello) -> None:
        self._write_processes(hello.version, hello.channel)
        if hello.version != __version__:
            say(
                f"Arbor {hello.version} is installed by now, and this daemon is {__version__}: its "
                "connector is the new one. Restart the daemon when no task runs",
                level="warning",
            )

    def _write_processes(self, version: str | None = None, channel: int = 0) -> None:
        """Say in every state folder which releases work together, for `arbor doctor`."""
        pid = self.launcher.pid
        ours = ProcessInfo(os.getpid(), __version__, ipc.CHANNEL_VERSION)
        its = None if pid is None else ProcessInfo(pid, version, channel)
        for workspace in self.workspaces.values():
            processes_file.write(workspace.identity.folder, DaemonProcesses(ours, its))

    def _on_message(self, message: ipc.ToSupervisor) -> None:
        if isinstance(message, ipc.Hello):
            self._on_hello(message)
            return
        workspace = self.workspaces.get(message.workspace)
        if workspace is None:
            say(f"the connector named an unknown workspace {message.workspace}", level="error")
            return
        match message:
            case ipc.StartTask():
                workspace.start(message.command)
            case ipc.FeedInput():
                workspace.feed(message.input)
            case ipc.ResizeTerminal():
                workspace.resize(message.resize)
            case ipc.CancelTask():
                workspace.cancel(message.cancel)
            case ipc.Acknowledged():
                workspace.acknowledged(message.task_id, message.offset, settled=message.settled)
            case ipc.Incomplete():
                workspace.incomplete(message.task_id)
            case ipc.KeepToken():
                self._keep_token(workspace, message)
            case ipc.KeepHubKey():
                self._keep_hub_key(workspace, message.hub_key)
            case ipc.HubNotProven():
                self._look_for_hub_key(workspace)
            case ipc.Connected():
                self._stopping.connected(workspace.id, message.connected)
            case ipc.Refused():
                self._stopping.refused(workspace)
            case _:
                assert_never(message)

    def _keep_token(self, workspace: Workspace, message: ipc.KeepToken) -> None:
        try:
            workspace.identity = keep_token(
                workspace.identity, message.auth_token, message.previous_token
            )
        except OSError as error:
            # The hub hears nothing, and so goes on accepting the one there is.
            text = f"{workspace.id}: its new token cannot be stored: {error}; the old one stays"
            say(text, level="error", workspace=workspace.id)
            return
        if message.rotation_id is not None:
            say(f"{workspace.id}: the hub gave it a new token", workspace=workspace.id)
            self._send(ipc.TokenKept(workspace.id, message.rotation_id, message.auth_token))

    def _keep_hub_key(self, workspace: Workspace, hub_key: str) -> None:
        try:
            workspace.identity = keep_hub_key(workspace.identity, hub_key)
        except OSError as error:
            text = f"{workspace.id}: the hub's key cannot be stored: {error}"
            say(text, level="error", workspace=workspace.id)
        else:
            say_new_key(workspace.id, hub_key)

    def _look_for_hub_key(self, workspace: Workspace) -> None:
        """`arbor trust` may have been run meanwhile."""
        present = present_hub_key(workspace.identity)
        if present != workspace.identity.hub_key:
            workspace.identity = msgspec.structs.replace(workspace.identity, hub_key=present)
            self._send(ipc.HubKeyChanged(workspace.id, present))

    def _close(self) -> None:
        self._control.close()
        self._syncer.close()
        for workspace in self.workspaces.values():
            workspace.close()
        self._signals.close()
        self.loop.close()


def _say_no_control(folder: Path, error: OSError) -> None:
    text = f"{folder.name}: no socket can be made in {folder} ({error.strerror or error})"
    say(f"{text}: `arbor doctor` cannot tell whether this daemon hangs", level="warning")


def _served(workspace: Workspace) -> ipc.ServedWorkspace:
    identity = workspace.identity
    return ipc.ServedWorkspace(
        workspace=workspace.id,
        hub=identity.hub,
        daemon_id=identity.daemon_id,
        auth_token=identity.auth_token,
        path=octets.from_system(identity.path),
        ca=identity.ca,
        previous_token=identity.previous_token,
        hub_key=identity.hub_key,
        keeps_hub_key=True,
        never_started=sorted(workspace.never_started),
    )


def _known(workspace: Workspace, record: TaskRecord) -> ipc.TaskKnown:
    spool, running = record.spool, record.running
    return ipc.TaskKnown(
        workspace=workspace.id,
        task_id=record.task_id,
        log_id=spool.log_id if spool else record.status.log_id or workspace.no_log_id,
        stem=str(spool.stem) if spool else None,
        start=spool.start if spool else record.output_end,
        end=spool.announce() if spool else record.output_end,
        input_offset=running.input_offset if running else 0,
        status=record.status,
        tree=running.tree if running else None,
        sizes=list(record.sizes.items),
    )


def _grown(workspace: Workspace, record: TaskRecord) -> ipc.Grown | None:
    if record.spool is None:
        return None
    return ipc.Grown(workspace.id, record.task_id, record.spool.start, record.spool.announce())
