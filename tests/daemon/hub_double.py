"""A hub for the daemon's tests: a real WebSocket, the protocol's own messages, and a memory."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from arborlink.protocol import limits
from arborlink.protocol.checksum import parse_checksum
from arborlink.protocol.codec import MSGPACK_SUBPROTOCOL, Codec
from arborlink.protocol.fields import TaskUsage
from arborlink.protocol.lifecycle import is_final
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.messages import (
    RESIZED_CAPABILITY,
    USAGE_CAPABILITY,
    Ack,
    AnyMessage,
    Cancel,
    Command,
    DaemonAuth,
    DaemonWelcome,
    Gap,
    Heartbeat,
    Input,
    InputAck,
    Output,
    Resized,
    Rotated,
    Status,
    TaskPosition,
    Usage,
)
from arborlink.protocol.stream import ReceiveStream
from tests.bounds import HANG_SECONDS

CODEC = Codec(json=False)


@dataclass
class HubTask:
    """What the hub has of a task. `stdout` and `stderr` are its bytes, `gaps` what it lacks."""

    task_id: str
    stream: ReceiveStream
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    crc: int = 0
    gaps: list[Gap] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    input_acked: int = 0
    # With the end of the output when each came.
    sizes: list[tuple[Resized, int]] = field(default_factory=list)

    @property
    def end(self) -> Status | None:
        """The final status, if there is one."""
        last = self.statuses[-1] if self.statuses else None
        return last if last is not None and is_final(last.status) else None


class HubDouble:
    """`until` waits for a state; `acknowledges` and `settles` can be switched off."""

    def __init__(self, *, window: int = limits.TASK_UNACKNOWLEDGED_BYTES) -> None:
        self.tasks: dict[str, HubTask] = {}
        self.auths: list[DaemonAuth] = []
        self.acknowledges = True
        self.capabilities = [RESIZED_CAPABILITY, USAGE_CAPABILITY]
        self.settles = True
        self.refuse_with: int | None = None
        self.refusal = "no"
        # The only tokens that are good, if not any is; those that are not are refused with 4501.
        self.tokens: set[str] | None = None
        self.refused_tokens: list[str] = []
        self.rotated: list[str] = []
        self.heartbeats = 0
        # What each task uses, as heard last.
        self.usage: dict[str, TaskUsage] = {}
        # When each connection said who it is, in monotonic seconds.
        self.arrivals: list[float] = []
        self.closes: list[int | None] = []
        self.connection: ServerConnection | None = None
        self.port = 0
        self._window = window
        self._changed = asyncio.Condition()

    async def send(self, message: AnyMessage) -> None:
        """Send to the daemon."""
        await self.until(lambda: self.connection is not None)
        assert self.connection is not None
        await self.connection.send(CODEC.encode(message))

    async def start(self, command: str, *args: str, task_id: str = "t1", **more: object) -> HubTask:
        """Ask for a command to run."""
        task = self.task(task_id)
        await self.send(
            Command(task_id=task_id, command=command, args=list(args), **more)  # type: ignore[arg-type]
        )
        return task

    async def run(self, command: str, *args: str, task_id: str = "t1", **more: object) -> HubTask:
        """Run a command to its end."""
        task = await self.start(command, *args, task_id=task_id, **more)
        await self.ended(task)
        return task

    async def ended(self, task: HubTask) -> Status:
        """Wait for the end of a task."""
        await self.until(lambda: task.end is not None)
        assert task.end is not None
        return task.end

    async def feed(self, task: HubTask, data: bytes, *, eof: bool = False) -> None:
        """Send input within the window, and wait until all of it was written."""
        offset = 0
        size = limits.INPUT_FRAME_BYTES
        while offset < len(data):
            room_for = offset + size - limits.INPUT_WINDOW_BYTES
            await self.until(lambda needed=room_for: task.input_acked >= needed)  # type: ignore[misc]
            piece = data[offset : offset + size]
            last = eof and offset + len(piece) == len(data)
            await self.send(Input(task_id=task.task_id, offset=offset, input=piece, eof=last))
            offset += len(piece)
        if eof and not data:
            await self.send(Input(task_id=task.task_id, offset=0, eof=True))

    async def cancel(self, task: HubTask, grace: float = 0.3) -> Status:
        """Cancel a task and wait for its end."""
        await self.send(Cancel(task_id=task.task_id, grace_seconds=grace))
        return await self.ended(task)

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait for a state of this hub."""
        async with asyncio.timeout(HANG_SECONDS), self._changed:
            await self._changed.wait_for(predicate)

    async def acknowledge(self, task: HubTask) -> None:
        """Acknowledge everything that has come of a task."""
        task.stream.advance_durable(task.stream.end)
        await self.send(Ack(task_id=task.task_id, offset=task.stream.durable, credit=self._window))

    def task(self, task_id: str) -> HubTask:
        """A task by its id, new if it is."""
        stream = ReceiveStream(window=self._window)
        return self.tasks.setdefault(task_id, HubTask(task_id, stream))

    async def handle(self, connection: ServerConnection) -> None:
        """One connection of the daemon."""
        try:
            auth = CODEC.decode_first(await connection.recv())
            assert isinstance(auth, DaemonAuth)
            self.arrivals.append(time.monotonic())
            if self.tokens is not None and auth.auth_token not in self.tokens:
                self.refused_tokens.append(auth.auth_token)
                await connection.close(4501, "unknown token")
                return
            if self.refuse_with is not None:
                await connection.close(self.refuse_with, self.refusal)
                return
            self.auths.append(auth)
            for spooled in auth.tasks:
                self.task(spooled.task_id)
            await connection.send(CODEC.encode(self._welcome(auth)))
            self.connection = connection
            await self._notify()
            async for frame in connection:
                message = CODEC.daemon_to_hub.decode(frame)
                for answer in self._receive(message):  # type: ignore[arg-type]
                    await connection.send(CODEC.encode(answer))
                await self._notify()
        except ConnectionClosed:
            pass
        finally:
            if self.connection is connection:
                self.connection = None
            self.closes.append(connection.close_code)
            await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _welcome(self, auth: DaemonAuth) -> DaemonWelcome:
        positions = []
        for spooled in auth.tasks:
            task = self.tasks[spooled.task_id]
            task.stream.durable = task.stream.end
            positions.append(
                TaskPosition(task_id=task.task_id, offset=task.stream.durable, credit=self._window)
            )
        welcome_limits = WireLimits(task_unacknowledged_bytes=self._window)
        return DaemonWelcome(
            epoch=len(self.auths),
            hub_id="hub_1",
            limits=welcome_limits,
            tasks=positions,
            capabilities=self.capabilities,
        )

    def _receive(self, message: AnyMessage) -> list[AnyMessage]:
        match message:
            case Heartbeat(echo=None):
                self.heartbeats += 1
                return [Heartbeat(sent_at=0, echo=message.sent_at)]
            case Output():
                task = self.task(message.task_id)
                skip = task.stream.receive(message.offset, len(message.output))
                if skip is not None:
                    new = message.output[skip:]
                    task.crc = zlib.crc32(new, task.crc)
                    (task.stderr if message.is_error else task.stdout).extend(new)
                    task.times.append(message.time)
                return self._ack(task)
            case Gap():
                task = self.task(message.task_id)
                if task.stream.receive_gap(message.start, message.end) is not None:
                    task.gaps.append(message)
                return self._ack(task)
            case Status():
                return self._on_status(self.task(message.task_id), message)
            case Resized():
                task = self.task(message.task_id)
                task.sizes.append((message, task.stream.end))
            case Usage():
                self.usage.update({each.task_id: each for each in message.tasks})
            case Rotated():
                self.rotated.append(message.rotation_id)
            case InputAck():
                self.task(message.task_id).input_acked = message.offset
        return []

    def _on_status(self, task: HubTask, status: Status) -> list[AnyMessage]:
        task.statuses.append(status)
        if not is_final(status.status):
            return []
        assert status.final_offset == task.stream.end, (status, task.stream.end)
        if status.checksum is not None:
            assert parse_checksum(status.checksum) == task.crc, status
        return self._ack(task, settled=True) if self.settles else []

    def _ack(self, task: HubTask, *, settled: bool = False) -> list[AnyMessage]:
        if not self.acknowledges:
            return []
        task.stream.advance_durable(task.stream.end)
        ack = Ack(
            task_id=task.task_id,
            offset=task.stream.durable,
            credit=self._window,
            settled=settled,
        )
        return [ack]


@asynccontextmanager
async def running_hub(hub: HubDouble) -> AsyncIterator[HubDouble]:
    """Serve on a free port of the loopback, or again on the one it had."""
    async with serve(
        hub.handle,
        "127.0.0.1",
        hub.port,
        subprotocols=[MSGPACK_SUBPROTOCOL],  # type: ignore[list-item]
        compression=None,
        max_size=2 * limits.MIB,
        ping_interval=None,
    ) as server:
        hub.port = next(iter(server.sockets)).getsockname()[1]
        yield hub
