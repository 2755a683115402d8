"""A workspace's side of the link to its hub: the tasks, their streams, what to send next. Pure.

Of everything to send, control comes first; then the tasks with output take turns, a frame each.
Knows nothing of sockets: `receive`, `next_frame`, `next_deadline`, `on_deadline`, as every machine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from arborlink.daemon import ipc
from arborlink.daemon.console import say
from arborlink.daemon.outgoing import OutgoingTask
from arborlink.daemon.processes import Tree
from arborlink.daemon.readers import Readers
from arborlink.daemon.stride import Stride
from arborlink.daemon.tokens import Tokens
from arborlink.protocol import limits
from arborlink.protocol.codec import Codec
from arborlink.protocol.errors import RemoteProtocolError
from arborlink.protocol.fields import TaskUsage
from arborlink.protocol.heartbeat import Liveness
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.link import Close, LinkState, MessageReceived, Opened, PeerLink
from arborlink.protocol.messages import (
    PROTOCOL_VERSION,
    RESIZED_CAPABILITY,
    USAGE_CAPABILITY,
    Ack,
    AnyMessage,
    Cancel,
    Command,
    DaemonAuth,
    DaemonWelcome,
    ErrorMessage,
    Gap,
    HostInfo,
    Input,
    InputAck,
    Resize,
    Rotate,
    Rotated,
    Status,
    Usage,
)

ToSupervisor = Callable[[ipc.ToSupervisor], None]
_CODEC: Final = Codec(json=False)
# Of one task in `usage`: an id of 64 characters, four numbers, and their names.
USAGE_BYTES: Final = 256


class Uplink:
    """Lives as long as the connector; connections come (`connect`) and go (`disconnected`)."""

    def __init__(
        self,
        served: ipc.ServedWorkspace,
        *,
        instance_id: str,
        host: HostInfo,
        version: str,
        tell: ToSupervisor,
        unix_us: Callable[[], int],
    ) -> None:
        """`unix_us`: this machine's clock, for the hub to compare times of ours with."""
        self.served = served
        self.tasks: dict[str, OutgoingTask] = {}
        self.readers = Readers()
        self.tokens = Tokens(served.auth_token, served.previous_token)
        self.stride = Stride()
        self._instance_id = instance_id
        self._host = host
        self._version = version
        self._tell = tell
        self._unix_us = unix_us
        self._link: PeerLink | None = None
        self._limits = WireLimits()
        self._capabilities: frozenset[str] = frozenset()
        self._listed: frozenset[str] = frozenset()
        self._control: deque[AnyMessage | Close] = deque()
        self._ready: deque[OutgoingTask] = deque()
        self._unacknowledged = 0

    # ── the connection ───────────────────────────────────────────────────────────────────────

    @property
    def is_open(self) -> bool:
        """Whether the hub has welcomed us on the present connection."""
        return self._link is not None and self._link.state is LinkState.OPEN

    @property
    def liveness(self) -> Liveness:
        """How often heartbeats are sent, and when the hub is given up."""
        return Liveness() if self._link is None else self._link.heartbeat.liveness

    def connect(self, now: float) -> None:
        """There is a new connection: authenticate."""
        listed = [t.spooled for t in self.tasks.values()][: limits.MAX_TASKS_IN_AUTH]
        self._listed = frozenset(task.task_id for task in listed)
        auth = DaemonAuth(
            daemon_id=self.served.daemon_id,
            auth_token=self.tokens.current,
            workspace_id=self.served.workspace,
            instance_id=self._instance_id,
            protocol=PROTOCOL_VERSION,
            version=self._version,
            host=self._host,
            tasks=listed,
            capabilities=[RESIZED_CAPABILITY],
            never_started=self.served.never_started[: limits.MAX_TASKS_IN_AUTH],
        )
        self._link = PeerLink(auth, now)
        self.stride = Stride()

    def disconnected(self) -> None:
        """The connection is gone: what was on its way may be lost."""
        if self._link is not None:
            self._link.disconnected()
            self._link = None
        self._control.clear()
        self._ready.clear()
        self._unacknowledged = 0
        for task in self.tasks.values():
            task.detach()

    def close(self, code: int, reason: str) -> None:
        """Close the connection, if there is one."""
        if self._link is not None:
            self._link.close(code, reason)

    def receive(self, frame: bytes | str, now: float) -> None:
        """A frame of the hub. Whatever is wrong with it closes the connection, and never raises."""
        link = self._link
        if link is None:
            return
        try:
            link.receive(_CODEC.hub_to_daemon.decode(frame), now)
            for event in link.events():
                if isinstance(event, Opened):
                    assert isinstance(event.welcome, DaemonWelcome)
                    self._on_welcome(event.welcome)
                elif isinstance(event, MessageReceived):
                    self._on_message(event.message)
        except RemoteProtocolError as error:
            link.fail(error)

    def next_deadline(self) -> float | None:
        """When `on_deadline` is due, in seconds of the clock that `now` is of."""
        return self._link.next_deadline() if self._link is not None else None

    def on_deadline(self, now: float) -> None:
        """Time has passed."""
        if self._link is not None:
            self._link.on_deadline(now)

    def next_frame(self) -> bytes | Close | None:
        """What to send now, None if nothing. The one flush point."""
        if self._link is None:
            return None
        if self._link.wants_to_send:
            self._control.extend(self._link.to_send())
        message = self._control.popleft() if self._control else self._next_of_tasks()
        if message is None or isinstance(message, Close):
            return message
        if isinstance(message, Status):
            message = msgspec.structs.replace(message, sent_at=self._unix_us())
        return _CODEC.encode_binary(message)

    # ── what the supervisor says ─────────────────────────────────────────────────────────────

    def task_known(self, known: ipc.TaskKnown) -> None:
        """A task to tell the hub about; also one that we know, as it is now."""
        self._forget(known.task_id)
        task = OutgoingTask(known, self.readers)
        self.tasks[known.task_id] = task
        if self.is_open:
            self._attach(task, 0, self._limits.task_unacknowledged_bytes)

    def grown(self, grown: ipc.Grown) -> None:
        """A task has more output."""
        task = self.tasks.get(grown.task_id)
        if task is not None:
            task.grow(grown.start, grown.end)
            self._queue(task)

    def status_changed(self, status: Status) -> None:
        """A task has another status, or the hub asked for it."""
        task = self.tasks.get(status.task_id)
        if task is None:
            self._send(status)
            return
        task.status = status
        task.status_sent = False
        if task.is_final:
            task.tree = None
        self._queue_status(task)

    def input_written(self, written: ipc.InputWritten) -> None:
        """Input has reached a command."""
        task = self.tasks.get(written.task_id)
        if task is not None:
            task.input_offset = written.offset
            self._send(InputAck(task_id=written.task_id, offset=written.offset))

    def terminal_resized(self, resized: ipc.TerminalResized) -> None:
        """A terminal has another size: the hub hears of it after the output before."""
        task = self.tasks.get(resized.task_id)
        if task is not None:
            task.resize(resized.size)
            self._queue(task)

    def measured_trees(self) -> dict[str, Tree]:
        """Return the process trees of running tasks, by task, if the hub wants their usage."""
        if not self.is_open or USAGE_CAPABILITY not in self._capabilities:
            return {}
        return {task.task_id: task.tree for task in self.tasks.values() if task.tree is not None}

    def usage_measured(self, usage: list[TaskUsage]) -> None:
        """What the running tasks use now."""
        most = max(1, self._limits.control_message_bytes // USAGE_BYTES)
        self._send(Usage(tasks=usage[: min(most, limits.MAX_TASKS_IN_USAGE)]))

    def token_kept(self, kept: ipc.TokenKept) -> None:
        """The token that the hub has offered is on disk."""
        self.tokens.rotated(kept.auth_token)
        self._send(Rotated(rotation_id=kept.rotation_id))

    # ── what the hub says ────────────────────────────────────────────────────────────────────

    def _on_welcome(self, welcome: DaemonWelcome) -> None:
        self._limits = welcome.limits
        self._capabilities = frozenset(welcome.capabilities)
        if self.tokens.accepted():
            tokens = self.tokens
            self._tell(ipc.KeepToken(self.served.workspace, tokens.current, tokens.other))
        wanted = {position.task_id: position for position in welcome.tasks}
        for task in list(self.tasks.values()):
            position = wanted.get(task.task_id)
            if position is not None:
                self._attach(task, position.offset, position.credit)
            elif task.task_id not in self._listed:
                self._attach(task, 0, self._limits.task_unacknowledged_bytes)
            elif task.is_final:
                self._settled(task, task.stream.end)

    def _on_message(self, message: AnyMessage) -> None:
        workspace = self.served.workspace
        match message:
            case Command():
                self._tell(ipc.StartTask(workspace, message))
            case Input():
                self._tell(ipc.FeedInput(workspace, message))
            case Resize():
                self._tell(ipc.ResizeTerminal(workspace, message))
            case Cancel():
                self._tell(ipc.CancelTask(workspace, message))
            case Ack():
                self._on_ack(message)
            case Rotate(rotation_id=rotation_id, auth_token=token):
                self._tell(ipc.KeepToken(workspace, token, self.tokens.current, rotation_id))
            case ErrorMessage():
                say(
                    f"the hub says: {message.code}: {message.message}",
                    level="warning",
                    workspace=self.served.workspace,
                )
            case _:
                raise RemoteProtocolError("the hub sent what only others may send")

    def _on_ack(self, ack: Ack) -> None:
        task = self.tasks.get(ack.task_id)
        if task is None:
            return
        on_their_way = task.stream.unacknowledged
        task.stream.acknowledge(ack.offset, ack.credit)
        self._unacknowledged += task.stream.unacknowledged - on_their_way
        task.stream.prune(task.stream.acked)  # as the supervisor does when it hears of it
        if ack.settled:
            self._settled(task, ack.offset)
            return
        if task.should_report():
            self._tell(self._acknowledged(task, task.stream.acked, settled=False))
        self._queue(task)

    # ── in here ──────────────────────────────────────────────────────────────────────────────

    def _attach(self, task: OutgoingTask, offset: int, credit: int) -> None:
        gap = task.attach(offset, credit, sizes=RESIZED_CAPABILITY in self._capabilities)
        if gap is not None:
            self._send(gap)
        if not task.complete:
            self._tell(ipc.Incomplete(self.served.workspace, task.task_id))
        if task.should_report():
            self._tell(self._acknowledged(task, task.stream.acked, settled=False))
        self._queue_status(task)

    def _queue_status(self, task: OutgoingTask) -> None:
        if task.is_final:
            self._queue(task)  # after the output
        elif self.is_open:
            self._send(task.take_status())
            self._queue(task)

    def _queue(self, task: OutgoingTask) -> None:
        if not task.is_queued and task.stream.attached:
            task.is_queued = True
            self._ready.append(task)

    def _next_of_tasks(self) -> AnyMessage | None:
        allowed = self._limits.connection_unacknowledged_bytes - self._unacknowledged
        room = min(allowed, self._limits.output_frame_bytes)
        for _ in range(len(self._ready)):
            task = self._ready[0]
            was_complete, sent = task.complete, task.stream.sent
            message = task.next_message(min(room, self.stride.size))
            self._unacknowledged += task.stream.sent - sent
            if was_complete and not task.complete:
                self._tell(ipc.Incomplete(self.served.workspace, task.task_id))
            if message is not None:
                self._ready.rotate(-1)
                return message
            self._ready.popleft()
            if room > 0 or not task.stream.next_range(1):
                task.is_queued = False
            else:
                self._ready.append(task)  # it waits for the connection, not for itself
        return None

    def _send(self, message: Status | InputAck | Gap | Rotated | Usage) -> None:
        if self.is_open and self._link is not None:
            self._link.send(message)

    def _settled(self, task: OutgoingTask, offset: int) -> None:
        self._tell(self._acknowledged(task, offset, settled=True))
        self._forget(task.task_id)

    def _forget(self, task_id: str) -> None:
        task = self.tasks.pop(task_id, None)
        if task is not None:
            if task.is_queued:
                self._ready.remove(task)
            self._unacknowledged -= task.stream.unacknowledged
            task.close()

    def _acknowledged(self, task: OutgoingTask, offset: int, *, settled: bool) -> ipc.Acknowledged:
        return ipc.Acknowledged(self.served.workspace, task.task_id, offset, settled)
