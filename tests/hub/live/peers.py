"""A scripted daemon and a scripted viewer: real WebSockets, both sub-protocols, no will of their
own. They read only when asked to, so that a stalled one is simply one that is not asked."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from arborlink.protocol.checksum import format_checksum
from arborlink.protocol.codec import Codec, Decoder
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import (
    PROTOCOL_VERSION,
    Ack,
    AnyMessage,
    DaemonAuth,
    DaemonWelcome,
    Gap,
    Heartbeat,
    HostInfo,
    Output,
    SpooledTask,
    Status,
    Subscribe,
    TaskStatusChanged,
    UnknownMessage,
    ViewerAck,
    ViewerAuth,
    ViewerWelcome,
)
from tests.bounds import HANG_SECONDS

LOG_ID = "0123456789abcdef" * 2
HOST = HostInfo(hostname="h", platform="linux", user="u", path="/w")

M = TypeVar("M")


class Closed(NamedTuple):
    """How the hub closed a connection."""

    code: int
    reason: str


class DaemonIdentity(NamedTuple):
    """What enrolment gave a daemon."""

    workspace_id: str
    daemon_id: str
    auth_token: str


class Peer:
    """One WebSocket to the hub. `skipped`: what came while something else was waited for."""

    def __init__(self, socket: ClientConnection, codec: Codec, decoder: Decoder[Any]) -> None:
        self.socket = socket
        self.codec = codec
        self.skipped: list[AnyMessage] = []
        self._decoder = decoder
        self._probes = 0

    async def send(self, message: AnyMessage) -> None:
        """Send a message."""
        await self.socket.send(self.codec.encode(message))

    async def receive(self) -> AnyMessage:
        """The next message."""
        async with asyncio.timeout(HANG_SECONDS):
            message = self._decoder.decode(await self.socket.recv())
        assert not isinstance(message, UnknownMessage), message
        return cast(AnyMessage, message)

    async def expect(self, kind: type[M], where: Callable[[M], bool] = lambda _: True) -> M:
        """The next message of a kind; others go to `skipped`."""
        while True:
            message = await self.receive()
            if isinstance(message, kind) and where(message):
                return message
            self.skipped.append(message)

    async def closed(self) -> Closed:
        """Read until the hub closes; how it did."""
        try:
            while True:
                self.skipped.append(await self.receive())
        except ConnectionClosed as error:
            assert error.rcvd is not None, "the connection broke without a close frame"
            return Closed(error.rcvd.code, error.rcvd.reason)

    async def settle(self) -> None:
        """Until the hub has handled everything sent so far, and what it says to it is here."""
        self._probes += 1
        probe = self._probes
        await self.send(Heartbeat(sent_at=probe))
        await self.expect(Heartbeat, lambda beat: beat.echo == probe)

    @asynccontextmanager
    async def idling(self) -> AsyncIterator[None]:
        """Answer heartbeats while inside, however long that takes; other messages are skipped."""

        async def answer() -> None:
            while True:
                message = await self.receive()
                self.skipped.append(message)
                if isinstance(message, Heartbeat) and message.echo is None:
                    await self.send(Heartbeat(sent_at=0, echo=message.sent_at))

        async with asyncio.TaskGroup() as group:
            answering = group.create_task(answer())
            yield
            answering.cancel()

    def seen(self, kind: type[M]) -> list[M]:
        """The skipped messages of a kind."""
        return [message for message in self.skipped if isinstance(message, kind)]


@asynccontextmanager
async def socket_to(
    port: int,
    *,
    json: bool = False,
    subprotocols: Sequence[str] | None = None,
    origin: str | None = None,
    max_queue: int | None = 16,
) -> AsyncIterator[ClientConnection]:
    """A WebSocket to the hub that has said nothing yet."""
    offered = [Codec(json=json).subprotocol] if subprotocols is None else subprotocols
    async with connect(
        f"ws://127.0.0.1:{port}/api/ws",
        subprotocols=[Subprotocol(name) for name in offered] or None,
        origin=None if origin is None else Origin(origin),
        compression=None,
        max_size=None,
        max_queue=max_queue,
        ping_interval=None,
        close_timeout=1,
        proxy=None,
    ) as socket:
        yield socket


class ScriptedDaemon(Peer):
    """Says what a daemon says, when told to."""

    welcome: DaemonWelcome

    async def output(
        self, task_id: str, offset: int, data: bytes, *, is_error: bool = False, time: int = 0
    ) -> None:
        """Send output."""
        message = Output(task_id=task_id, offset=offset, is_error=is_error, time=time, output=data)
        await self.send(message)

    async def gap(self, task_id: str, start: int, end: int, reason: str = "spool_full") -> None:
        """Declare that bytes will never arrive."""
        await self.send(Gap(task_id=task_id, start=start, end=end, reason=reason))

    async def running(self, task_id: str, *, log_id: str = LOG_ID) -> None:
        """The command was started."""
        await self.send(Status(task_id=task_id, status=TaskStatus.RUNNING, log_id=log_id, at=1))

    async def ended(
        self,
        task_id: str,
        output: bytes = b"",
        status: TaskStatus = TaskStatus.COMPLETED,
        **changes: Any,
    ) -> None:
        """The command is over, and `output` is all that it wrote."""
        fields: dict[str, Any] = {
            "task_id": task_id,
            "status": status,
            "exit_code": 0 if status is TaskStatus.COMPLETED else None,
            "final_offset": len(output),
            "checksum": format_checksum(zlib.crc32(output)),
            "log_id": LOG_ID,
            "at": 2,
        }
        await self.send(Status(**fields | changes))

    async def acked(self, task_id: str, offset: int) -> Ack:
        """Until the hub has everything below `offset` for good."""
        return await self.expect(Ack, lambda a: a.task_id == task_id and a.offset >= offset)

    async def settled(self, task_id: str) -> Ack:
        """Until the hub has stored the task's end."""
        return await self.expect(Ack, lambda a: a.task_id == task_id and a.settled)

    def positions(self) -> dict[str, int]:
        """From where the hub wants which tasks."""
        return {position.task_id: position.offset for position in self.welcome.tasks}


