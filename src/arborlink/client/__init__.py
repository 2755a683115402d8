"""The Python SDK: run commands in workspaces and read their output, exactly.

`Hub` is asynchronous, `SyncHub` is the same without an event loop.
"""

from arborlink.client.chunks import Chunk, Gap
from arborlink.client.hub import Hub
from arborlink.client.replies import CreatedToken, Enrollment, SessionLink
from arborlink.client.sync import SyncHub, SyncTaskHandle
from arborlink.client.tasks import TaskHandle
from arborlink.protocol.errors import (
    ArborError,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    TooManyRequests,
    Unavailable,
    WorkspaceUnreachable,
)
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.resources import Principal, Task, TerminalSize, Token, Workspace

__all__ = [
    "ArborError",
    "Chunk",
    "Conflict",
    "CreatedToken",
    "Enrollment",
    "Gap",
    "Hub",
    "InvalidInput",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "Principal",
    "SessionLink",
    "SyncHub",
    "SyncTaskHandle",
    "Task",
    "TaskHandle",
    "TaskStatus",
    "TerminalSize",
    "Token",
    "TooManyRequests",
    "Unavailable",
    "Workspace",
    "WorkspaceUnreachable",
]
