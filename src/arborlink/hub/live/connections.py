"""All live connections: who they are, what they move, and what they have moved in all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from arborlink.hub.live.daemon_session import DaemonSession
from arborlink.hub.live.presence import Presence
from arborlink.hub.live.session import Session
from arborlink.hub.live.traffic import Traffic
from arborlink.hub.store.base import WorkspaceStore
from arborlink.hub.views import rfc3339
from arborlink.protocol.figures import Connection, ConnectionKind, ConnectionPeer


@dataclass(slots=True)
class KindTotals:
    """Over all connections of a kind; `traffic` includes those that are gone."""

    connections: int = 0
    unacknowledged_bytes: int = 0
    lag_bytes: int = 0
    subscriptions: int = 0
    longest_round_trip: float | None = None
    traffic: Traffic = field(default_factory=Traffic)


class Connections:
    """Entered by a connection once it is authenticated, and left when it ends."""

    def __init__(self, workspaces: WorkspaceStore, presence: Presence) -> None:
        self.live: set[Session] = set()
        self.presence = presence
        self._workspaces = workspaces
        self._ended: dict[ConnectionKind, Traffic] = {"daemon": Traffic(), "viewer": Traffic()}

    def enter(self, session: Session) -> None:
        """The connection lives."""
        self.live.add(session)

    def leave(self, session: Session) -> None:
        """It does not any more."""
        if session in self.live:
            self.live.remove(session)
            self._ended[session.kind].add(session.traffic)

    def measure(self, now: float) -> None:
        """Renew every connection's rates; `now` is in monotonic seconds."""
        for session in self.live:
            session.meter.read(session.traffic, now)

    def traffic(self) -> Traffic:
        """What the hub's connections have moved since its start, those that are gone too."""
        total = Traffic()
        for ended in self._ended.values():
            total.add(ended)
        for session in self.live:
            total.add(session.traffic)
        return total

    def count(self, kind: ConnectionKind) -> int:
        """How many there are of a kind."""
        return sum(session.kind == kind for session in self.live)

    def totals(self) -> dict[str, KindTotals]:
        """Figures without names by kind, for machines that watch machines."""
        now = time.monotonic()
        totals: dict[str, KindTotals] = {}
        for kind, ended in self._ended.items():
            totals[kind] = KindTotals()
            totals[kind].traffic.add(ended)
        for session in self.live:
            _include(totals[session.kind], session, now)
        return totals

    def list(self) -> list[Connection]:
        """Oldest first."""
        now = time.monotonic()
        names = self._workspaces.workspace_names()
        sessions = sorted(self.live, key=lambda session: (session.connected_at, session.id))
        return [self._describe(session, names, now) for session in sessions]

    def _describe(self, session: Session, names: dict[str, str], now: float) -> Connection:
        daemon = session if isinstance(session, DaemonSession) else None
        round_trip = session.link.heartbeat.round_trip_at(now)
        traffic, rates, backlog = session.traffic, session.meter.rates, session.backlog()
        return Connection(
            id=session.id,
            kind=session.kind,
            who=_peer(session, names),
            address=session.address,
            since=rfc3339(round(session.connected_at * 1_000_000)),
            version=daemon.version if daemon else None,
            subprotocol=session.codec.subprotocol,
            epoch=daemon.epoch if daemon else None,
            round_trip_ms=None if round_trip is None else round(round_trip * 1_000, 3),
            bytes_in=traffic.bytes_in,
            bytes_out=traffic.bytes_out,
            messages_in=traffic.messages_in,
            messages_out=traffic.messages_out,
            bytes_in_per_second=_whole(rates.bytes_in),
            bytes_out_per_second=_whole(rates.bytes_out),
            unacknowledged_bytes=backlog.unacknowledged_bytes,
            lag_bytes=backlog.lag_bytes,
            lag_ms=session.lag_ms(),
            subscriptions=backlog.subscriptions,
            reconnects=self.presence.reconnects(daemon.daemon_id) if daemon else None,
        )


def _peer(session: Session, names: dict[str, str]) -> ConnectionPeer:
    if isinstance(session, DaemonSession):
        return ConnectionPeer(
            daemon_id=session.daemon_id,
            workspace_id=session.workspace_id,
            workspace_name=names.get(session.workspace_id),
        )
    identity = session.identity
    if identity is None:
        return ConnectionPeer()
    limited_to = identity.workspace_id
    return ConnectionPeer(
        user_id=identity.user_id,
        username=identity.username,
        workspace_id=limited_to,
        workspace_name=None if limited_to is None else names.get(limited_to),
    )


def _include(totals: KindTotals, session: Session, now: float) -> None:
    backlog = session.backlog()
    totals.connections += 1
    totals.unacknowledged_bytes += backlog.unacknowledged_bytes
    totals.lag_bytes += backlog.lag_bytes
    totals.subscriptions += backlog.subscriptions
    totals.traffic.add(session.traffic)
    round_trip = session.link.heartbeat.round_trip_at(now)
    if round_trip is not None:
        totals.longest_round_trip = max(round_trip, totals.longest_round_trip or 0.0)


def _whole(rate: float | None) -> float | None:
    return None if rate is None else round(rate)
