"""What the HTTP API shows: tasks, workspaces and the rest, as they are on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from arborlink.protocol import limits
from arborlink.protocol.lifecycle import TaskStatus

Argument = Annotated[str, Meta(max_length=limits.MAX_ARGUMENT_BYTES)]
Path = Annotated[str, Meta(max_length=limits.MAX_PATH_CHARS)]
EnvironmentName = Annotated[
    str, Meta(max_length=limits.MAX_ENVIRONMENT_NAME_CHARS, pattern=r"^[^=\x00]+$")
]
TerminalSide = Annotated[int, Meta(ge=1, le=limits.MAX_TERMINAL_SIDE)]
Timeout = Annotated[float, Meta(gt=0, le=limits.MAX_TIMEOUT_SECONDS)]
Name = Annotated[str, Meta(min_length=1, max_length=limits.MAX_NAME_CHARS)]
Title = Annotated[str, Meta(max_length=limits.MAX_TITLE_CHARS)]
Offset = Annotated[int, Meta(ge=0, le=limits.MAX_OFFSET)]

SpoolPolicy = Literal["block", "drop_middle", "kill"]
StandardInput = Literal["open", "empty"]
WorkspaceState = Literal["connected", "unreachable", "never_connected"]
Scope = Literal["tasks:read", "tasks:write", "workspaces:write", "admin"]

ALL_SCOPES: tuple[Scope, ...] = ("tasks:read", "tasks:write", "workspaces:write", "admin")


class Resource(Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what the API returns: every field is always there."""


class TerminalSize(Resource, frozen=True):
    """Size of a pseudo-terminal in characters."""

    cols: TerminalSide
    rows: TerminalSide


class GapInfo(Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """Bytes `[start, end)` of a task's output that can never arrive, and why."""

    start: Offset
    end: Offset
    reason: str


class Task(Resource, frozen=True):
    """One execution of one command. Times are RFC 3339 in UTC; `env` has the names only."""

    id: str
    workspace_id: str
    command: str
    args: list[str]
    cwd: str
    env: list[str]
    shell: bool
    tty: TerminalSize | None
    title: str | None
    status: TaskStatus
    reason: str | None
    exit_code: int | None
    signal: int | None
    error: str | None
    created_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    output_size: int
    gaps: list[GapInfo]
    timeout: float | None
    cancel_requested: bool = False


class Workspace(Resource, frozen=True):
    """A folder on a machine, as the hub knows it. `round_trip_ms` is that of the last heartbeat."""

    id: str
    name: str
    state: WorkspaceState
    since: str | None
    host: str | None
    platform: str | None
    user: str | None
    path: str | None
    version: str | None
    daemon_id: str | None
    round_trip_ms: float | None
    running_tasks: int
    queued_tasks: int
    created_at: str


class NewTask(Struct, frozen=True, kw_only=True, rename="camel"):
    """Body of `POST /api/workspaces/{id}/tasks`."""

    command: Annotated[str, Meta(max_length=limits.MAX_ARGUMENT_BYTES)]
    args: Annotated[list[Argument], Meta(max_length=limits.MAX_ARGUMENTS)] = []
    cwd: Path = "."
    env: Annotated[
        dict[EnvironmentName, Argument], Meta(max_length=limits.MAX_ENVIRONMENT_VARIABLES)
    ] = {}
    shell: bool = False
    tty: TerminalSize | None = None
    timeout: Timeout | None = None
    if_offline: Literal["fail", "queue"] = "fail"
    expires_in: Timeout | None = None
    on_spool_full: SpoolPolicy = "block"
    title: Title | None = None
    stdin: StandardInput = "open"


class Principal(Resource, frozen=True):
    """Who a request is made by: `GET /api/me`."""

    user_id: str
    username: str
    role: Literal["owner", "member", "daemon"]
    scopes: list[Scope]
    workspace_id: str | None
    token_id: str | None


class Token(Resource, frozen=True):
    """An API token as it is listed; its secret is shown once, when it is made."""

    id: str
    name: str
    prefix: str
    scopes: list[Scope]
    workspace_id: str | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 `application/problem+json`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    want: int | None = None
    candidates: list[str] | None = None
