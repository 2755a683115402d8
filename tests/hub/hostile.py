"""Peers that mean harm, and a neighbour who must not notice.

A hostile daemon is enrolled like any other and reports whatever it likes: `LIES` has each kind of
lie as data, `auths` what it may claim when it comes. A hostile member has an account and asks for
everything that is not theirs: `TRICKS`. `Neighbour` is a workspace of the owner's with a daemon, a
running task and a viewer: what happens beside it must change nothing of it.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from websockets.exceptions import ConnectionClosed

from arborlink.protocol.checksum import format_checksum
from arborlink.protocol.lifecycle import TaskStatus, is_final
from arborlink.protocol.limits import MAX_OFFSET, MAX_UNIX_MICROSECONDS
from arborlink.protocol.messages import (
    AnyMessage,
    Command,
    DaemonAuth,
    ErrorMessage,
    Gap,
    Heartbeat,
    HostInfo,
    InputAck,
    Output,
    Rotate,
    Rotated,
    SpooledTask,
    Status,
)
from tests.hub.live.bench import Bench
from tests.hub.live.peers import (
    LOG_ID,
    DaemonIdentity,
    ScriptedDaemon,
    ScriptedViewer,
    daemon_auth,
    spooled,
)

STORED: Final = b"0123456789abcdef"
END: Final = len(STORED)
STRANGE: Final = "\0\r\n\u202e\x1b]0;owned\x07<img src=x onerror=alert(1)>"
# Of what is not there at all, or is no id.
NOTHINGS: Final = ("tsk_" + "0" * 26, "../../../etc/passwd", "tsk_%", "*", STRANGE)


# ── the neighbour ────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Neighbour:
    """The owner's workspace, and what is going on there."""

    bench: Bench
    identity: DaemonIdentity
    daemon: ScriptedDaemon
    viewer: ScriptedViewer
    task: str
    queued: str
    rotation_id: str
    written: bytes = b""
    before: dict[str, object] = field(default_factory=dict)

    async def write(self, data: bytes) -> None:
        """Let its task write, and its viewer see exactly that."""
        await self.daemon.output(self.task, len(self.written), data)
        self.written += data
        assert await self.viewer.read(self.task, len(data)) == data
        await self.daemon.acked(self.task, len(self.written))

    def state(self) -> dict[str, object]:
        """What the hub has of it, but for the length of its output."""
        store = self.bench.hub.store
        workspace = store.workspace(self.identity.workspace_id)
        return {
            "workspace": workspace,
            "daemon": store.daemon(self.identity.daemon_id),
            "tasks": [store.task(each) for each in (self.task, self.queued)],
            "input": self.bench.hub.daemons.inputs.relay(self.task).acked,
        }

    async def check(self) -> None:
        """Assert that it was left alone, and that it goes on."""
        assert self.state() == self.before
        await self.write(b"and on\n")
        assert await self.bench.stored(self.task) == self.written
        await self.daemon.settle()
        await self.viewer.settle()
        assert not self.viewer.seen(ErrorMessage) and not self.daemon.seen(ErrorMessage)


@asynccontextmanager
async def neighbour(bench: Bench) -> AsyncIterator[Neighbour]:
    """A neighbour whose task runs; its daemon was offered another token and has not taken it up."""
    identity = await bench.enrolled()
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(bench.daemon(identity))
        viewer = await stack.enter_async_context(bench.viewer())
        task = await bench.create(identity.workspace_id)
        await daemon.expect(Command, lambda command: command.task_id == task)
        await daemon.running(task)
        queued = await bench.create(identity.workspace_id)
        await bench.post(f"/api/daemons/{identity.daemon_id}/rotate", status=202)
        offer = await daemon.expect(Rotate)
        await viewer.subscribe(task)
        made = Neighbour(bench, identity, daemon, viewer, task, queued, offer.rotation_id)
        await made.write(b"quietly\n")
        await daemon.settle()
        made.before = made.state()
        yield made


# ── a hostile daemon ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Scene:
    """What a lie may be about: the daemon's own tasks (one that runs and has `STORED`, one that is
    over, one that it was never given), and the neighbour's."""

    task: str
    over: str
    waiting: str
    neighbour: Neighbour


@dataclass(frozen=True, slots=True)
class Lie:
    """Messages, and what the hub may say to the last of them: `served` (it goes on as if nothing
    had been said), codes of errors, `closed` with a code, as `answer_to` writes it."""

    name: str
    messages: Callable[[Scene], Iterable[AnyMessage]]
    answers: tuple[str, ...] = ("served",)


