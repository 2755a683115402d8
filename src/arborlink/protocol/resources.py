"""What the HTTP API shows: tasks, workspaces and the rest, as they are on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

from arborlink.protocol import limits
from arborlink.protocol.lifecycle import TaskStatus

Argument = Annotated[str, Meta(max_length=limits.MAX_ARGUMENT_BYTES)]
Path = Annotated[str, Meta(max_length=limits.MAX_PATH_CHARS)]
EnvironmentName = Annotated[
    str, Meta(max_length=limits.MAX_ENVIRONMENT_NAME_CHARS, pattern=r"^[^=\x00]+$")
]
Variables = Annotated[
    dict[EnvironmentName, Argument], Meta(max_length=limits.MAX_ENVIRONMENT_VARIABLES)
]
TerminalSide = Annotated[int, Meta(ge=1, le=limits.MAX_TERMINAL_SIDE)]
TerminalColumns = Annotated[int, Meta(ge=1, le=limits.MAX_TERMINAL_COLUMNS)]
TerminalRows = Annotated[int, Meta(ge=1, le=limits.MAX_TERMINAL_ROWS)]
# Names of RFC 4254, §8. An end leaves modes that it does not know as they are.
TerminalMode = Annotated[
    str, Meta(pattern=r"^[A-Z][A-Z0-9]*$", max_length=limits.MAX_TERMINAL_MODE_CHARS)
]
TerminalModes = Annotated[
    dict[TerminalMode, Annotated[int, Meta(ge=0, le=255)]],
    Meta(max_length=limits.MAX_TERMINAL_MODES),
]
Timeout = Annotated[float, Meta(gt=0, le=limits.MAX_TIMEOUT_SECONDS)]
Name = Annotated[str, Meta(min_length=1, max_length=limits.MAX_NAME_CHARS)]
Title = Annotated[str, Meta(max_length=limits.MAX_TITLE_CHARS)]
Offset = Annotated[int, Meta(ge=0, le=limits.MAX_OFFSET)]

SpoolPolicy = Literal["block", "drop_middle", "kill"]
StandardInput = Literal["open", "empty"]
Role = Literal["owner", "member"]
WorkspaceState = Literal["connected", "unreachable", "never_connected"]
DaemonChangeKind = Literal["enrolled", "replaced", "removed", "released"]
Scope = Literal["tasks:read", "tasks:write", "workspaces:write", "daemons:write", "admin"]

ALL_SCOPES: tuple[Scope, ...] = (
    "tasks:read",
    "tasks:write",
    "workspaces:write",
    "daemons:write",
    "admin",
)
# Default of a program's sign-in: scopes to watch and run tasks, and the token's lifetime.
SIGN_IN_SCOPES: tuple[Scope, ...] = ("tasks:read", "tasks:write")
SIGN_IN_SECONDS = 90 * 86_400.0


class Resource(Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what the API returns: every field is always there."""


class TerminalSize(Resource, frozen=True):
    """Size of a pseudo-terminal in characters. More than 1,000 by 500 is read as that."""

    cols: TerminalSide
    rows: TerminalSide

    def __post_init__(self) -> None:
        limit_size(self)


class Terminal(TerminalSize, frozen=True):
    """A pseudo-terminal as a task begins with it.

    `modes`: settings of its line, as SSH carries them (RFC 4254, §8): `VERASE` is the key that
    erases, 255 for none; `ECHO` and other flags are 0 or 1. What is left out is as the system has
    it, with UTF-8 (`IUTF8`).
    """

    modes: TerminalModes = {}


