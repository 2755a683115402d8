"""B35: things of somebody else's, and requests that would be good if they were one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.corpus.arena import Arena
from tests.corpus.http_routes import FITTING, Description, Operation

# Of the right shape, and of nobody.
NOBODY = "00000000000000000000000000"
_KINDS: Mapping[str, str] = {
    "/api/workspaces/": "ws",
    "/api/tasks/": "tsk",
    "/api/daemons/": "dmn",
    "/api/users/": "usr",
    "/api/tokens/": "tok",
    "/api/sessions/": "ses",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A good request."""

    id: str
    method: str
    path: str
    body: dict[str, Any] | None

    def about(self, thing_id: str) -> Request:
        """The same for another thing."""
        return replace(self, path=self.path.replace("<id>", thing_id))


def things(arena: Arena) -> dict[str, str]:
    """The ids of what exists and belongs to the owner, by the kind of id."""
    workspace_id = arena.arbor.workspace_id
    tokens = arena.get("/api/tokens")["items"]
    return {
        "ws": workspace_id,
        "tsk": arena.neighbour.task_id,
        "dmn": arena.get(f"/api/workspaces/{workspace_id}")["daemonId"],
        "usr": arena.get("/api/me")["userId"],
        # Any token may revoke itself, so it is none that is used.
        "tok": next(token["id"] for token in tokens if token["name"] == "expired"),
    }


def requests(description: Description) -> Iterator[tuple[str, Request]]:
    """For every route with an id: the kind of id, and a request that would be good."""
    for operation in description.operations:
        kind = next((k for start, k in _KINDS.items() if operation.path.startswith(start)), None)
        if kind is not None and "{" in operation.path:
            yield kind, request(operation)


def request(operation: Operation) -> Request:
    """What would be good, were it about something that one may see."""
    start, _, rest = operation.path.partition("{")
    path = f"{start}<id>{rest.partition('}')[2]}" if rest else start
    query = "?q=x" if path.endswith("/search") else ""
    body = FITTING[operation.body] if operation.body else None
    return Request(operation.id, operation.method, path + query, body)


def hidden(body: bytes, thing_id: str) -> object:
    """A problem without the id that it is about."""
    return json.loads(body.replace(thing_id.encode(), b"<id>"))