async def answer_to(daemon: ScriptedDaemon, messages: Iterable[AnyMessage]) -> str:
    """Send messages; return the codes of errors and how the connection was closed, or `served`."""
    daemon.skipped.clear()
    closed = ""
    try:
        for message in messages:
            await daemon.send(message)
        await daemon.settle()
    except ConnectionClosed as error:
        closed = f"closed {error.rcvd.code if error.rcvd else None}"
    codes = dict.fromkeys(error.code for error in daemon.seen(ErrorMessage))
    return ", ".join(filter(None, [*codes, closed])) or "served"


def said(task: str, offset: int, data: bytes = b"x", **fields: Any) -> Output:
    """Return output."""
    values = {"is_error": False, "time": 0} | fields
    return Output(task_id=task, offset=offset, output=data, **values)


def end(task: str, status: TaskStatus = TaskStatus.COMPLETED, **fields: Any) -> Status:
    """Return the end of a task that has written `STORED`."""
    values: dict[str, Any] = {
        "final_offset": END,
        "checksum": format_checksum(zlib.crc32(STORED)),
        "at": 2,
        "log_id": LOG_ID,
    }
    return Status(task_id=task, status=status, **values | fields)


def _about(name: str, *answers: str, of: Callable[[Scene], Iterable[str]]) -> list[Lie]:
    """Everything that a daemon can say of a task, said of those that are not its own."""
    makers: dict[str, Callable[[str], AnyMessage]] = {
        "output": lambda task: said(task, 0),
        "output at its end": lambda task: said(task, 8),
        "gap": lambda task: Gap(task_id=task, start=0, end=MAX_OFFSET, reason="forged"),
        "input": lambda task: InputAck(task_id=task, offset=1),
    }
    makers |= {f"status {status}": partial(end, status=status) for status in TaskStatus}
    return [Lie(f"{what} of {name}", _each(make, of), answers) for what, make in makers.items()]


def _each(
    make: Callable[[str], AnyMessage], of: Callable[[Scene], Iterable[str]]
) -> Callable[[Scene], Iterable[AnyMessage]]:
    return lambda scene: map(make, of(scene))


NOT_FOUND: Final = "not_found"
LIES: Final[tuple[Lie, ...]] = (
    *_about(
        "the neighbour's",
        NOT_FOUND,
        of=lambda scene: (scene.neighbour.task, scene.neighbour.queued),
    ),
    *_about("nothing", NOT_FOUND, of=lambda _: NOTHINGS),
    *_about(
        "a task that it was not given",
        "task_not_handed_over, closed 4400",
        # That input was read is of no consequence before there is any.
        "served",
        of=lambda scene: (scene.waiting,),
    ),
    *_about(
        "a task that is over",
        "output_after_end, closed 4400",
        "served",
        "unexpected_status, closed 4400",
        "closed 4400",
        of=lambda scene: (scene.over,),
    ),
    Lie("other bytes in place of those that are stored", lambda s: [said(s.task, 0, b"X" * END)]),
    Lie("other bytes around them", lambda s: [said(s.task, 4, b"Y" * END)]),
    Lie(
        "bytes far beyond the end",
        lambda s: [said(s.task, MAX_OFFSET - 1)],
        ("offset_out_of_order, closed 4400",),
    ),
    Lie(
        "a gap far beyond the end",
        lambda s: [Gap(task_id=s.task, start=END + 1, end=MAX_OFFSET, reason="x")],
        ("offset_out_of_order, closed 4400",),
    ),
    Lie("a gap over bytes", lambda s: [Gap(task_id=s.task, start=0, end=END, reason="x")]),
    Lie(
        "a time of no century",
        lambda s: [said(s.task, END, time=MAX_OFFSET)],
        ("invalid_time, closed 4400",),
    ),
    Lie(
        "times that run backwards",
        lambda s: [said(s.task, END + n, time=1_000 - n) for n in range(100)],
    ),
    Lie("an end that is far away", lambda s: [end(s.task, final_offset=MAX_OFFSET)]),
    Lie("an end before what was sent", lambda s: [end(s.task, final_offset=0)]),
    Lie("two ends", lambda s: [end(s.task), end(s.task, TaskStatus.FAILED)]),
    Lie("a thousand ends", lambda s: [end(s.task)] * 1_000),
    Lie("a wrong checksum", lambda s: [end(s.task, checksum="crc32:00000000")]),
    Lie(
        "bytes after the end",
        lambda s: [end(s.task), said(s.task, END)],
        # They may have come before the end was looked at. Then the end is not believed.
        ("output_after_end, closed 4400", "served"),
    ),
    Lie(
        "huge words",
        lambda s: [end(s.task, TaskStatus.FAILED, error="e" * 4_096, reason="r" * 256)],
    ),
    Lie(
        "strange words",
        lambda s: [end(s.task, TaskStatus.FAILED, error=STRANGE, reason=STRANGE)],
    ),
    Lie(
        "codes and times at their ends",
        lambda s: [
            end(s.task, TaskStatus.FAILED, exit_code=2**32 - 1, signal=0, at=MAX_UNIX_MICROSECONDS)
        ],
    ),
    Lie("an end at the beginning of time", lambda s: [end(s.task, at=0)]),
    Lie("input that nobody sent", lambda s: [InputAck(task_id=s.task, offset=MAX_OFFSET)]),
    Lie(
        "the neighbour's new token is stored",
        lambda s: [Rotated(rotation_id=s.neighbour.rotation_id)],
    ),
    Lie("a new token of nobody's is stored", lambda _: [Rotated(rotation_id=STRANGE)]),
    Lie(
        "answers to heartbeats that were never sent",
        lambda _: [Heartbeat(sent_at=MAX_OFFSET, echo=n) for n in (-1, 0, MAX_OFFSET, 1e308)],
    ),
)


