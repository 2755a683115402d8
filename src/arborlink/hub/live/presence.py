"""Which workspaces are connected, from the connections themselves (never from a timer)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from arborlink.hub.live.clock import now_us
from arborlink.hub.live.returning import Returning
from arborlink.hub.store.base import WorkspaceStore
from arborlink.hub.views import PresenceInfo
from arborlink.protocol.errors import (
    ConnectionReplaced,
    NotAuthenticated,
    Unavailable,
    may_reconnect,
)

if TYPE_CHECKING:
    from arborlink.hub.live.daemon_session import DaemonSession

# For how long who asks a hub that goes down is to stay away: another hub starts meanwhile.
DRAINING_RETRY_SECONDS = 2.0


class Presence:
    """At most one session a workspace; a newer one takes the older one's place."""

    def __init__(self, store: WorkspaceStore, *, grace_seconds: float = 0.0) -> None:
        self._store = store
        self._returning = Returning(store, grace_seconds)
        self._sessions: dict[str, DaemonSession] = {}
        self._connections: Counter[str] = Counter()
        self._reconnects_of_removed = 0
        self._draining = False
        # A hub that was killed could not note when its daemons were last seen: until they come
        # back, its own start is the best that is known.
        self._started_at = now_us()

    def session(self, workspace_id: str) -> DaemonSession | None:
        """The workspace's daemon, if it is connected."""
        return self._sessions.get(workspace_id)

    def sessions(self) -> Iterable[DaemonSession]:
        """All connected daemons."""
        return tuple(self._sessions.values())

    def enter(self, session: DaemonSession) -> DaemonSession | None:
        """This session serves its workspace from now on; the one it replaces, if any.

        Raises:
            ConnectionReplaced: a newer one (by epoch) is here already.
        """
        previous = self._sessions.get(session.workspace_id)
        if previous is not None and previous.epoch > session.epoch:
            raise ConnectionReplaced("a newer connection of this daemon took over")
        self._sessions[session.workspace_id] = session
        self._connections[session.daemon_id] += 1
        self._returning.arrived(session.workspace_id)
        return previous

    async def until_back(self, workspace_id: str) -> None:
        """Wait for a daemon that is not here, for as long as it is expected back."""
        while self.session(workspace_id) is None and not self._draining:
            if not await self._returning.wait(workspace_id):
                return

    def reconnects(self, daemon_id: str) -> int:
        """How often this daemon has come back since the hub was started."""
        return max(0, self._connections[daemon_id] - 1)

    def all_reconnects(self) -> int:
        """The same, over all daemons."""
        return self._reconnects_of_removed + self._connections.total() - len(self._connections)

    def leave(self, session: DaemonSession) -> bool:
        """The session ended; False if it had been replaced before."""
        if self._sessions.get(session.workspace_id) is not session:
            return False
        del self._sessions[session.workspace_id]
        failure = session.link.failure
        if failure is None or may_reconnect(failure.close_code):
            self._returning.left(session.workspace_id)
        return True

    def state(self, workspace_id: str) -> PresenceInfo:
        """Connected or not, since when, and how far away."""
        session = self._sessions.get(workspace_id)
        if session is not None:
            round_trip = session.link.heartbeat.round_trip
            return PresenceInfo(
                connected=True,
                since=round(session.connected_at * 1_000_000),
                round_trip_ms=None if round_trip is None else round(round_trip * 1_000, 3),
            )
        row = self._store.workspace(workspace_id)
        if row is None or row.last_connected_at is None:
            return PresenceInfo(connected=False, since=None, round_trip_ms=None)
        last_seen = row.last_seen_at
        if last_seen is None or last_seen < row.last_connected_at:
            last_seen = max(row.last_connected_at, self._started_at)
        return PresenceInfo(connected=False, since=last_seen, round_trip_ms=None)

    def draining(self) -> bool:
        """Whether the hub is going down and takes nothing new."""
        return self._draining

    def start_draining(self) -> None:
        """Take nothing new from now on."""
        self._draining = True
        self._returning.give_up()

    def daemon_removed(self, daemon_id: str, workspace_id: str) -> None:
        """Close the connection of a daemon that was deleted, also one that is being accepted."""
        session = self._sessions.get(workspace_id)
        if session is not None and session.daemon_id == daemon_id:
            session.fail(
                NotAuthenticated("this daemon was removed, or its workspace; enroll it again")
            )
        self._reconnects_of_removed += max(0, self._connections.pop(daemon_id, 0) - 1)

    def workspace_removed(self, workspace_id: str) -> None:
        """Let nobody wait any longer for the daemon of a workspace that was deleted."""
        self._returning.forget(workspace_id)


def going_down() -> Unavailable:
    """Return what a peer is told that comes while the hub stops."""
    return Unavailable("The hub is going down.", retry_after=DRAINING_RETRY_SECONDS)