class NewTerminal(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The terminal that is asked for with a new task; a larger one is refused. `modes`: settings of
    its line by their names in RFC 4254, §8 (`{"VERASE": 127}`, 255 for no key); UTF-8 without."""

    cols: TerminalColumns
    rows: TerminalRows
    modes: TerminalModes = {}

    def __post_init__(self) -> None:
        limit_size(self)


class TerminalSizeChange(TerminalSize, frozen=True):
    """The size of a task's terminal from `offset` of its output on; `time` is in µs since the
    task's start."""

    offset: Offset
    time: int


class TerminalSizes(Resource, frozen=True):
    """Every size that a task's terminal has had, the first as it was created. Of more than 1,000
    some in the middle are left out; the last is always there."""

    items: list[TerminalSizeChange]


def limit_size(sized: Struct) -> None:
    """Bring `cols` and `rows` of a struct that is being made within the bounds of a terminal.

    What draws a terminal allocates its cells at once, so no process holds a larger size, whether a
    peer sent it or an earlier version stored it.
    """
    for name, limit in _SIDES.items():
        if getattr(sized, name) > limit:
            force_setattr(sized, name, limit)


_SIDES = {"cols": limits.MAX_TERMINAL_COLUMNS, "rows": limits.MAX_TERMINAL_ROWS}


class GapInfo(Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """Bytes `[start, end)` of a task's output that can never arrive, and why."""

    start: Offset
    end: Offset
    reason: str


class ProcessUsage(Resource, frozen=True):
    """What a running task's processes use together, as its daemon measured it and the hub heard of
    it at `at`.

    `cpuSeconds`: processor time so far, also of processes that have ended and were waited for.
    `cpuShare`: of the last seconds; 1 is one core, all the time. `memoryBytes`: the sum of what
    each has in memory; what several share is counted by each.
    """

    at: str
    cpu_seconds: float
    cpu_share: float
    memory_bytes: int
    processes: int


class Task(Resource, frozen=True):
    """One execution of one command. Times are RFC 3339 in UTC; `env` has the names only.

    `isCut`: `command`, `args` and `env` are not all of what was asked for, but its beginning.
    `GET /api/tasks/{id}` has all of it; elsewhere there is at most 1 KiB of command and arguments,
    and as much of names.
    `watching`: live connections that followed its output when this was said.
    `inputRead`: how much of its standard input the command has read, by what its daemon says of a
    task that is over; null where that is not known, and with a terminal.
    `usage`: null unless it is running, its daemon is connected, and can measure it.
    `createdAt`, `startedAt` and `finishedAt` are by the hub's clock, so they can be compared, and
    stand in this order. `reportedStartedAt` and `reportedFinishedAt` are what the clock of the
    task's machine said then; null: it said nothing, or the same.
    `stdin`: `open`, the command reads what is sent as its input; `empty`, it reads the end of input
    at once. A task with a terminal reads what is typed.
    """

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
    watching: int = 0
    is_cut: bool = False
    input_read: int | None = None
    usage: ProcessUsage | None = None
    reported_started_at: str | None = None
    reported_finished_at: str | None = None
    stdin: StandardInput = "open"
    merge_stderr: bool = False


class Attention(Resource, frozen=True):
    """What a person has to decide about a workspace, and since when. `quarantined`: copies of its
    daemon kept replacing each other, and none is let in until it is released."""

    code: Literal["quarantined"]
    since: str
    text: str


class WorkspaceOwner(Resource, frozen=True):
    """The account that a workspace belongs to."""

    id: str
    username: str


class DaemonChange(Resource, frozen=True):
    """The last change of a workspace's daemon, and its author. `replaced`: a daemon came after
    another one. `token`: the name of the API token it was done with. `address`: where the daemon
    was enrolled from, or where the request came from. `removedAccount`: it was removed together
    with that account."""

    what: DaemonChangeKind
    at: str
    user: str
    token: str | None
    address: str | None
    removed_account: str | None


class Workspace(Resource, frozen=True):
    """A folder on a machine, as the hub knows it. `roundTripMs` is that of the last heartbeat.

    `host`, `platform`, `user` and `path` are what its daemon says: claims, by which nothing may be
    chosen. `owner` is what the hub knows; null: the hub is older than this field.
    """

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
    attention: Attention | None = None
    owner: WorkspaceOwner | None = None
    daemon_change: DaemonChange | None = None


class NewTask(Struct, frozen=True, kw_only=True, rename="camel"):
    """Body of `POST /api/workspaces/{id}/tasks`. `mergeStderr`: stdout and stderr are one pipe, so
    that the bytes of both are in the order in which they were written, and all of stdout."""

    command: Annotated[str, Meta(max_length=limits.MAX_ARGUMENT_BYTES)]
    args: Annotated[list[Argument], Meta(max_length=limits.MAX_ARGUMENTS)] = []
    cwd: Path = "."
    env: Variables = {}
    shell: bool = False
    tty: NewTerminal | None = None
    timeout: Timeout | None = None
    if_offline: Literal["fail", "queue"] = "fail"
    expires_in: Timeout | None = None
    on_spool_full: SpoolPolicy = "block"
    title: Title | None = None
    stdin: StandardInput = "open"
    merge_stderr: bool = False


def command_bytes(command: str, args: Sequence[str], env: Mapping[str, str]) -> int:
    """Return how many bytes these take together, as `execve` counts, each with its end.

    A byte that is not UTF-8 counts as what it is written with (`octets`): three.
    """
    texts = [command, *args, *env, *env.values()]
    return sum(len(text.encode()) for text in texts) + len(texts)


class Principal(Resource, frozen=True):
    """The principal of a request: `GET /api/me`. `expiresAt` is the end of the credential in use; a
    browser's session has `sessionExpiresAt` as well, which is extended by each use."""

    user_id: str
    username: str
    role: Literal["owner", "member", "daemon"]
    scopes: list[Scope]
    workspace_id: str | None
    token_id: str | None
    has_password: bool = False
    session_expires_at: str | None = None
    expires_at: str | None = None


class User(Resource, frozen=True):
    """An account. Without a password it signs in by links."""

    id: str
    username: str
    role: Role
    has_password: bool
    created_at: str


class DeviceCode(Resource, frozen=True):
    """A sign-in that waits to be approved (RFC 8628, §3.2). A person opens `verificationUri` and
    types `userCode`; the program asks with `deviceCode` every `interval` seconds, for at most
    `expiresIn` seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: float
    interval: float


class GrantedToken(Resource, frozen=True):
    """The API token of a sign-in that was approved. Its secret is shown this once."""

    token: str
    token_id: str
    username: str
    scopes: list[Scope]
    expires_at: str | None


class Token(Resource, frozen=True):
    """An API token as it is listed; its secret is shown once, when it is made. `madeBy`: the id of
    the API token that it was made with, and ends with."""

    id: str
    name: str
    prefix: str
    scopes: list[Scope]
    workspace_id: str | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    made_by: str | None = None


class SearchHit(Resource, frozen=True):
    """A match in a task's output: the bytes `[offset, offset + length)`, in line `line` (from 1;
    null: not known, as after a gap). `text[column:column + width]` is the match, or as much of it
    as fits, counted in Unicode characters; the rest of `text` is of the line around it."""

    offset: int
    length: int
    line: int | None
    text: str
    column: int
    width: int


class SearchPage(Resource, frozen=True):
    """Hits in their order. With `nextCursor` there is more to search, though perhaps not to find:
    send it as `cursor`. No hit before `searchedTo` is missing; the output ended at `end` then."""

    items: list[SearchHit]
    next_cursor: str | None
    searched_to: int
    end: int


class HubProof(Resource, frozen=True):
    """A hub's proof of its identity, for one connection. `signature` (base64url) is made with the
    private half of `key` over the nonce of the request and the other fields.

    `authority`: the host that the request was for. `channel`: a hash of the nonce, of both ends of
    the connection and of this machine, where neither a proxy nor a network is in between.
    """

    hub_id: str
    key: str
    authority: str
    channel: str | None
    signature: str


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 `application/problem+json`. `error` repeats `code` where RFC 8628 has a say.

    `retryAfter`: the same as the header `Retry-After`, in seconds.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    want: int | None = None
    candidates: list[str] | None = None
    error: str | None = None
    retry_after: float | None = field(default=None, name="retryAfter")
