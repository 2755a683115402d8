"""Reads, at one moment, everything about the hub that can be put into a number."""

from __future__ import annotations

import time
from dataclasses import dataclass

from arborlink.hub.live.connections import Connections
from arborlink.hub.live.durations import Spread
from arborlink.hub.live.flusher import Flusher
from arborlink.hub.live.outputs import Outputs
from arborlink.hub.service import process
from arborlink.hub.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`bytes_in`, `bytes_out` and `cpu_seconds` only grow; `fsyncs` and `most_writes_waiting` are
    of the time since the last reading; `round_trips` are seconds by workspace."""

    daemons: int
    viewers: int
    running_tasks: int
    bytes_in: int
    bytes_out: int
    fsyncs: Spread
    most_writes_waiting: int
    unflushed_bytes: int
    memory_bytes: int | None
    descriptors: int | None
    cpu_seconds: float
    round_trips: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Gauges:
    """Where the numbers come from."""

    store: Store
    connections: Connections
    outputs: Outputs
    flusher: Flusher

    def read(self, now: float) -> Reading:
        """One reader only: it takes what gathered since the last time. Renews the connections'
        rates as well. `now` is in monotonic seconds."""
        connections = self.connections
        connections.measure(now)
        traffic = connections.traffic()
        return Reading(
            daemons=connections.count("daemon"),
            viewers=connections.count("viewer"),
            running_tasks=self.store.task_counts().dispatched,
            bytes_in=traffic.bytes_in,
            bytes_out=traffic.bytes_out,
            fsyncs=self._fsyncs(),
            most_writes_waiting=self.store.take_most_writes_waiting(),
            unflushed_bytes=self.outputs.unflushed_bytes(),
            memory_bytes=process.memory_bytes(),
            descriptors=process.descriptors(),
            cpu_seconds=time.process_time(),
            round_trips={
                session.workspace_id: session.link.heartbeat.round_trip_at(now)
                for session in connections.presence.sessions()
            },
        )

    def _fsyncs(self) -> Spread:
        spread = self.flusher.rounds.take()
        under_way = self.flusher.under_way()
        if under_way is None:
            return spread
        return spread._replace(longest=max(under_way, spread.longest or 0.0))