def daemon_auth(
    identity: DaemonIdentity,
    *,
    instance: str = "i1",
    tasks: Sequence[SpooledTask] = (),
    protocol: int = PROTOCOL_VERSION,
    capabilities: Sequence[str] = (),
    never_started: Sequence[str] = (),
) -> DaemonAuth:
    """The first message of a daemon."""
    return DaemonAuth(
        daemon_id=identity.daemon_id,
        auth_token=identity.auth_token,
        workspace_id=identity.workspace_id,
        instance_id=instance,
        protocol=protocol,
        version="1",
        host=HOST,
        tasks=list(tasks),
        capabilities=list(capabilities),
        never_started=list(never_started),
    )


def spooled(
    task_id: str,
    end: int = 0,
    *,
    start: int = 0,
    status: TaskStatus = TaskStatus.RUNNING,
    log_id: str = LOG_ID,
    input_offset: int = 0,
) -> SpooledTask:
    """A task in a daemon's journal."""
    return SpooledTask(
        task_id=task_id,
        log_id=log_id,
        start=start,
        end=end,
        status=status,
        input_offset=input_offset,
    )


@asynccontextmanager
async def dialled_daemon(
    port: int, auth: DaemonAuth, *, json: bool = False
) -> AsyncIterator[ScriptedDaemon]:
    """A daemon that has sent its `auth`, whatever the hub thinks of it."""
    codec = Codec(json=json)
    async with socket_to(port, json=json) as socket:
        daemon = ScriptedDaemon(socket, codec, codec.hub_to_daemon)
        await daemon.send(auth)
        yield daemon


@asynccontextmanager
async def connected_daemon(
    port: int,
    identity: DaemonIdentity,
    *,
    instance: str = "i1",
    tasks: Sequence[SpooledTask] = (),
    json: bool = False,
    capabilities: Sequence[str] = (),
) -> AsyncIterator[ScriptedDaemon]:
    """A daemon that the hub has welcomed."""
    auth = daemon_auth(identity, instance=instance, tasks=tasks, capabilities=capabilities)
    async with dialled_daemon(port, auth, json=json) as daemon:
        daemon.welcome = await daemon.expect(DaemonWelcome)
        yield daemon


class ScriptedViewer(Peer):
    """Says what a viewer says, when told to."""

    welcome: ViewerWelcome

    async def subscribe(self, task_id: str, offset: int = 0, window: int | None = None) -> None:
        """Follow a task."""
        await self.send(Subscribe(task_id=task_id, offset=offset, window=window))

    async def watch(self, workspace_id: str) -> None:
        """Follow a workspace, or "*"."""
        await self.send(Subscribe(workspace_id=workspace_id))

    async def read(self, task_id: str, size: int, *, acknowledge: bool = True) -> bytes:
        """The next `size` bytes of a task's output, which must follow each other exactly."""
        parts, length, following = [], 0, None
        while length < size:
            message = await self.expect(Output, lambda output: output.task_id == task_id)
            assert following in (None, message.offset), (following, message.offset)
            following = message.offset + len(message.output)
            parts.append(message.output)
            length += len(message.output)
            if acknowledge:
                await self.send(ViewerAck(task_id=task_id, offset=following))
        assert length == size, f"{length} bytes arrived instead of {size}"
        return b"".join(parts)

    async def status(self, task_id: str, status: TaskStatus) -> TaskStatusChanged:
        """Until the hub says that the task has this status."""
        return await self.expect(
            TaskStatusChanged, lambda fact: fact.task_id == task_id and fact.status is status
        )


@asynccontextmanager
async def dialled_viewer(
    port: int, auth: ViewerAuth, *, json: bool = False, max_queue: int | None = 16
) -> AsyncIterator[ScriptedViewer]:
    """A viewer that has sent its `auth`, whatever the hub thinks of it."""
    codec = Codec(json=json)
    async with socket_to(port, json=json, max_queue=max_queue) as socket:
        viewer = ScriptedViewer(socket, codec, codec.hub_to_viewer)
        await viewer.send(auth)
        yield viewer


@asynccontextmanager
async def connected_viewer(
    port: int, token: str, *, json: bool = False, max_queue: int | None = 16
) -> AsyncIterator[ScriptedViewer]:
    """A viewer that the hub has welcomed."""
    auth = ViewerAuth(auth_token=token)
    async with dialled_viewer(port, auth, json=json, max_queue=max_queue) as viewer:
        viewer.welcome = await viewer.expect(ViewerWelcome)
        yield viewer
