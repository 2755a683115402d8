"""Each message that a viewer or a daemon may send, and what it needs: one line a form of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, get_args

from arborlink.protocol.checksum import format_checksum
from arborlink.protocol.fields import TaskUsage
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import (
    AnyMessage,
    Cancel,
    DaemonAuth,
    DaemonToHub,
    Gap,
    Heartbeat,
    InputAck,
    Output,
    Resized,
    Rotated,
    Status,
    Subscribe,
    Unsubscribe,
    Usage,
    ViewerAck,
    ViewerAuth,
    ViewerInput,
    ViewerResize,
    ViewerToHub,
)
from tests.hub.live.peers import HOST, LOG_ID
from tests.hub.matrix.rules import READ, WRITE, Rule

ANYTHING: Final = Rule()
OWN_TASK: Final = Rule(thing="task")


@dataclass(frozen=True, slots=True)
class Form:
    """A message about a thing. `closes`: it is a mistake at any time but the first."""

    name: str
    make: Callable[[str], AnyMessage]
    rule: Rule = ANYTHING
    closes: bool = False


def _task(*scopes: Any, **fields: Any) -> Rule:
    return Rule(thing="task", scopes=scopes, **fields)


VIEWER: Final = (
    Form("auth", lambda _: ViewerAuth(auth_token="x"), closes=True),
    Form("subscribe task", lambda task: Subscribe(task_id=task), _task(READ)),
    Form(
        "subscribe workspace",
        lambda workspace: Subscribe(workspace_id=workspace),
        Rule(thing="workspace", scopes=(READ,), scope_first=True),
    ),
    Form("subscribe all", lambda _: Subscribe(workspace_id="*"), Rule(scopes=(READ,))),
    # What does not follow anything tells nothing and changes nothing.
    Form("unsubscribe task", lambda task: Unsubscribe(task_id=task)),
    Form("unsubscribe all", lambda _: Unsubscribe(workspace_id="*")),
    Form("ack", lambda task: ViewerAck(task_id=task, offset=0)),
    Form(
        "input", lambda task: ViewerInput(task_id=task, input=b"x"), _task(READ, WRITE, ends=True)
    ),
    Form("resize", lambda task: ViewerResize(task_id=task, cols=9, rows=9), _task(READ, WRITE)),
    Form("subscribe terminal", lambda task: Subscribe(task_id=task, terminal=True), _task(READ)),
    Form(
        "reply",
        lambda task: ViewerInput(task_id=task, input=b"x", is_reply=True),
        _task(READ, WRITE, ends=True),
    ),
    Form(
        "take",
        lambda task: ViewerResize(task_id=task, cols=9, rows=9, take=True),
        _task(READ, WRITE),
    ),
    Form("cancel", lambda task: Cancel(task_id=task), _task(READ, WRITE, ends=True)),
    Form("heartbeat", lambda _: Heartbeat(sent_at=0)),
)

DAEMON: Final = (
    Form(
        "auth",
        lambda _: DaemonAuth(
            daemon_id="d",
            auth_token="x",
            workspace_id="w",
            instance_id="i",
            protocol=1,
            version="1",
            host=HOST,
        ),
        closes=True,
    ),
    Form(
        "output",
        lambda task: Output(task_id=task, offset=0, is_error=False, time=0, output=b"forged"),
        OWN_TASK,
    ),
    Form("gap", lambda task: Gap(task_id=task, start=0, end=9, reason="forged"), OWN_TASK),
    Form(
        "status running",
        lambda task: Status(task_id=task, status=TaskStatus.RUNNING, at=1, log_id=LOG_ID),
        OWN_TASK,
    ),
    Form("status completed", lambda task: ended(task, TaskStatus.COMPLETED), OWN_TASK),
    Form("status failed", lambda task: ended(task, TaskStatus.FAILED), OWN_TASK),
    Form("status cancelled", lambda task: ended(task, TaskStatus.CANCELLED), OWN_TASK),
    Form("status lost", lambda task: ended(task, TaskStatus.LOST), OWN_TASK),
    Form(
        "resized",
        lambda task: Resized(task_id=task, offset=0, cols=9, rows=9, time=0),
        OWN_TASK,
    ),
    Form("inputAck", lambda task: InputAck(task_id=task, offset=1), OWN_TASK),
    Form("usage", lambda task: Usage(tasks=[used(task, processes=99)])),
    # Of no offer: it is not believed, and not answered.
    Form("rotated", lambda _: Rotated(rotation_id="rot_of_nobody")),
    Form("heartbeat", lambda _: Heartbeat(sent_at=0)),
)


def ended(task: str, status: TaskStatus) -> Status:
    """Return the end of a task that has written nothing."""
    return Status(
        task_id=task,
        status=status,
        final_offset=0,
        checksum=format_checksum(zlib.crc32(b"")),
        log_id=LOG_ID,
        at=2,
    )


def used(task: str, *, processes: int) -> TaskUsage:
    """Return what a daemon says of a task that uses a little."""
    return TaskUsage(
        task_id=task, cpu_seconds=1.5, cpu_share=0.25, memory_bytes=4096, processes=processes
    )


def tags(union: Any) -> set[str]:
    """Return the types of messages in a direction."""
    return {str(each.__struct_config__.tag) for each in get_args(union)}


VIEWER_TAGS: Final = tags(ViewerToHub)
DAEMON_TAGS: Final = tags(DaemonToHub)
