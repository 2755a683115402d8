"""Rows with everything filled in, for tests that care about one field of them."""

from __future__ import annotations

from typing import Any

from arborlink.hub.store.base import TaskRow, WorkspaceRow
from arborlink.hub.store.base_access import TokenRow, UserRow
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import HostInfo

OWNER = UserRow(id="usr_1", username="owner", role="owner", created_at=1)
HOST = HostInfo(hostname="h", platform="linux", user="u", path="/p")


def task_id(n: int) -> str:
    """Ids sort as their numbers do."""
    return f"tsk_{n:08}"


def workspace_id(n: int) -> str:
    """The id of the nth workspace."""
    return f"ws_{n}"


def task(n: int, **fields: Any) -> TaskRow:
    """A pending task."""
    values: dict[str, Any] = {
        "id": task_id(n),
        "workspace_id": workspace_id(1),
        "command": "true",
        "args": [],
        "cwd": ".",
        "env": {},
        "shell": False,
        "tty": None,
        "title": None,
        "timeout": None,
        "on_spool_full": "block",
        "stdin": "open",
        "status": TaskStatus.PENDING,
        "created_by": OWNER.id,
        "created_at": 1,
    }
    return TaskRow(**values | fields)


def workspace(n: int, **fields: Any) -> WorkspaceRow:
    """A workspace of the owner's."""
    values: dict[str, Any] = {
        "id": workspace_id(n),
        "name": f"workspace {n}",
        "owner_id": OWNER.id,
        "owner_name": OWNER.username,
        "created_at": 1,
    }
    return WorkspaceRow(**values | fields)


def token(n: int, **fields: Any) -> TokenRow:
    """A token of the owner's."""
    values: dict[str, Any] = {
        "id": f"tok_{n}",
        "user_id": OWNER.id,
        "name": "name",
        "prefix": "arb_u_",
        "secret_hash": bytes([n]) * 32,
        "scopes": ["tasks:read"],
        "created_at": 1,
    }
    return TokenRow(**values | fields)
