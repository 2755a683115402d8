"""The daemon's network process: `python -m arborlink.daemon.connector --fd N`.

Reads the spool, never writes it. It may die at any time; the next one gets a snapshot. When the
supervisor dies instead, it ends the processes that the supervisor left, and then itself.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pwd
import select
import socket
import sys
import time
from typing import Final, assert_never

import arborlink
from arborlink import visible
from arborlink.addresses import hub_address
from arborlink.daemon import ipc, linux
from arborlink.daemon.console import say
from arborlink.daemon.dialing import websocket_url
from arborlink.daemon.recovery import kill_leftovers
from arborlink.daemon.session import Session
from arborlink.daemon.uplink import Uplink
from arborlink.daemon.usage import UsageMeter
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol import limits, octets
from arborlink.protocol.fields import TaskUsage
from arborlink.protocol.messages import HostInfo

# Another release than the supervisor needs (sysexits.h, EX_CONFIG).
MISMATCH_EXIT_CODE: Final = 78
_SHORT_CHARS: Final = 256
# How long a process may take from closing its files to being dead.
_DYING_SECONDS: Final = 2.0
# How often what running tasks use is measured.
USAGE_SECONDS: Final = 5.0


class Supervisor:
    """Our parent process, as somebody who may die. Made while it is known to live, or never."""

    def __init__(self) -> None:
        self._fd = os.pidfd_open(os.getppid()) if hasattr(os, "pidfd_open") else None

    def is_dead(self) -> bool:
        """Whether it has died; its socket closes a moment before that can be seen."""
        if self._fd is None:
            return True
        return bool(select.select([self._fd], [], [], _DYING_SECONDS)[0])


class Connector(asyncio.Protocol):
    """The connector's end of the socket to the supervisor, and a session a workspace."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self.sessions: dict[str, Session] = {}
        self.ready = asyncio.Event()
        self.orphaned = False
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._frames = ipc.from_supervisor()
        self._transport: asyncio.Transport | None = None
        self._stopping = False
        self._lost = asyncio.Event()
        # Why it cannot work with this supervisor.
        self.mismatch: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Something of the supervisor."""
        touched: set[str] = set()
        for message in self._frames.receive(data):
            if self.mismatch is not None:
                return
            workspace = self._handle(message)
            if workspace is not None:
                touched.add(workspace)
        for workspace in touched:
            self.sessions[workspace].wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """If the supervisor has died, its children must not live on unwatched."""
        if not self._stopping and self._supervisor.is_dead():
            self.orphaned = True
            for session in self.sessions.values():
                for task in session.uplink.tasks.values():
                    if task.tree is not None:
                        kill_leftovers(task.tree)
        self._lost.set()
        self.ready.set()

    async def run(self) -> None:
        """Serve until the supervisor stops us or dies."""
        await self.ready.wait()
        async with asyncio.TaskGroup() as group:
            for workspace in self.sessions:
                self._serving[workspace] = group.create_task(self._serve(workspace))
            measuring = group.create_task(self._measure_usage())
            await self._lost.wait()
            measuring.cancel()
            for task in self._serving.values():
                task.cancel()

    def tell(self, message: ipc.ToSupervisor) -> None:
        """Send something to the supervisor."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(ipc.encode(message))

    async def _measure_usage(self) -> None:
        """Measure what running tasks use, in a thread: a machine may have many processes."""
        meter = UsageMeter[tuple[str, str]](os.getppid())
        while True:
            await asyncio.sleep(USAGE_SECONDS)
            trees = {
                (workspace, task_id): tree
                for workspace, session in self.sessions.items()
                for task_id, tree in session.uplink.measured_trees().items()
            }
            if not trees:
                continue
            measured = await asyncio.to_thread(meter.measure, trees, time.monotonic())
            usage: dict[str, list[TaskUsage]] = {}
            for (workspace, task_id), tree_usage in measured.items():
                of_task = TaskUsage(task_id=task_id, **tree_usage._asdict())
                usage.setdefault(workspace, []).append(of_task)
            for workspace, of_tasks in usage.items():
                self._uplink(workspace).usage_measured(of_tasks)
                self.sessions[workspace].wake()

    async def _serve(self, workspace: str) -> None:
        try:
            if not await self.sessions[workspace].run():
                self.tell(ipc.Refused(workspace))
        finally:
            self._serving.pop(workspace, None)
            if self._stopping and not self._serving and self._transport is not None:
                self._transport.close()

    def _handle(self, message: ipc.ToConnector) -> str | None:
        """Returns the workspace that may have something to send now."""
        match message:
            case ipc.Begin():
                if not message.is_understood:
                    self._refuse(message)
                    return None
                if message.channel >= 1:
                    self.tell(ipc.Hello(arborlink.__version__, ipc.CHANNEL_VERSION))
                for served in message.workspaces:
                    self._begin(served, message.instance_id)
                return None
            case ipc.Ready():
                self.ready.set()
                return None
            case ipc.Stop():
                self._stop()
                return None
            case ipc.TaskKnown():
                self._uplink(message.workspace).task_known(message)
            case ipc.Grown():
                self._uplink(message.workspace).grown(message)
            case ipc.StatusChanged():
                self._uplink(message.workspace).status_changed(message.status)
            case ipc.InputWritten():
                self._uplink(message.workspace).input_written(message)
            case ipc.TerminalResized():
                self._uplink(message.workspace).terminal_resized(message)
            case ipc.TokenKept():
                self._uplink(message.workspace).token_kept(message)
            case ipc.HubKeyChanged():
                self.sessions[message.workspace].known.key = message.hub_key
            case _:
                assert_never(message)
        return message.workspace

    def _begin(self, served: ipc.ServedWorkspace, instance_id: str) -> None:
        workspace = served.workspace
        uplink = Uplink(
            served,
            instance_id=instance_id,
            host=_describe_host(served.path),
            version=arborlink.__version__,
            tell=self.tell,
            unix_us=lambda: time.time_ns() // 1_000,
        )

        def about_key(message: ipc.KeepHubKey | ipc.HubNotProven) -> None:
            if served.keeps_hub_key:
                self.tell(message)

        known = KnownHub(
            hub_address(served.hub),
            served.hub_key,
            on_key=lambda key: about_key(ipc.KeepHubKey(workspace, key)),
        )
        self.sessions[workspace] = Session(
            uplink,
            websocket_url(served.hub),
            known,
            on_unproven=lambda: about_key(ipc.HubNotProven(workspace)),
            on_connected=lambda connected: self.tell(ipc.Connected(workspace, connected)),
        )

    def _refuse(self, begin: ipc.Begin) -> None:
        """Leave a supervisor of a release that is too far away; its tasks go on without us."""
        self.mismatch = (
            f"the daemon was started by Arbor {begin.version}, and {arborlink.__version__} is "
            "installed by now, which does not work with it. Its tasks run on, and their output is "
            "kept. Restart the daemon when they are over, or install the release before again"
        )
        self._stopping = True
        if self._transport is not None:
            self._transport.close()

    def _uplink(self, workspace: str) -> Uplink:
        return self.sessions[workspace].uplink

    def _stop(self) -> None:
        self._stopping = True
        for workspace, session in self.sessions.items():
            session.stop()
            if not session.is_connected and workspace in self._serving:
                self._serving[workspace].cancel()
        if not self._serving and self._transport is not None:
            self._transport.close()


def _describe_host(path: str) -> HostInfo:
    system = os.uname()
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return HostInfo(
        hostname=octets.from_system(socket.gethostname())[:_SHORT_CHARS],
        platform=f"{system.sysname} {system.release} {system.machine}"[:_SHORT_CHARS],
        user=octets.from_system(user)[:_SHORT_CHARS],
        path=path[: limits.MAX_PATH_CHARS],
    )


async def _serve(fd: int) -> Connector:
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    sock.set_inheritable(False)
    supervisor = Supervisor()
    loop = asyncio.get_running_loop()
    _, connector = await loop.create_connection(lambda: Connector(supervisor), sock=sock)
    await connector.run()
    return connector


def main() -> int:
    """The process; its exit code."""
    parser = argparse.ArgumentParser(prog="arborlink.daemon.connector")
    parser.add_argument("--fd", type=int, required=True)
    options = parser.parse_args()
    visible.guard_standard_streams()
    linux.hide_memory()
    linux.keep_heap()
    connector = asyncio.run(_serve(options.fd))
    if connector.mismatch is not None:
        say(connector.mismatch, level="error")
        return MISMATCH_EXIT_CODE
    if connector.orphaned:
        say("the supervisor died; its tasks were ended", level="error")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