def auths(identity: DaemonIdentity, scene: Scene) -> dict[str, DaemonAuth]:
    """Return first messages that claim what is not so, by what they claim. The hub lets each in."""
    theirs = scene.neighbour
    strange = HostInfo(hostname=STRANGE, platform=STRANGE, user=STRANGE, path="/" + STRANGE)
    claimed: dict[str, list[SpooledTask]] = {
        "the neighbour's tasks": [spooled(theirs.task, 10**6), spooled(theirs.queued, 10**6)],
        "the neighbour's tasks, ended": [
            spooled(theirs.task, 0, status=status) for status in TaskStatus if is_final(status)
        ],
        "tasks of nobody": [spooled(each[:64], MAX_OFFSET) for each in NOTHINGS],
        "more input than there is": [spooled(scene.task, END, input_offset=MAX_OFFSET)],
        "more output than there is": [spooled(scene.task, MAX_OFFSET)],
        "one task many times": [spooled(scene.task, END)] * 100,
    }
    made = {name: daemon_auth(identity, tasks=tasks) for name, tasks in claimed.items()}
    same = theirs.before["workspace"].instance_id  # type: ignore[attr-defined]
    made["the neighbour's supervisor"] = daemon_auth(identity, instance=str(same))
    fields = {name: getattr(daemon_auth(identity), name) for name in DaemonAuth.__struct_fields__}
    made["a strange machine"] = DaemonAuth(**fields | {"host": strange, "version": STRANGE})
    return made


# ── a hostile member ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Trick:
    """A request of a member's, and what it may be answered.

    In path, body and headers `<workspace>`, `<task>`, `<daemon>` and `<owner>` are the neighbour's,
    `<mine>` and `<myself>` are the member's own workspace and account.
    """

    name: str
    method: str
    path: str
    statuses: tuple[int, ...]
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def filled(self, names: dict[str, str]) -> Trick:
        """The same with the ids in their places."""
        return Trick(
            self.name,
            self.method,
            _filled(self.path, names),
            self.statuses,
            _filled(self.body, names),
            _filled(self.headers, names),
        )


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, names) for each in value]
    if isinstance(value, str):
        for name, thing in names.items():
            value = value.replace(f"<{name}>", thing)
    return value


