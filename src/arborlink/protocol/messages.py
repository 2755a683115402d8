"""Every message of the WebSocket, once. See `docs/reference/websocket.md`.

Commands are imperative, facts are past or present; field names are camelCase on the wire. One
tagged union per direction; the codecs, the JSON Schema and the TypeScript types come from these.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

from arborlink.protocol import limits
from arborlink.protocol.fields import (
    Amount,
    Capabilities,
    Checksum,
    Clock,
    Count,
    ExitCode,
    Id,
    InputBytes,
    Moment,
    Secret,
    Sentence,
    ShortText,
    SignalNumber,
    TaskUsage,
)
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.limits import WireLimits
from arborlink.protocol.resources import (
    Argument,
    EnvironmentName,
    Offset,
    Path,
    SpoolPolicy,
    StandardInput,
    Task,
    Terminal,
    TerminalSide,
    Timeout,
    Workspace,
    limit_size,
)

PROTOCOL_VERSION = 1

# Names of optional parts of the protocol, which both sides announce.
RESIZED_CAPABILITY: Final = "resized"
USAGE_CAPABILITY: Final = "usage"
INPUT_END_CAPABILITY: Final = "inputEnd"


class Message(
    Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", tag_field="type"
):
    """Base. Fields are left out at their default, except where a peer is to act: those say all."""


# ── both ways ────────────────────────────────────────────────────────────────────────────────


class Heartbeat(Message, tag="heartbeat", frozen=True):
    """A probe (`echo` absent), or the answer to one (`echo` repeats its `sentAt`).

    `sent_at` is a monotonic clock of the sender, in any unit: only the sender reads it.
    """

    sent_at: Clock
    echo: Clock | None = None


class Output(Message, tag="output", frozen=True):
    """Bytes of a task's output, at most `outputFrameBytes` of `welcome` at a time.

    `time` is in µs since the task's start. `end` is where the output ended when this was sent: the
    hub tells a viewer that is behind, which may then subscribe again, nearer to the end.
    """

    task_id: Id
    offset: Offset
    is_error: bool
    time: Count
    output: bytes
    end: Offset | None = None


class Gap(Message, tag="gap", frozen=True):
    """Bytes `[start, end)` (`from`, `to` on the wire) that can never arrive."""

    task_id: Id
    start: Offset = field(name="from")
    end: Offset = field(name="to")
    reason: ShortText


class InputAck(Message, tag="inputAck", frozen=True):
    """Input below `offset` has been written to the command's standard input."""

    task_id: Id
    offset: Offset


class Cancel(Message, tag="cancel", frozen=True, omit_defaults=False):
    """End the task's whole process tree: SIGTERM, the grace period, SIGKILL."""

    task_id: Id
    grace_seconds: Annotated[float, Meta(ge=0, le=limits.MAX_GRACE_SECONDS)] = (
        limits.DEFAULT_GRACE_SECONDS
    )


# ── daemon → hub ─────────────────────────────────────────────────────────────────────────────


class HostInfo(Struct, frozen=True, kw_only=True, rename="camel"):
    """The machine as its daemon describes it. Shown to people, never used to decide anything."""

    hostname: ShortText
    platform: ShortText
    user: ShortText
    path: Path


