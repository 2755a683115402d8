"""What one field may hold: at its bound, one below it and one above it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from arborlink.hub.routes.bodies import WorkspaceName
from arborlink.protocol import limits
from arborlink.protocol.messages import (
    Cancel,
    DaemonAuth,
    Input,
    Output,
    Resize,
    Status,
    Subscribe,
    ViewerAuth,
    ViewerInput,
    ViewerResize,
)
from arborlink.protocol.resources import NewTask


class Field(NamedTuple):
    """A message or body, and how one of its fields is filled up to a size."""

    limit: str
    kind: Any
    fill: Callable[[int], dict[str, Any]]
    # The next value above the bound.
    step: float = 1


TASK = {
    "taskId": "t", "logId": "l", "start": 0, "end": 0, "status": "running",
}  # fmt: skip
AUTH = {
    "daemonId": "d", "authToken": "a", "workspaceId": "w", "instanceId": "i", "protocol": 1,
    "version": "1", "host": {"hostname": "h", "platform": "p", "user": "u", "path": "/"},
}  # fmt: skip


def with_modes(modes: dict[str, int]) -> dict[str, Any]:
    """A task whose terminal has these settings."""
    return {"command": "c", "tty": {"cols": 1, "rows": 1, "modes": modes}}


FIELDS = [
    Field("MAX_ARGUMENTS", NewTask, lambda n: {"command": "c", "args": [""] * n}),
    Field("MAX_ARGUMENT_BYTES", NewTask, lambda n: {"command": "c" * n}),
    Field("MAX_ARGUMENT_BYTES", NewTask, lambda n: {"command": "c", "args": ["a" * n]}),
    Field("MAX_ARGUMENT_BYTES", NewTask, lambda n: {"command": "c", "env": {"A": "a" * n}}),
    Field(
        "MAX_ENVIRONMENT_VARIABLES",
        NewTask,
        lambda n: {"command": "c", "env": {f"A{i}": "" for i in range(n)}},
    ),
    Field("MAX_ENVIRONMENT_NAME_CHARS", NewTask, lambda n: {"command": "c", "env": {"A" * n: ""}}),
    Field("MAX_PATH_CHARS", NewTask, lambda n: {"command": "c", "cwd": "p" * n}),
    Field("MAX_TITLE_CHARS", NewTask, lambda n: {"command": "c", "title": "t" * n}),
    Field("MAX_TIMEOUT_SECONDS", NewTask, lambda n: {"command": "c", "timeout": n}),
    Field(
        "MAX_TERMINAL_COLUMNS", NewTask, lambda n: {"command": "c", "tty": {"cols": n, "rows": 1}}
    ),
    Field("MAX_TERMINAL_ROWS", NewTask, lambda n: {"command": "c", "tty": {"cols": 1, "rows": n}}),
    Field("MAX_TERMINAL_MODES", NewTask, lambda n: with_modes({f"M{i}": 1 for i in range(n)})),
    Field("MAX_TERMINAL_MODE_CHARS", NewTask, lambda n: with_modes({"M" * n: 1})),
    Field("MAX_TERMINAL_SIDE", Resize, lambda n: {"taskId": "t", "cols": 1, "rows": n}),
    Field("MAX_TERMINAL_SIDE", ViewerResize, lambda n: {"taskId": "t", "cols": n, "rows": 1}),
    Field("MAX_CAPABILITIES", DaemonAuth, lambda n: AUTH | {"capabilities": ["c"] * n}),
    Field("MAX_GRACE_SECONDS", Cancel, lambda n: {"taskId": "t", "graceSeconds": n}, 0.001),
    Field("MAX_NAME_CHARS", WorkspaceName, lambda n: {"name": "n" * n}),
    Field("MAX_ID_CHARS", Subscribe, lambda n: {"taskId": "t" * n}),
    Field("MAX_ID_CHARS", DaemonAuth, lambda n: AUTH | {"workspaceId": "w" * n}),
    Field("MAX_TOKEN_CHARS", ViewerAuth, lambda n: {"authToken": "a" * n}),
    Field("MAX_TOKEN_CHARS", DaemonAuth, lambda n: AUTH | {"authToken": "a" * n}),
    Field("MAX_TASKS_IN_AUTH", DaemonAuth, lambda n: AUTH | {"tasks": [TASK] * n}),
    Field("MAX_TASKS_IN_AUTH", DaemonAuth, lambda n: AUTH | {"neverStarted": ["t"] * n}),
    Field("INPUT_FRAME_BYTES", ViewerInput, lambda n: {"taskId": "t", "input": bytes(n)}),
    Field("INPUT_FRAME_BYTES", Input, lambda n: {"taskId": "t", "offset": 0, "input": bytes(n)}),
    Field("MAX_OFFSET", Subscribe, lambda n: {"taskId": "t", "offset": n}),
    Field("MAX_OFFSET", Subscribe, lambda n: {"taskId": "t", "offset": -n}),
    Field(
        "MAX_OFFSET",
        Output,
        lambda n: {"taskId": "t", "offset": n, "isError": False, "time": 0, "output": b""},
    ),
    Field("MAX_UNIX_MICROSECONDS", Status, lambda n: {"taskId": "t", "status": "failed", "at": n}),
    Field("MAX_SIGNAL", Status, lambda n: {"taskId": "t", "status": "failed", "signal": n}),
    Field("SUBSCRIPTION_WINDOW_MAX_BYTES", Subscribe, lambda n: {"taskId": "t", "window": n}),
    Field("SUBSCRIPTION_WINDOW_MIN_BYTES", Subscribe, lambda n: {"taskId": "t", "window": n}, -1),
]


@pytest.mark.parametrize(
    "field", FIELDS, ids=lambda field: f"{field.limit} of {field.kind.__name__}"
)
def test_a_field_is_taken_up_to_its_bound(field: Field) -> None:
    limit = getattr(limits, field.limit)

    def convert(size: float) -> None:
        body = field.fill(size)  # type: ignore[arg-type]
        tagged = body | ({"type": tag} if (tag := field.kind.__struct_config__.tag) else {})
        msgspec.json.decode(msgspec.json.encode(tagged), type=field.kind)

    convert(limit - field.step)
    convert(limit)
    with pytest.raises(msgspec.ValidationError):
        convert(limit + field.step)
