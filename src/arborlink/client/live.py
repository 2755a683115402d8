"""The live connections of one hub: usually one, more when a task is read from two places at once.

A connection carries at most one subscription a task, and none of a task whose abandoned
subscription may still be arriving: their frames look the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from arborlink.client.connection import LiveConnection
from arborlink.client.http import hub_closed
from arborlink.client.input import ExactInput, TypedInput
from arborlink.client.subscription import Subscription
from arborlink.proof.known_hub import KnownHub


class Feed:
    """A share in a subscription. Close it."""

    def __init__(self, pool: LivePool, connection: LiveConnection, shared: Subscription) -> None:
        self.subscription = shared
        self._pool = pool
        self._connection = connection
        self._changed = connection.changed(shared.task_id)

    async def changed(self) -> None:
        """Wait until something about the task changes. Check the condition before the call."""
        await self._changed.wait()

    def consumed(self) -> None:
        """Note that the reader took output: acknowledge it, now or soon."""
        if self.subscription.ack_is_due or self._connection.machine.next_deadline() is None:
            self._connection.poke()

    def input(self, mine: ExactInput | TypedInput) -> ExactInput | TypedInput:
        """Return the task's input on this connection; `mine` unless it was opened before."""
        machine = self._connection.machine
        stream = machine.input(mine.task_id)
        if stream is None:
            machine.open_input(mine)
            stream = mine
        return stream

    def resize(self, cols: int, rows: int, *, take: bool) -> None:
        """Send the size of the terminal; `take`: and take control of it."""
        self._connection.machine.resize(self.subscription.task_id, cols, rows, take=take)
        self._connection.poke()

    def poke(self) -> None:
        """Wake the writer: there is input to send."""
        self._connection.poke()

    @property
    def closed(self) -> bool:
        """Whether the share was given back."""
        return not self._pool.has(self)

    def close(self) -> None:
        """Give the share back; twice is once."""
        self._pool.release(self, self._connection)


class LivePool:
    """Finds or makes the connection for a subscription."""

    def __init__(
        self,
        known: KnownHub,
        token: str,
        group: asyncio.TaskGroup,
        on_connection: Callable[[bool], None],
        on_wait: Callable[[float, str], None],
        *,
        ca: str | None = None,
    ) -> None:
        self._known = known
        self._token = token
        self._group = group
        self._on_connection = on_connection
        self._on_wait = on_wait
        self._ca = ca
        self._runs: dict[LiveConnection, asyncio.Task[None]] = {}
        self._feeds: set[Feed] = set()
        self._held: set[Feed] = set()
        self._closed = False

    def follow(self, subscription: Subscription) -> Feed:
        """Begin a new subscription, not shared with others.

        Raises:
            LocalProtocolError: the pool is closed.
        """
        self._check_open()
        self._sweep()
        connection = self._place(subscription)
        connection.machine.follow(subscription)
        return self._feed(connection, subscription)

    def attach(self, task_id: str) -> Feed:
        """Return a share in whatever follows the task already, or else in its status alone.

        Raises:
            LocalProtocolError: the pool is closed.
        """
        self._check_open()
        self._sweep()
        for connection in self._runs:
            existing = connection.machine.subscription(task_id)
            if existing is not None and existing.failure is None:
                return self._feed(connection, existing)
        return self.follow(Subscription(task_id, output=False))

    def has(self, feed: Feed) -> bool:
        """Return whether `feed` is open."""
        return feed in self._feeds

    def hold(self, feed: Feed) -> None:
        """Keep `feed` until its task is over, without a caller that waits."""
        self._held.add(feed)

    def release(self, feed: Feed, connection: LiveConnection) -> None:
        """Give a share back; the last one ends the subscription."""
        if feed not in self._feeds:
            return
        self._feeds.discard(feed)
        self._held.discard(feed)
        if any(other.subscription is feed.subscription for other in self._feeds):
            return
        task_id = feed.subscription.task_id
        connection.machine.leave(task_id)
        connection.forget(task_id)
        connection.poke()

    def close(self) -> None:
        """End all connections, and the calls that wait on them; the owner of the task group waits
        for the connections."""
        self._closed = True
        self._feeds.clear()
        self._held.clear()
        for connection, run in self._runs.items():
            connection.close(hub_closed())
            run.cancel()

    def _check_open(self) -> None:
        if self._closed:
            raise hub_closed()

    def _feed(self, connection: LiveConnection, subscription: Subscription) -> Feed:
        feed = Feed(self, connection, subscription)
        self._feeds.add(feed)
        connection.poke()
        return feed

    def _place(self, subscription: Subscription) -> LiveConnection:
        for connection in self._runs:
            if connection.machine.may_follow(subscription):
                return connection
        for connection in self._runs:
            if connection.machine.idle:
                connection.machine.forget_abandoned()
                connection.restart()
                return connection
        connection = LiveConnection(
            self._known, self._token, self._on_connection, self._on_wait, ca=self._ca
        )
        self._runs[connection] = self._group.create_task(connection.run())
        return connection

    def _sweep(self) -> None:
        for feed in [each for each in self._held if each.subscription.ended]:
            feed.close()