class SpooledTask(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A task in the daemon's journal: its spool holds the bytes `[start, end)`."""

    task_id: Id
    log_id: Id
    start: Offset
    end: Offset
    status: TaskStatus
    input_offset: Offset = 0


class DaemonAuth(Message, tag="auth", frozen=True):
    """First message of a daemon. `instance_id` is new with every start of its supervisor.

    `capabilities`: optional messages that this daemon sends to a hub that names them as well.
    `never_started`: tasks that an earlier instance was given and that certainly never ran, because
    they waited for their turn; the hub may hand them over again.
    """

    daemon_id: Id
    auth_token: Secret
    workspace_id: Id
    instance_id: Id
    protocol: int
    version: ShortText
    host: HostInfo
    tasks: Annotated[list[SpooledTask], Meta(max_length=limits.MAX_TASKS_IN_AUTH)] = []
    capabilities: Capabilities = []
    never_started: Annotated[list[Id], Meta(max_length=limits.MAX_TASKS_IN_AUTH)] = []


class Status(Message, tag="status", frozen=True):
    """A task started, or ended. An end names the final offset and the checksum of all output.

    `at` is when it happened and `sent_at` when this was sent, both in µs since 1970 by the daemon's
    clock, which may be wrong: how long ago it happened is what the hub takes of them. Without
    `sent_at`, and where `at` cannot be true, it takes the time at which it hears of it. `checksum`
    is the CRC-32 of all bytes that are not in gaps. `log_id` names the spool's log: bytes of two
    logs are never joined. `input_read`: of its standard input the command has read what is below
    this offset; absent where that is not known, and with a terminal.
    """

    task_id: Id
    status: TaskStatus
    exit_code: ExitCode | None = None
    signal: SignalNumber | None = None
    error: Sentence | None = None
    reason: ShortText | None = None
    final_offset: Offset | None = None
    checksum: Checksum | None = None
    at: Moment | None = None
    log_id: Id | None = None
    input_read: Offset | None = None
    sent_at: Moment | None = None


class Resized(Message, tag="resized", frozen=True):
    """A task's terminal has this size from `offset` of its output on; `time` as in `output`.

    Sent only to a hub whose `welcome` lists the capability `resized`, after all output below
    `offset` and before what follows; a repeat changes nothing.
    """

    task_id: Id
    offset: Offset
    cols: TerminalSide
    rows: TerminalSide
    time: Count

    def __post_init__(self) -> None:
        limit_size(self)


class Usage(Message, tag="usage", frozen=True):
    """What running tasks use, every few seconds. It counts until the next, or the connection ends.

    Sent only to a hub whose `welcome` lists the capability `usage`.
    """

    tasks: Annotated[list[TaskUsage], Meta(max_length=limits.MAX_TASKS_IN_USAGE)]


class Rotated(Message, tag="rotated", frozen=True):
    """The token of `rotate` is stored: the former one becomes invalid."""

    rotation_id: Id


# ── hub → daemon ─────────────────────────────────────────────────────────────────────────────


class TaskPosition(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """From where the hub wants a task's output: its durable offset wins.

    `checksum` is that of the hub's bytes below `offset`. A spooled task that `welcome` does not
    list is not wanted any more.
    """

    task_id: Id
    offset: Offset
    credit: Count
    checksum: Checksum | None = None


class DaemonWelcome(Message, tag="welcome", frozen=True):
    """The hub's answer to a daemon's `auth`; frames of lower epochs change nothing from here on.

    `capabilities`: optional messages that this hub understands (`resized`, `usage`). A daemon
    ignores names that it does not know.
    """

    epoch: Count
    hub_id: Id
    limits: WireLimits
    tasks: list[TaskPosition]
    capabilities: Capabilities = []


class Command(Message, tag="command", frozen=True, omit_defaults=False):
    """Run this. A repeat of a `task_id` is answered with the known state, never run again.

    `merge_stderr`: stdout and stderr are one pipe, whose bytes are all of stdout.
    """

    task_id: Id
    command: Argument
    args: Annotated[list[Argument], Meta(max_length=limits.MAX_ARGUMENTS)]
    cwd: Path = "."
    env: Annotated[
        dict[EnvironmentName, Argument], Meta(max_length=limits.MAX_ENVIRONMENT_VARIABLES)
    ] = {}
    shell: bool = False
    tty: Terminal | None = None
    timeout: Timeout | None = None
    on_spool_full: SpoolPolicy = "block"
    stdin: StandardInput = "open"
    merge_stderr: bool = False


class Input(Message, tag="input", frozen=True, omit_defaults=False):
    """Bytes for a command's standard input, at their offset in it; `eof` ends it after them."""

    task_id: Id
    offset: Offset
    input: InputBytes = b""
    eof: bool = False


class Resize(Message, tag="resize", frozen=True):
    """New size of a task's terminal. More than 1,000 by 500 is read as that."""

    task_id: Id
    cols: TerminalSide
    rows: TerminalSide

    def __post_init__(self) -> None:
        limit_size(self)


class Ack(Message, tag="ack", frozen=True):
    """Output below `offset` is on the hub's disk; `credit` more bytes may be sent beyond it.

    `settled`: the task's end is stored as well; the daemon may forget the task.
    """

    task_id: Id
    offset: Offset
    credit: Count
    settled: bool = False


class Rotate(Message, tag="rotate", frozen=True):
    """Use `auth_token` from the next connection on, once it is stored; then answer `rotated`.

    Until the hub has that answer, both tokens are valid; a daemon that does not know this message
    keeps its token.
    """

    rotation_id: Id
    auth_token: Secret


# ── viewer → hub ─────────────────────────────────────────────────────────────────────────────


class ViewerAuth(Message, tag="auth", frozen=True):
    """First message of a viewer: an API token, or a ticket of its browser session."""

    auth_token: Secret


class Subscribe(Message, tag="subscribe", frozen=True):
    """Follow a task's output from `offset`, or a workspace's states (`"*"`: all one may see).

    A negative `offset` is that many bytes before the end. `window`: unacknowledged bytes the
    viewer will take. `terminal`: the viewer is a terminal. Of a task that has one it is sent
    `screen` in place of the output so far, whatever `offset` says (plain `output` from `offset`
    where there is no snapshot), and `terminal` then and whenever that changes. `resumes`: it shows
    everything below `offset` already, as one that was cut off does, or one that was there from the
    start: it goes on with `output` from there, unless that is more than 256 KiB before the end.
    """

    task_id: Id | None = None
    workspace_id: Id | None = None
    offset: Annotated[int, Meta(ge=-limits.MAX_OFFSET, le=limits.MAX_OFFSET)] = 0
    window: (
        Annotated[
            int,
            Meta(ge=limits.SUBSCRIPTION_WINDOW_MIN_BYTES, le=limits.SUBSCRIPTION_WINDOW_MAX_BYTES),
        ]
        | None
    ) = None
    terminal: bool = False
    resumes: bool = False


class Unsubscribe(Message, tag="unsubscribe", frozen=True):
    """Stop following."""

    task_id: Id | None = None
    workspace_id: Id | None = None


class ViewerAck(Message, tag="ack", frozen=True):
    """The viewer has rendered everything below `offset`."""

    task_id: Id
    offset: Offset


class ViewerInput(Message, tag="input", frozen=True):
    """Input from a viewer. Without `offset`: after whatever came before, as typing does.

    From a viewer that subscribed with `terminal` it makes that viewer the one that controls the
    terminal. `is_reply`: nothing but a terminal's answers to questions of the program; it does not
    change which viewer controls, and from a viewer that does not control it is dropped.
    """

    task_id: Id
    offset: Offset | None = None
    input: InputBytes = b""
    eof: bool = False
    is_reply: bool = False


class ViewerResize(Message, tag="resize", frozen=True):
    """The size that a viewer has room for. More than 1,000 by 500 is read as that.

    From a viewer that subscribed with `terminal` it is a wish: applied while that viewer controls
    the terminal, or once it does. `take`: it takes control. From any other viewer it is
    applied at once.
    """

    task_id: Id
    cols: TerminalSide
    rows: TerminalSide
    take: bool = False

    def __post_init__(self) -> None:
        limit_size(self)


# ── hub → viewer ─────────────────────────────────────────────────────────────────────────────


class ViewerWelcome(Message, tag="welcome", frozen=True):
    """The hub's answer to a viewer's `auth`. `time`: now, in µs since 1970 by the hub's clock, by
    which all times of tasks and workspaces are. `capabilities`: `inputEnd`, see `status`."""

    user_id: Id
    scopes: list[str]
    limits: WireLimits
    time: Moment | None = None
    capabilities: Capabilities = []


class Screen(Message, tag="screen", frozen=True):
    """What a task's terminal shows at `offset`; `output` follows from there.

    `output`, written to a terminal of `cols` by `rows` that was just reset, makes that state: both
    screens, the cursor, the modes, and up to 1,000 lines above. It never holds a question.
    """

    task_id: Id
    offset: Offset
    cols: TerminalSide
    rows: TerminalSide
    output: bytes


class TerminalState(Message, tag="terminal", frozen=True, omit_defaults=False):
    """A task's terminal has this size from `offset` on. `controls`: its size is this viewer's to
    set, and this viewer's terminal answers the program's questions; at most one viewer's does."""

    task_id: Id
    offset: Offset
    cols: TerminalSide
    rows: TerminalSide
    controls: bool


class TaskStatusChanged(Message, tag="status", frozen=True):
    """The task as it is now. It is over when `status` is final; output ends at `final_offset`.

    `input_end`: where its input ends; absent where that is not known yet, and once it is over."""

    task_id: Id
    status: TaskStatus
    exit_code: int | None = None
    signal: int | None = None
    error: Sentence | None = None
    reason: ShortText | None = None
    final_offset: Offset | None = None
    input_end: Offset | None = None
    task: Task | UnsetType = UNSET


class WorkspaceChanged(Message, tag="workspace", frozen=True):
    """The workspace as it is now."""

    workspace_id: Id
    state: str
    since: str | None = None
    workspace: Workspace | UnsetType = UNSET


class ErrorMessage(Message, tag="error", frozen=True):
    """A request of the peer cannot be carried out. `ref` names what it was about.

    `want`: for `offset_out_of_order`, the offset to continue from. `retry_after`: it can be done in
    so many seconds, where that is known.
    """

    code: ShortText
    message: Sentence
    ref: ShortText | None = None
    want: Offset | None = None
    retry_after: Amount | None = None


class UnknownMessage(Struct, frozen=True):
    """A received message of an unknown type; never sent."""

    type: str


DaemonToHub: TypeAlias = (
    DaemonAuth | Output | Gap | Status | InputAck | Resized | Usage | Rotated | Heartbeat
)
HubToDaemon: TypeAlias = (
    DaemonWelcome | Command | Input | Resize | Cancel | Ack | Rotate | ErrorMessage | Heartbeat
)
ViewerToHub: TypeAlias = (
    ViewerAuth
    | Subscribe
    | Unsubscribe
    | ViewerAck
    | ViewerInput
    | ViewerResize
    | Cancel
    | Heartbeat
)
HubToViewer: TypeAlias = (
    ViewerWelcome
    | Output
    | Gap
    | Screen
    | TerminalState
    | TaskStatusChanged
    | WorkspaceChanged
    | InputAck
    | Heartbeat
    | ErrorMessage
)
AnyMessage: TypeAlias = DaemonToHub | HubToDaemon | ViewerToHub | HubToViewer
