"""What only the HTTP API sends and receives; tasks, workspaces and the like are in `protocol`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from arborlink.protocol import limits
from arborlink.protocol.resources import (
    Name,
    Offset,
    Resource,
    Scope,
    StandardInput,
    Task,
    Token,
    Variables,
    Workspace,
)

MAX_TOKEN_SECONDS = 10 * 366 * 86_400.0

Text = Annotated[str, Meta(max_length=limits.MAX_TOKEN_CHARS)]
Grace = Annotated[float, Meta(ge=0, le=limits.MAX_GRACE_SECONDS)]
TokenSeconds = Annotated[float, Meta(gt=0, le=MAX_TOKEN_SECONDS)]
InputBytes = Annotated[bytes, Meta(max_length=limits.INPUT_FRAME_BYTES)]
InputText = Annotated[str, Meta(max_length=limits.INPUT_FRAME_BYTES)]


class Body(Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what is received. Fields that are not known are ignored."""


class TaskPage(Resource, frozen=True):
    """Newest first. With `nextCursor` there is more: send it as `cursor`. A page of large tasks has
    fewer than were asked for."""

    items: list[Task]
    next_cursor: str | None


class WorkspacePage(Resource, frozen=True):
    """By name."""

    items: list[Workspace]
    next_cursor: str | None


class TokenPage(Resource, frozen=True):
    """Oldest first."""

    items: list[Token]
    next_cursor: str | None


class SignIn(Body, frozen=True):
    """Either `link`, or `username` and `password`."""

    link: Text | None = None
    username: Text | None = None
    password: Annotated[str, Meta(max_length=4_096)] | None = None


class SignInLink(Resource, frozen=True):
    """A link that signs its bearer in, once. `url` opens the page with it."""

    link: str
    url: str
    expires_at: str


class Ticket(Resource, frozen=True):
    """For the first message of one WebSocket."""

    ticket: str
    expires_at: str


class WorkspaceName(Body, frozen=True):
    """A new workspace, or a workspace's new name."""

    name: Name


class EnrolmentCode(Resource, frozen=True):
    """`command` is what is typed in the machine's folder:
    `ARBOR_CODE=CODE arbor daemon --hub URL`, without TLS with ARBOR_HUB_KEY=KEY as well. `install`
    installs Arbor there, from this hub: `pip install URL/arborlink-VERSION-py3-none-any.whl`."""

    code: str
    expires_at: str
    command: str
    install: str


class Enrol(Body, frozen=True):
    """The code that was shown."""

    code: Annotated[str, Meta(min_length=1, max_length=32)]


class EnrolledDaemon(Resource, frozen=True):
    """A daemon's identity. The token is shown this once."""

    workspace_id: str
    daemon_id: str
    auth_token: str


class Daemon(Resource, frozen=True):
    """What serves a workspace. Times are RFC 3339 in UTC. `rotationRequestedAt` is there until the
    daemon has stored the token that was asked for then."""

    id: str
    workspace_id: str
    connected: bool
    host: str | None
    platform: str | None
    user: str | None
    path: str | None
    version: str | None
    created_at: str
    last_connected_at: str | None
    last_seen_at: str | None
    rotation_requested_at: str | None
    token_rotated_at: str | None


class CancelTask(Body, frozen=True):
    """How long the task may take to end by itself, in seconds."""

    grace_seconds: Grace | None = None


class RerunTask(Body, frozen=True):
    """`env`: values of variables, over those that the task had; needed where these are forgotten.

    `stdin`: the input that a task had is not kept, so its command reads the end of input at once,
    unless this is `open`: then it waits for what is sent.
    """

    env: Variables = {}
    stdin: StandardInput = "empty"


class TaskInput(Body, frozen=True):
    """Bytes for standard input: `input` in base64, or `text`. `eof` ends it after them."""

    input: InputBytes | None = None
    text: InputText | None = None
    offset: Offset | None = None
    eof: bool = False


class InputAccepted(Resource, frozen=True):
    """Input below this offset is on its way."""

    offset: int


class NewToken(Body, frozen=True):
    """`expiresIn` in seconds; without it the token lives until it is revoked."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1)]
    workspace_id: str | None = None
    expires_in: TokenSeconds | None = None


class CreatedToken(Token, frozen=True, kw_only=True):
    """A token with its secret, which is shown this once."""

    secret: str


class Check(Resource, frozen=True):
    """One thing that has to be right. `reason` says what is not."""

    ok: bool
    reason: str | None


class Readiness(Resource, frozen=True):
    """Whether the hub can do its work, and if not why."""

    ready: bool
    checks: dict[str, Check]
    reasons: list[str]


class Alive(Resource, frozen=True):
    """The hub answers."""

    status: str
    version: str
