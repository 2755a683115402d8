"""What becomes of tasks, and what is kept of their output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bounds import HANG_SECONDS
from tests.corpus.arena import Arena, Credential
from tests.corpus.http_case import credentials
from tests.corpus.http_wire import JSON, Answer, Wire
from tests.e2e.arbor import wait_until

MEMBER = "member"
FINAL = ("completed", "failed", "cancelled", "lost", "expired")


def over(arena: Arena, task_id: str) -> dict[str, Any]:
    """The task, when it has ended."""
    task: dict[str, Any] = {}

    def is_over() -> bool:
        task.update(arena.get(f"/api/tasks/{task_id}"))
        return task["status"] in FINAL

    wait_until(is_over, f"the end of {task_id}", HANG_SECONDS)
    return task


def told(task: dict[str, Any]) -> str:
    """Status and reason."""
    return " ".join(str(task[name]) for name in ("status", "reason") if task[name])


def look(arena: Arena, wire: Wire, path: str, role: str = "owner") -> Answer:
    """GET."""
    return wire.ask("GET", path, credentials(arena, role))


def output(arena: Arena, wire: Wire, task_id: str, query: str = "") -> bytes:
    """The stored output, or what the query makes of it."""
    answer = look(arena, wire, f"/api/tasks/{task_id}/output?{query}")
    assert answer.status == 200, answer.shown
    return answer.body


def forget(arena: Arena, wire: Wire, workspace_id: str) -> None:
    """Delete a workspace that was made for a case, with all that is in it."""
    answer = do(arena, wire, "DELETE", f"/api/workspaces/{workspace_id}")
    assert answer.status == 204, answer.shown


@contextmanager
def member(arena: Arena, wire: Wire) -> Iterator[str]:
    """Another user of the hub, as a role: no owner, and with nothing but what is theirs."""
    made = arena.post("/api/users", {"username": MEMBER})
    try:
        arena.roles[MEMBER] = Credential(cookie=sign_in(wire, made["link"]["link"]))
        wanted = {"name": MEMBER, "scopes": ["admin"]}
        token = do(arena, wire, "POST", "/api/tokens", MEMBER, wanted)
        arena.roles[MEMBER] = Credential(json.loads(token.body)["secret"])
        yield MEMBER
    finally:
        del arena.roles[MEMBER]
        assert do(arena, wire, "DELETE", f"/api/users/{made['id']}").status == 204


def do(
    arena: Arena,
    wire: Wire,
    method: str,
    path: str,
    role: str = "owner",
    body: dict[str, Any] | None = None,
) -> Answer:
    """Any request, with a body that is JSON."""
    content = None if body is None else json.dumps(body).encode()
    headers = [*credentials(arena, role), ("Content-Type", JSON)]
    return wire.ask(method, path, headers, content)


def sign_in(wire: Wire, link: str) -> str:
    """A session's cookie."""
    body = json.dumps({"link": link}).encode()
    answer = wire.ask("POST", "/api/session", [("Content-Type", JSON)], body)
    assert answer.status == 201, answer.shown
    return answer.headers["set-cookie"].partition(";")[0].removeprefix("arbor_session=")
