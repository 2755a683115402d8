"""All subscriptions of one connection to the hub, over any number of sockets. Pure.

The shell calls `connected` and `disconnected`, passes arriving messages to `receive` and sends what
`to_send` returns; readers check their `Subscription` whenever `events` names their task.
"""

from __future__ import annotations

from typing import TypeAlias

from arborlink.client.input import ExactInput, TypedInput
from arborlink.client.problems import error_for
from arborlink.client.subscription import Subscription
from arborlink.protocol import limits
from arborlink.protocol.errors import ArborError, InvalidInput, LocalProtocolError
from arborlink.protocol.messages import (
    AnyMessage,
    ErrorMessage,
    InputAck,
    Output,
    Screen,
    Subscribe,
    TaskStatusChanged,
    TerminalState,
    Unsubscribe,
    ViewerAck,
    ViewerInput,
    ViewerResize,
    WorkspaceChanged,
)
from arborlink.protocol.messages import Gap as GapMessage

# How long a small amount of consumed output may stay unacknowledged.
ACK_DELAY_SECONDS = 0.25
# Delay before input is sent again to a hub that cannot take it yet.
INPUT_RETRY_SECONDS = 1.0
INPUT_RETRY_CODES = frozenset({"input_not_ready", "input_window_full", "unavailable"})
# The code of the error that ends a subscription which the hub had confirmed.
REMOVED = "task_removed"

ToSend: TypeAlias = Subscribe | Unsubscribe | ViewerAck | ViewerInput | ViewerResize
OfTask = Output | GapMessage | Screen | TerminalState | TaskStatusChanged | InputAck
InputStream: TypeAlias = ExactInput | TypedInput


