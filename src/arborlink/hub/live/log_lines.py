"""What the log says of daemons and tasks: who and when, never what was run or written."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from arborlink.hub.live.session import BROKEN, Session
from arborlink.hub.store.base import TaskRow
from arborlink.protocol.errors import ArborError
from arborlink.protocol.link import Close

MILLISECOND_US: Final = 1_000

logger = logging.getLogger(__name__)


def task_created(row: TaskRow) -> None:
    """It is stored, and will run."""
    logger.info(
        "task created",
        extra={"task": row.id, "workspace": row.workspace_id, "user": row.created_by},
    )


def task_ended(row: TaskRow) -> None:
    """Its last status is stored."""
    fields: dict[str, Any] = {
        "task": row.id,
        "workspace": row.workspace_id,
        "status": str(row.status),
        "reason": row.reason,
        "exit_code": row.exit_code,
        "signal": row.signal,
        "output_bytes": row.output_size,
        "reported_finished_at": row.reported_finished_at,
    }
    if row.started_at is not None and row.finished_at is not None:
        fields["milliseconds"] = (row.finished_at - row.started_at) // MILLISECOND_US
    known = {name: value for name, value in fields.items() if value is not None}
    logger.info("task ended", extra=known)


def task_removed(
    task_id: str, workspace_id: str, owner_id: str | None, size: int, cause: str
) -> None:
    """It was over, and is removed with its output, which gave back `size` bytes."""
    fields = {"task": task_id, "workspace": workspace_id, "bytes": size, "reason": cause}
    logger.info("task removed", extra=fields if owner_id is None else {**fields, "user": owner_id})


def connected(session: Session) -> None:
    """A peer was let in."""
    logger.log(_level(session), "%s connected", session.kind, extra={"address": session.address})


def disconnected(session: Session) -> None:
    """A peer is gone, or was sent away."""
    seconds = time.time() - session.connected_at
    fields: dict[str, Any] = {"milliseconds": round(1_000 * seconds)}
    fields |= _how(session.link.failure, session.closed)
    logger.log(_level(session), "%s disconnected", session.kind, extra=fields)


def _how(failure: ArborError | None, closed: Close | int) -> dict[str, Any]:
    if failure is not None:
        # Its text may repeat what the peer has sent; its code does not.
        return {"by": "hub", "code": failure.close_code, "reason": failure.code}
    if isinstance(closed, Close):
        return {"by": "hub", "code": closed.code, "reason": closed.reason}
    # What a peer gives as its reason may be anything.
    return {"by": "nobody" if closed == BROKEN else "peer", "code": closed}


def _level(session: Session) -> int:
    # People open and close pages all day long.
    return logging.INFO if session.kind == "daemon" else logging.DEBUG
