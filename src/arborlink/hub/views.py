"""Rows as the API shows them: what the live half and the HTTP half have in common."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from arborlink.hub.store.base import TaskCounts, WorkspaceRow
from arborlink.protocol.errors import QUARANTINED
from arborlink.protocol.resources import (
    Attention,
    DaemonChange,
    Workspace,
    WorkspaceOwner,
    WorkspaceState,
)


class PresenceInfo(Struct, frozen=True, kw_only=True):
    """Whether a workspace's daemon is connected, since when (µs since 1970), how far away."""

    connected: bool
    since: int | None
    round_trip_ms: float | None


def workspace_resource(row: WorkspaceRow, presence: PresenceInfo, counts: TaskCounts) -> Workspace:
    """The workspace as the API shows it. One whose daemon was removed is as good as new."""
    host = row.host
    return Workspace(
        id=row.id,
        name=row.name,
        owner=WorkspaceOwner(id=row.owner_id, username=row.owner_name),
        state=_state(row, presence),
        since=None if presence.since is None else rfc3339(presence.since),
        host=host.hostname if host else None,
        platform=host.platform if host else None,
        user=host.user if host else None,
        path=host.path if host else None,
        version=row.version,
        daemon_id=row.daemon_id,
        round_trip_ms=presence.round_trip_ms,
        running_tasks=counts.dispatched,
        queued_tasks=counts.queued,
        created_at=rfc3339(row.created_at),
        attention=_attention(row),
        daemon_change=_daemon_change(row),
    )


def rfc3339(us: int) -> str:
    """µs since 1970 as RFC 3339 in UTC."""
    return datetime.fromtimestamp(us / 1_000_000, UTC).isoformat().replace("+00:00", "Z")


def optional_rfc3339(us: int | None) -> str | None:
    """As `rfc3339`, of a time that may not have come yet."""
    return None if us is None else rfc3339(us)


def _daemon_change(row: WorkspaceRow) -> DaemonChange | None:
    change = row.daemon_change
    if change is None:
        return None
    return DaemonChange(
        what=change.what,
        at=rfc3339(change.at),
        user=change.user,
        token=change.token,
        address=change.address,
        removed_account=change.removed_account,
    )


def _attention(row: WorkspaceRow) -> Attention | None:
    if row.quarantined_at is None:
        return None
    text = QUARANTINED[:1].upper() + QUARANTINED[1:] + "."
    return Attention(code="quarantined", since=rfc3339(row.quarantined_at), text=text)


def _state(row: WorkspaceRow, presence: PresenceInfo) -> WorkspaceState:
    if presence.connected:
        return "connected"
    if row.daemon_id is None or row.last_connected_at is None:
        return "never_connected"
    return "unreachable"
