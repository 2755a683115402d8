"""B34: the same request again, and what only looks like it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.corpus.arena import Arena
from tests.corpus.http_case import credentials
from tests.corpus.http_life import over
from tests.corpus.http_wire import JSON, Answer, Wire

AT_ONCE = 8
REUSED = "409 idempotency_key_reused"
INVALID = "422 invalid_input"
BODY: Mapping[str, Any] = {"command": "true"}


class Requests:
    """Sends one request again and again, with a key that nobody else uses."""

    def __init__(self, arena: Arena, wire: Wire, key: str) -> None:
        self.arena = arena
        self.wire = wire
        self.key = key

    def send(
        self,
        body: Mapping[str, Any] | bytes = BODY,
        *,
        role: str = "owner",
        keys: tuple[str, ...] | None = None,
        workspace: str | None = None,
        wire: Wire | None = None,
    ) -> Answer:
        """Start a task in the real daemon's workspace, or in another one."""
        path = f"/api/workspaces/{workspace or self.arena.arbor.workspace_id}/tasks"
        sent = (self.key,) if keys is None else keys
        headers = [
            *credentials(self.arena, role),
            ("Content-Type", JSON),
            *(("Idempotency-Key", key) for key in sent),
        ]
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return (wire or self.wire).ask("POST", path, headers, content)


def task_id(answer: Answer) -> str:
    """Of the task that was made, now or before."""
    assert answer.status == 201, answer.shown
    return str(json.loads(answer.body)["id"])


def _same(requests: Requests) -> None:
    assert task_id(requests.send()) == task_id(requests.send())


def _after_the_end(requests: Requests) -> None:
    first = task_id(requests.send())
    over(requests.arena, first)
    again = requests.send()
    assert task_id(again) == first
    assert json.loads(again.body)["status"] == "completed"


def _with_another_token_of_the_same_user(requests: Requests) -> None:
    assert task_id(requests.send()) == task_id(requests.send(role="runner"))


def _in_a_browser(requests: Requests) -> None:
    assert task_id(requests.send()) == task_id(requests.send(role="browser"))


def _at_once(requests: Requests) -> None:
    barrier = Barrier(AT_ONCE)

    def send(_: int) -> str:
        with Wire(requests.arena.port) as wire:
            barrier.wait()
            return task_id(requests.send(wire=wire))

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert len(set(threads.map(send, range(AT_ONCE)))) == 1


def _two_bodies_at_once(requests: Requests) -> None:
    barrier = Barrier(AT_ONCE)

    def send(number: int) -> Answer:
        with Wire(requests.arena.port) as wire:
            barrier.wait()
            return requests.send({**BODY, "args": [str(number)]}, wire=wire)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(send, range(AT_ONCE)))
    assert [answer.status for answer in answers].count(201) == 1
    assert {f"{each.status} {each.code}" for each in answers if each.status != 201} == {REUSED}


def _other_case_of_the_key(requests: Requests) -> None:
    assert task_id(requests.send()) != task_id(requests.send(keys=(requests.key.upper(),)))


def _refused_first(requests: Requests) -> None:
    assert requests.send({"command": ""}).status == 422
    assert requests.send(role="reader").status == 403
    task_id(requests.send())


# Each must make as many tasks as it says, and no more.
REPEATS: Mapping[str, tuple[int, Callable[[Requests], None]]] = {
    "same-body": (1, _same),
    "after-the-end": (1, _after_the_end),
    "another-token-of-the-same-user": (1, _with_another_token_of_the_same_user),
    "in-a-browser": (1, _in_a_browser),
    "at-once": (1, _at_once),
    "two-bodies-at-once": (1, _two_bodies_at_once),
    "other-case-of-the-key": (2, _other_case_of_the_key),
    "refused-first": (1, _refused_first),
}
# After the key was used for BODY.
OTHERS: Mapping[str, tuple[str, Mapping[str, Any] | bytes]] = {
    "other-command": (REUSED, {"command": "false"}),
    "more-arguments": (REUSED, {**BODY, "args": ["x"]}),
    "unknown-field": (REUSED, {**BODY, "x": 1}),
    "other-spelling": (REUSED, b'{ "command" : "true" }'),
    "field-twice": (REUSED, b'{"command":"x","command":"true"}'),
    "no-body": ("422 body_required", b""),
    "bad-body": ("422 empty_command", {"command": ""}),
}
# Keys that are none.
BAD_KEYS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "empty": (INVALID, ("",)),
    "too-long": (INVALID, ("x" * 256,)),
    "tab": (INVALID, ("a\tb",)),
    "two": (INVALID, ("a", "b")),
    "the-same-twice": (INVALID, ("a", "a")),
    "no-break-space": (INVALID, ("a\xa0b",)),
    "soft-hyphen": (INVALID, ("a\xadb",)),
    "eight-bit-control": (INVALID, ("a\x85b",)),
    "control": ("400 malformed_request", ("a\x01b",)),
    "above-the-head": ("431 headers_too_large", ("x" * 9_000,)),
}