NEW_TASK: Final = {"command": "true", "ifOffline": "queue"}
# With the page, or without it where that was not built.
PAGE: Final = (200, 404)
SAME_KEY: Final = "the-owners-key"
TRICKS: Final[tuple[Trick, ...]] = (
    Trick("its tasks", "GET", "/api/tasks?workspace=<workspace>", (404,)),
    Trick("a cursor of its", "GET", "/api/tasks?cursor=<task>&limit=500", (200,)),
    Trick("a search for its", "GET", "/api/tasks?search=true&limit=500", (200,)),
    Trick(
        "both workspaces", "GET", "/api/tasks?workspace=<mine>&workspace=<workspace>", (200, 404)
    ),
    Trick("all workspaces", "GET", "/api/workspaces?owner=<owner>", (200,)),
    Trick("all connections", "GET", "/api/connections", (403,)),
    Trick("all users", "GET", "/api/users", (403,)),
    Trick("its round trips", "GET", "/api/round-trips?workspace=<workspace>", (200,)),
    Trick("up and down again", "GET", "/api/workspaces/<mine>/../<workspace>", (404,)),
    Trick("up, encoded", "GET", "/api/workspaces/<mine>%2f..%2f<workspace>", (404,)),
    # Every address that is not the API's is the page's.
    Trick("in upper case", "GET", "/API/workspaces/<workspace>", PAGE),
    Trick("another slash", "GET", "/api/workspaces/<workspace>/", (404,)),
    Trick("two slashes", "GET", "//api/workspaces/<workspace>", PAGE),
    Trick("with a NUL", "GET", "/api/workspaces/<workspace>%00", (404,)),
    Trick(
        "another method in a header",
        "GET",
        "/api/workspaces/<mine>",
        (200,),
        headers={
            "X-HTTP-Method-Override": "DELETE",
            "X-Original-URL": "/api/workspaces/<workspace>",
        },
    ),
    Trick(
        "another user in a header",
        "GET",
        "/api/workspaces/<workspace>",
        (404,),
        headers={"X-Forwarded-User": "owner", "X-User": "<owner>", "Remote-User": "owner"},
    ),
    Trick("a task there", "POST", "/api/workspaces/<workspace>/tasks", (404,), NEW_TASK),
    Trick(
        "a task there, named in the body",
        "POST",
        "/api/workspaces/<mine>/tasks",
        (201,),
        {**NEW_TASK, "workspaceId": "<workspace>", "createdBy": "<owner>"},
    ),
    Trick(
        "the owner's key",
        "POST",
        "/api/workspaces/<mine>/tasks",
        (201,),
        NEW_TASK,
        {"Idempotency-Key": SAME_KEY},
    ),
    Trick("its rerun", "POST", "/api/tasks/<task>/rerun", (404,)),
    Trick("its end", "POST", "/api/tasks/<task>/cancel", (404,), {"graceSeconds": 0}),
    Trick("its input", "POST", "/api/tasks/<task>/input", (404,), {"text": "rm -rf", "eof": True}),
    Trick("its output", "GET", "/api/tasks/<task>/output", (404,), headers={"Range": "bytes=0-"}),
    Trick("a search in its output", "GET", "/api/tasks/<task>/search?q=quietly", (404,)),
    Trick("a code for it", "POST", "/api/workspaces/<workspace>/enrollment", (404,)),
    Trick("its name", "PATCH", "/api/workspaces/<workspace>", (404,), {"name": "mine"}),
    Trick(
        "its owner",
        "PATCH",
        "/api/workspaces/<mine>",
        (200, 409),
        {"name": "w1", "ownerId": "<owner>"},
    ),
    Trick("its deletion", "DELETE", "/api/workspaces/<workspace>", (404,)),
    Trick("its daemon", "DELETE", "/api/daemons/<daemon>", (404,)),
    Trick("its daemon's token", "POST", "/api/daemons/<daemon>/rotate", (404,)),
    Trick("its quarantine", "POST", "/api/daemons/<daemon>/release", (404,)),
    Trick(
        "a token for it",
        "POST",
        "/api/tokens",
        (404,),
        {"name": "n", "scopes": ["admin"], "workspaceId": "<workspace>"},
    ),
    Trick(
        "a token of the owner's",
        "POST",
        "/api/tokens",
        (201,),
        {"name": "n", "scopes": ["admin"], "userId": "<owner>"},
    ),
    Trick("to be an owner", "PATCH", "/api/users/<myself>", (403,), {"role": "owner"}),
    Trick("another owner", "POST", "/api/users", (403,), {"username": "eve", "role": "owner"}),
    Trick(
        "the owner's password", "PATCH", "/api/users/<owner>", (403,), {"password": "correct horse"}
    ),
    Trick("the owner's account", "DELETE", "/api/users/<owner>", (403,)),
    Trick(
        "a link of the owner's",
        "POST",
        "/api/session/link?user=<owner>",
        (201,),
        {"userId": "<owner>"},
    ),
)
