"""Tasks. Their output is served elsewhere."""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from arborlink.hub.access import Identity
from arborlink.hub.routes.authentication import hold_until_answered, identify
from arborlink.hub.routes.bodies import (
    CancelTask,
    InputAccepted,
    RerunTask,
    TaskInput,
    TaskPage,
)
from arborlink.hub.routes.operations import Operation, Parameter
from arborlink.hub.routes.requests import (
    integer_parameter,
    json_response,
    no_content,
    parse_json,
    read_body,
    read_json,
    read_optional_json,
)
from arborlink.hub.service.ports import HubPorts
from arborlink.hub.store.base import IdempotencyKey, TaskQuery
from arborlink.protocol import limits
from arborlink.protocol.errors import InvalidInput
from arborlink.protocol.ids import is_id, is_id_part
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.resources import NewTask, Task

DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 500
MAX_SEARCH_CHARS: Final = 256
MAX_KEY_CHARS: Final = 255
KEY_SECONDS: Final = 86_400.0


async def create_task(hub: HubPorts, request: Request) -> Response:
    """The same `Idempotency-Key` again within a day answers with the task it made."""
    identity = await identify(hub.access, request)
    workspace_id = request.path_params["id"]
    body = await read_body(request, hub.settings.request_body_bytes)
    new = parse_json(request, body, NewTask)
    key = _idempotency(hub, request, identity, workspace_id, body)
    return json_response(await hub.tasks.create(identity, workspace_id, new, idempotency=key), 201)


async def list_tasks(hub: HubPorts, request: Request) -> Response:
    """A page has as many as are asked for, or fewer where they are large."""
    identity = await identify(hub.access, request)
    identity.require("tasks:read")
    limit = integer_parameter(request, "limit", DEFAULT_PAGE, 1, MAX_PAGE)
    query = hub.access.visibility.narrow(identity, _query(hub, request, identity, limit))
    if not query.search:
        hold_until_answered(request, hub.access.budgets.lists, identity)
    with hub.access.open_requests.open(identity) as opened:
        items, has_more = await hub.tasks.list(identity, query)
        opened.check()
    return json_response(TaskPage(items=items, next_cursor=items[-1].id if has_more else None))


async def get_task(hub: HubPorts, request: Request) -> Response:
    """One task, with all of what was asked for."""
    identity = await identify(hub.access, request)
    return json_response(hub.tasks.get(identity, request.path_params["id"]))


async def cancel_task(hub: HubPorts, request: Request) -> Response:
    """It is cancelled when its status says so, not when this answers."""
    identity = await identify(hub.access, request)
    body = await read_optional_json(request, CancelTask, hub.settings.request_body_bytes)
    grace = None if body is None else body.grace_seconds
    return json_response(await hub.tasks.cancel(identity, request.path_params["id"], grace))


async def rerun_task(hub: HubPorts, request: Request) -> Response:
    """A new task with the same request; its variables have the values that are given, or were."""
    identity = await identify(hub.access, request)
    body = await read_optional_json(request, RerunTask, hub.settings.request_body_bytes)
    again = body or RerunTask()
    task = await hub.tasks.rerun(identity, request.path_params["id"], again.env, stdin=again.stdin)
    return json_response(task, 201)


async def delete_task(hub: HubPorts, request: Request) -> Response:
    """With its output. One that is not over is cancelled first."""
    identity = await identify(hub.access, request)
    await hub.tasks.delete(identity, request.path_params["id"])
    return no_content()


async def write_input(hub: HubPorts, request: Request) -> Response:
    """Repeating an offset is harmless, so that a request may be sent again."""
    identity = await identify(hub.access, request)
    body = await read_json(request, TaskInput, hub.settings.request_body_bytes)
    offset = await hub.tasks.write_input(
        identity, request.path_params["id"], _input(body), offset=body.offset, eof=body.eof
    )
    return json_response(InputAccepted(offset=offset))


def _input(body: TaskInput) -> bytes:
    if body.input is not None and body.text is not None:
        raise InvalidInput("Send input or text, not both.")
    data = body.text.encode() if body.text is not None else body.input or b""
    if len(data) > limits.INPUT_FRAME_BYTES:
        raise InvalidInput(f"At most {limits.INPUT_FRAME_BYTES} bytes can be sent at once.")
    if not data and not body.eof:
        raise InvalidInput("There is nothing to write: send input, text or eof.")
    return data


