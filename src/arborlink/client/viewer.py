"""All subscriptions of one connection to the hub, over any number of sockets. Pure.

The shell calls `connected` and `disconnected`, passes arriving messages to `receive` and sends what
`to_send` returns; readers check their `Subscription` whenever `events` names their task.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TypeAlias

from arborlink.client.input import ExactInput, TypedInput
from arborlink.client.problems import error_for
from arborlink.client.subscription import Subscription
from arborlink.protocol.errors import ArborError, InvalidInput, LocalProtocolError
from arborlink.protocol.limits import WireLimits
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
# How long a terminal has one size at least, as far as the hub is told: a window that is dragged
# changes its size with every frame that is drawn.
RESIZE_SECONDS = 0.05
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
        # Those that are still to be sent, of which some take control; and when one was sent last.
        self._new_sizes: dict[str, ViewerResize] = {}
        self._sized_at: dict[str, float] = {}
        # Tasks left before their end: the hub may still be sending them on this socket.
        self._abandoned: set[str] = set()
        self._connected = False
        self._wire = WireLimits()
        self._tells_input_end = False
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
        full = len(self._subscriptions) >= self._wire.subscriptions
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
            self._to_send.append(subscription.connected(self._wire))

    def leave(self, task_id: str) -> None:
        """Unsubscribe."""
        subscription = self._subscriptions.pop(task_id)
        stream = self._inputs.pop(task_id, None)
        if stream is not None:
            stream.disconnected()
        self._sizes.pop(task_id, None)
        self._new_sizes.pop(task_id, None)
        self._sized_at.pop(task_id, None)
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
            stream.connected(self._wire, tells_end=self._tells_input_end)
            self._tell_input_end(stream.task_id)

    def resize(self, task_id: str, cols: int, rows: int, *, take: bool = False) -> None:
        """Set the size of a followed task's terminal, sent again after every reconnect.

        `take`: also take control of the terminal, this once.

        Of sizes that follow each other quickly only the newest is sent: the hub answers a viewer
        that says them too often with an error.
        """
        self._sizes[task_id] = ViewerResize(task_id=task_id, cols=cols, rows=rows)
        before = self._new_sizes.get(task_id)
        take = take or (before is not None and before.take)
        if self._connected or take:
            new = ViewerResize(task_id=task_id, cols=cols, rows=rows, take=take)
            self._new_sizes[task_id] = new

    def connected(self, wire: WireLimits | None = None, *, tells_input_end: bool = False) -> None:
        """A new socket was welcomed, with these limits: follow everything from where it stands.

        `tells_input_end`: the hub has that capability.
        """
        self._connected = True
        self._wire = wire or WireLimits()
        self._tells_input_end = tells_input_end
        self._abandoned.clear()
        self._to_send = [each.connected(self._wire) for each in self._subscriptions.values()]
        self._new_sizes = self._sizes | self._new_sizes
        self._sized_at.clear()
        for stream in self._inputs.values():
            stream.connected(self._wire, tells_end=tells_input_end)

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
                self._tell_input_end(message.task_id)
            elif (stream := self._inputs.get(message.task_id)) is not None:
                stream.acknowledge(message.offset)

    def _tell_input_end(self, task_id: str) -> None:
        stream, subscription = self._inputs.get(task_id), self._subscriptions.get(task_id)
        if stream is None or subscription is None or not subscription.confirmed:
            return
        end = None if subscription.status is None else subscription.status.input_end
        if end is not None:
            stream.ends(end)

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
                stream.resume()
        inputs = [each for stream in self._inputs.values() for each in stream.to_send()]
        # What is written after a size is for a program that has it.
        messages += self._due_sizes(now, {each.task_id for each in inputs})
        messages += inputs
        messages += self._acks(now)
        return messages

    def _due_sizes(self, now: float, at_once: Collection[str]) -> list[ViewerResize]:
        due = [
            each for each in self._new_sizes if each in at_once or now >= self._next_size_at(each)
        ]
        for each in due:
            self._sized_at[each] = now
        return [self._new_sizes.pop(each) for each in due]

    def _next_size_at(self, task_id: str) -> float:
        return self._sized_at.get(task_id, -math.inf) + RESIZE_SECONDS

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
        deadlines += [self._next_size_at(each) for each in self._new_sizes if self._connected]
        return min(deadlines, default=None)


def _error(message: ErrorMessage) -> ArborError:
    return error_for(message.code, message.message, retry_after=message.retry_after)