class ViewerMachine:
    """The subscriptions and inputs of one connection."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, Subscription] = {}
        self._inputs: dict[str, InputStream] = {}
        self._sizes: dict[str, ViewerResize] = {}
        # Tasks whose terminal is to be controlled from here once there is a connection.
        self._takes: dict[str, ViewerResize] = {}
        # Tasks left before their end: the hub may still be sending them on this socket.
        self._abandoned: set[str] = set()
        self._connected = False
        self._limit = limits.SUBSCRIPTIONS_PER_CONNECTION
        self._changed: dict[str, None] = {}
        self._to_send: list[ToSend] = []
        self._ack_since: float | None = None
        self._input_retry_at: float | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is followed."""
        return not self._subscriptions

    def may_follow(self, subscription: Subscription) -> bool:
        """Return whether this socket has room for it."""
        task_id = subscription.task_id
        stale = subscription.has_output and task_id in self._abandoned
        full = len(self._subscriptions) >= self._limit
        return not (full or stale or task_id in self._subscriptions)

    def subscription(self, task_id: str) -> Subscription | None:
        """Return the task's subscription, if there is one."""
        return self._subscriptions.get(task_id)

    def follow(self, subscription: Subscription) -> None:
        """Subscribe.

        Raises:
            LocalProtocolError: `may_follow` says no.
        """
        if not self.may_follow(subscription):
            raise LocalProtocolError(f"{subscription.task_id} cannot be followed here")
        self._subscriptions[subscription.task_id] = subscription
        if self._connected:
            self._to_send.append(subscription.subscribe())

    def leave(self, task_id: str) -> None:
        """Unsubscribe."""
        subscription = self._subscriptions.pop(task_id)
        stream = self._inputs.pop(task_id, None)
        if stream is not None:
            stream.disconnected()
        self._sizes.pop(task_id, None)
        self._takes.pop(task_id, None)
        if self._connected and subscription.failure is None:
            self._to_send.append(Unsubscribe(task_id=task_id))
            if not (subscription.ended and subscription.has_output):
                self._abandoned.add(task_id)

    def forget_abandoned(self) -> None:
        """Prepare for another socket: nothing is sent on this one any more."""
        self._abandoned.clear()
        self.disconnected()

    def input(self, task_id: str) -> InputStream | None:
        """Return the task's input, if `open_input` was called."""
        return self._inputs.get(task_id)

    def open_input(self, stream: InputStream) -> None:
        """Begin to write to a followed task."""
        self._inputs[stream.task_id] = stream
        if self._connected:
            stream.connected()

    def resize(self, task_id: str, cols: int, rows: int, *, take: bool = False) -> None:
        """Set the size of a followed task's terminal, sent again after every reconnect.

        `take`: also take control of the terminal, this once.
        """
        message = ViewerResize(task_id=task_id, cols=cols, rows=rows)
        self._sizes[task_id] = message
        taking = ViewerResize(task_id=task_id, cols=cols, rows=rows, take=take)
        if self._connected:
            self._to_send.append(taking)
        elif take:
            self._takes[task_id] = taking

    def connected(self, subscriptions: int = limits.SUBSCRIPTIONS_PER_CONNECTION) -> None:
        """Subscribe on a new, welcomed socket, each task from its present offset."""
        self._connected = True
        self._limit = subscriptions
        self._abandoned.clear()
        self._to_send = [each.subscribe() for each in self._subscriptions.values()]
        self._to_send += (self._sizes | self._takes).values()
        self._takes.clear()
        for stream in self._inputs.values():
            stream.connected()

    def disconnected(self) -> None:
        """Note that the socket has ended."""
        self._connected = False
        self._to_send.clear()
        self._ack_since = None
        self._input_retry_at = None
        for stream in self._inputs.values():
            stream.disconnected()
        self._changed.update(dict.fromkeys(self._inputs))

    def fail(self, error: ArborError) -> None:
        """End all subscriptions with `error`: no socket will ever be welcomed."""
        for subscription in self._subscriptions.values():
            subscription.failure = error
        self._changed.update(dict.fromkeys(self._subscriptions))

    def receive(self, message: AnyMessage, now: float) -> None:
        """Handle a message.

        Raises:
            RemoteProtocolError: the hub broke a rule; the connection must be made anew.
        """
        if isinstance(message, ErrorMessage):
            self._on_error(message, now)
        elif isinstance(message, WorkspaceChanged):
            self._on_workspace(message)
        elif isinstance(message, OfTask):
            subscription = self._subscriptions.get(message.task_id)
            if subscription is None:
                return
            self._changed[message.task_id] = None
            if isinstance(message, Output):
                subscription.receive_output(message)
            elif isinstance(message, GapMessage):
                subscription.receive_gap(message)
            elif isinstance(message, Screen):
                subscription.receive_screen(message)
            elif isinstance(message, TerminalState):
                subscription.receive_terminal(message)
            elif isinstance(message, TaskStatusChanged):
                subscription.receive_status(message)
            elif (stream := self._inputs.get(message.task_id)) is not None:
                stream.acknowledge(message.offset)

    def _on_workspace(self, message: WorkspaceChanged) -> None:
        for task_id, subscription in self._subscriptions.items():
            if subscription.workspace_id == message.workspace_id:
                subscription.workspace = message.workspace or None
                self._changed[task_id] = None

    def _on_error(self, message: ErrorMessage, now: float) -> None:
        subscription = self._subscriptions.get(message.ref or "")
        if subscription is None:
            return
        task_id = subscription.task_id
        stream = self._inputs.get(task_id)
        self._changed[task_id] = None
        if message.code == REMOVED:
            # The rest never arrives. A reader that has all of it has lost nothing.
            if not subscription.ended:
                subscription.failure = _error(message)
        elif message.code == "offset_beyond_end":
            # A hub that crashed may have lost what it had not synced. Those bytes come again, and
            # are equal to the ones that arrived before.
            if message.want is not None or subscription.started:
                self._to_send.append(subscription.subscribe(message.want or 0))
            else:
                subscription.failure = InvalidInput(message.message, code=message.code)
        elif message.code == "offset_out_of_order" and stream is not None:
            stream.rewind(message.want or 0)
        elif message.code in INPUT_RETRY_CODES and stream is not None:
            stream.pause()
            self._input_retry_at = now + (message.retry_after or INPUT_RETRY_SECONDS)
        elif subscription.confirmed and stream is not None:
            stream.failure = _error(message)
        elif not subscription.confirmed:
            subscription.failure = _error(message)

    def events(self) -> list[str]:
        """Return the ids of the tasks of which something changed since the last call."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def to_send(self, now: float) -> list[ToSend]:
        """Return what to send, in order; nothing while there is no connection."""
        if not self._connected:
            return []
        messages, self._to_send = self._to_send, []
        if self._input_retry_at is not None and now >= self._input_retry_at:
            self._input_retry_at = None
            for stream in self._inputs.values():
                stream.connected()
        for stream in self._inputs.values():
            messages += stream.to_send()
        messages += self._acks(now)
        return messages

    def _acks(self, now: float) -> list[ViewerAck]:
        behind = [each for each in self._subscriptions.values() if each.unacknowledged > 0]
        late = self._ack_since is not None and now >= self._ack_since + ACK_DELAY_SECONDS
        due = [each for each in behind if late or each.ack_is_due]
        if len(due) == len(behind):
            self._ack_since = None
        elif self._ack_since is None:
            self._ack_since = now
        return [each.acknowledge() for each in due]

    def next_deadline(self) -> float | None:
        """Return when `to_send` will have something more, in monotonic seconds."""
        ack_at = None if self._ack_since is None else self._ack_since + ACK_DELAY_SECONDS
        deadlines = [at for at in (ack_at, self._input_retry_at) if at is not None]
        return min(deadlines, default=None)


def _error(message: ErrorMessage) -> ArborError:
    return error_for(message.code, message.message, retry_after=message.retry_after)