def _query(hub: HubPorts, request: Request, identity: Identity, limit: int) -> TaskQuery:
    parameters = request.query_params
    workspace_id, cursor = parameters.get("workspace"), parameters.get("cursor")
    search = parameters.get("search") or None
    if search is not None and len(search) > MAX_SEARCH_CHARS:
        raise InvalidInput(f"search has at most {MAX_SEARCH_CHARS} characters.")
    # No command has one; a text with one would be sought in vain.
    if search is not None and "\0" in search:
        raise InvalidInput("search contains a NUL character.", code="nul_character")
    if cursor is not None and not is_id("tsk", cursor):
        raise InvalidInput("cursor is not one that this hub gave.")
    created_by = parameters.get("createdBy")
    if created_by is not None and not is_id("usr", created_by):
        raise InvalidInput("createdBy is the id of an account.")
    id_part = parameters.get("id")
    if id_part is not None and not is_id_part(id_part):
        raise InvalidInput("id is an id of a task, the last characters of one, or the first.")
    workspaces = None
    if workspace_id is not None:
        workspaces = frozenset({hub.access.visibility.workspace(identity, workspace_id).id})
    return TaskQuery(
        workspace_ids=workspaces,
        created_by=created_by,
        id_part=id_part,
        statuses=_statuses(parameters.getlist("status")),
        search=search,
        before=cursor,
        limit=limit,
    )


def _statuses(given: list[str]) -> frozenset[TaskStatus]:
    names = [name for text in given for name in text.split(",") if name]
    try:
        return frozenset(map(TaskStatus, names))
    except ValueError:
        raise InvalidInput(f"status is one of {', '.join(TaskStatus)}.") from None


def _idempotency(
    hub: HubPorts, request: Request, identity: Identity, workspace_id: str, body: bytes
) -> IdempotencyKey | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1:
        raise InvalidInput("A request has one Idempotency-Key, not several.")
    key = keys[0]
    if not 1 <= len(key) <= MAX_KEY_CHARS or not key.isprintable():
        raise InvalidInput(f"Idempotency-Key has 1 to {MAX_KEY_CHARS} printable characters.")
    return IdempotencyKey(
        user_id=identity.user_id,
        key=key,
        body_hash=hashlib.sha256(workspace_id.encode() + b"\0" + body).digest(),
        expires_at=hub.access.environment.after(KEY_SECONDS),
    )


TAG = "Tasks"

OPERATIONS = (
    Operation(
        method="POST",
        path="/api/workspaces/{id}/tasks",
        summary="Run a command",
        tag=TAG,
        handle=create_task,
        scope="tasks:write",
        body=NewTask,
        result=Task,
        status=201,
        parameters=(
            Parameter(
                "Idempotency-Key",
                "The same key again within 24 hours answers with the task it made",
                "header",
                {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS},
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/tasks",
        summary="Tasks, newest first",
        tag=TAG,
        handle=list_tasks,
        scope="tasks:read",
        result=TaskPage,
        parameters=(
            Parameter("workspace", "Only this workspace's, by its id"),
            Parameter("createdBy", "Only those that this account made, by its id"),
            Parameter(
                "id",
                "Only those whose id ends with this (at least four characters), or begins with it",
                schema={"type": "string", "pattern": "^(tsk_)?[0-9a-hjkmnp-tv-z]{0,26}$"},
            ),
            Parameter("status", "Only these; repeat it, or separate by commas"),
            Parameter("search", "Text in the command, its arguments or the title"),
            Parameter("cursor", "nextCursor of the page before"),
            Parameter(
                "limit",
                "How many at most",
                schema={
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_PAGE,
                    "default": DEFAULT_PAGE,
                },
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/tasks/{id}",
        summary="One task, with all of what was asked for",
        tag=TAG,
        handle=get_task,
        scope="tasks:read",
        result=Task,
    ),
    Operation(
        method="DELETE",
        path="/api/tasks/{id}",
        summary="Delete a task that is over, with its output",
        tag=TAG,
        handle=delete_task,
        scope="tasks:write",
        status=204,
    ),
    Operation(
        method="POST",
        path="/api/tasks/{id}/cancel",
        summary="End a task: SIGTERM to all of it, a grace period, SIGKILL",
        tag=TAG,
        handle=cancel_task,
        scope="tasks:write",
        body=CancelTask,
        body_required=False,
        result=Task,
    ),
    Operation(
        method="POST",
        path="/api/tasks/{id}/rerun",
        summary="Run the same command again, as a new task, with an empty input or a new one",
        tag=TAG,
        handle=rerun_task,
        scope="tasks:write",
        body=RerunTask,
        body_required=False,
        result=Task,
        status=201,
    ),
    Operation(
        method="POST",
        path="/api/tasks/{id}/input",
        summary="Write to a task's standard input",
        tag=TAG,
        handle=write_input,
        scope="tasks:write",
        body=TaskInput,
        result=InputAccepted,
    ),
)
