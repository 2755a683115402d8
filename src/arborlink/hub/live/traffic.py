"""What a connection has moved and what is on its way. Counting is addition, nothing else."""

from __future__ import annotations

from typing import NamedTuple


class Traffic:
    """WebSocket messages and the bytes of their payload, each way, from the hub's side."""

    __slots__ = ("bytes_in", "bytes_out", "messages_in", "messages_out")

    def __init__(self) -> None:
        self.bytes_in = 0
        self.bytes_out = 0
        self.messages_in = 0
        self.messages_out = 0

    def add(self, other: Traffic) -> None:
        """Count what another has counted as well."""
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        self.messages_in += other.messages_in
        self.messages_out += other.messages_out


class Rates(NamedTuple):
    """Bytes a second over the last time between two readings; None before there were two."""

    bytes_in: float | None
    bytes_out: float | None


class Meter:
    """Turns counts that only grow into rates, whenever somebody reads it."""

    def __init__(self) -> None:
        self.rates = Rates(None, None)
        self._read_at: float | None = None
        self._bytes_in = 0
        self._bytes_out = 0

    def read(self, traffic: Traffic, now: float) -> Rates:
        """The rates since the last reading; `now` is in monotonic seconds."""
        if self._read_at is not None and now > self._read_at:
            seconds = now - self._read_at
            self.rates = Rates(
                (traffic.bytes_in - self._bytes_in) / seconds,
                (traffic.bytes_out - self._bytes_out) / seconds,
            )
        self._read_at = now
        self._bytes_in, self._bytes_out = traffic.bytes_in, traffic.bytes_out
        return self.rates


class Backlog(NamedTuple):
    """What a connection still has before it.

    `unacknowledged_bytes`: sent to the other side and not confirmed yet; `lag_bytes`: stored and
    not sent yet; `subscriptions`: the things that flow.
    """

    unacknowledged_bytes: int
    lag_bytes: int
    subscriptions: int
