"""The Python SDK: run commands in workspaces and read their output, exactly.

`Hub` is asynchronous, `SyncHub` is the same without an event loop.
"""

from arborlink.client.chunks import Chunk, Gap, Snapshot, TerminalChange
from arborlink.client.device import sign_in
from arborlink.client.hub import Hub
from arborlink.client.replies import CreatedToken, CreatedUser, Enrollment, Segment, SessionLink
from arborlink.client.sync import SyncHub, SyncTaskHandle
from arborlink.client.tasks import TaskHandle
from arborlink.client.times import parse_time
from arborlink.protocol.errors import (
    ArborError,
    Conflict,
    HubNotProven,
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OtherHubKey,
    OutputDamaged,
    SignInUnfinished,
    TooManyRequests,
    Unavailable,
    WorkspaceUnreachable,
)
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.resources import (
    DeviceCode,
    GrantedToken,
    Principal,
    SearchHit,
    Task,
    TerminalSize,
    TerminalSizeChange,
    Token,
    User,
    Workspace,
    WorkspaceOwner,
)

__all__ = [
    "ArborError",
    "Chunk",
    "Conflict",
    "CreatedToken",
    "CreatedUser",
    "DeviceCode",
    "Enrollment",
    "Gap",
    "GrantedToken",
    "Hub",
    "HubNotProven",
    "InvalidInput",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "OtherHubKey",
    "OutputDamaged",
    "Principal",
    "SearchHit",
    "Segment",
    "SessionLink",
    "SignInUnfinished",
    "Snapshot",
    "SyncHub",
    "SyncTaskHandle",
    "Task",
    "TaskHandle",
    "TaskStatus",
    "TerminalChange",
    "TerminalSize",
    "TerminalSizeChange",
    "Token",
    "TooManyRequests",
    "Unavailable",
    "User",
    "Workspace",
    "WorkspaceOwner",
    "WorkspaceUnreachable",
    "parse_time",
    "sign_in",
]
