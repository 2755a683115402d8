"""What the hub measures of itself, as the HTTP API shows it: connections, round trips, health."""

from __future__ import annotations

from typing import Literal

from arborlink.protocol.resources import Resource

ConnectionKind = Literal["daemon", "viewer"]
Measured = list[float | None]
Counted = list[int | None]


class ConnectionPeer(Resource, frozen=True):
    """The peer of a connection: a user for a viewer, a daemon with its workspace for a daemon.

    A viewer's `workspaceId` is the one that its credential is limited to.
    """

    user_id: str | None = None
    username: str | None = None
    daemon_id: str | None = None
    workspace_id: str | None = None
    workspace_name: str | None = None


class Connection(Resource, frozen=True):
    """One live WebSocket connection. The page on the HTTP API defines every field."""

    id: str
    kind: ConnectionKind
    who: ConnectionPeer
    address: str
    since: str
    version: str | None
    subprotocol: str
    epoch: int | None
    round_trip_ms: float | None
    bytes_in: int
    bytes_out: int
    messages_in: int
    messages_out: int
    bytes_in_per_second: float | None
    bytes_out_per_second: float | None
    unacknowledged_bytes: int
    lag_bytes: int
    lag_ms: float | None
    subscriptions: int
    reconnects: int | None


class ConnectionList(Resource, frozen=True):
    """Oldest first, and all there are."""

    items: list[Connection]


class RoundTrips(Resource, frozen=True):
    """A workspace's round trips, one an interval, oldest first, the last one the newest.

    null where its daemon was not connected, or nothing was measured yet.
    """

    workspace_id: str
    round_trip_ms: Measured


class RoundTripList(Resource, frozen=True):
    """`interval` is in seconds. A workspace that was not connected lately is not listed."""

    interval: int
    items: list[RoundTrips]


class DiskSpace(Resource, frozen=True):
    """Of the disk that the hub's data is on, and what that data takes; null until it is known."""

    free_bytes: int
    total_bytes: int
    data_bytes: int | None


class ConnectionCounts(Resource, frozen=True):
    """How many connections there were of each kind."""

    daemons: list[int]
    viewers: list[int]


class HealthPoints(Resource, frozen=True):
    """One column a figure, all equally long, oldest first; null where nothing is known.

    `time` is in seconds since 1970, as plots want it.
    """

    time: list[int]
    connections: ConnectionCounts
    running_tasks: list[int]
    bytes_in_per_second: Measured
    bytes_out_per_second: Measured
    fsync_ms_p50: Measured
    fsync_ms_max: Measured
    loop_lag_ms_max: Measured
    commit_queue: list[int]
    unflushed_bytes: list[int]
    memory_bytes: Counted
    descriptors: Counted
    cpu_percent: Measured


class Health(Resource, frozen=True):
    """The hub and its last hour. `interval` is that of the points, in seconds."""

    version: str
    python: str
    sqlite: str
    platform: str
    started_at: str
    now: str
    interval: int
    descriptor_limit: int | None
    disk: DiskSpace
    points: HealthPoints
