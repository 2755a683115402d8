"""Names are text wherever they are shown, or are refused; slow heads are not waited for."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.corpus.arena import LATE_SECONDS, Arena
from tests.corpus.http_case import ROLES, HttpCase, faults
from tests.corpus.http_life import do, forget, look
from tests.corpus.http_names import (
    BAD_NAMES,
    CHOSEN_BY_NAME,
    MISLEADING_NAMES,
    NAMED,
    NAMES,
)
from tests.corpus.http_slow import SLOW
from tests.corpus.http_wire import JSON, PROBLEM, Answer, Wire

PAUSE_SECONDS = 0.2

BAD = tuple(
    HttpCase(
        id=f"B22-{place}-{name}",
        kind="B22",
        # Where no credential is needed, less is read.
        expected=f"{expected} | 413 message_too_large",
        method=method,
        target=target,
        headers=(("Content-Type", JSON),),
        body=json.dumps({**rest, field: text}).encode(),
    )
    for place, (method, target, field, rest) in NAMED.items()
    for name, (expected, text) in {
        **BAD_NAMES,
        **(MISLEADING_NAMES if place in CHOSEN_BY_NAME else {}),
    }.items()
)


def is_safe(answer: Answer) -> bool:
    """Whether no browser takes it for a page."""
    headers = answer.headers
    return (
        headers["content-type"] in (JSON, PROBLEM, "text/plain; charset=utf-8")
        and headers["x-content-type-options"] == "nosniff"
        and "script-src 'self'" in headers["content-security-policy"]
        and "set-cookie" not in headers
    )


@pytest.mark.parametrize("role", ROLES)
def test_a_name_that_does_not_show_what_it_is_is_refused(
    arena: Arena, wire: Wire, role: str
) -> None:
    with arena.unchanged():
        assert dict(faults(arena, wire, BAD, role)) == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text(arena: Arena, wire: Wire, name: str) -> None:
    text = NAMES[name]
    # Between an account and a workspace there is a slash, and none within either.
    place = text.replace("/", "|")
    with arena.unchanged():
        made = do(arena, wire, "POST", "/api/workspaces", "owner", {"name": place})
        workspace_id = json.loads(made.body)["id"]
        task = {
            "command": text,
            "args": [text],
            "env": {"NAME": text},
            "title": text,
            "ifOffline": "queue",
        }
        path = f"/api/workspaces/{workspace_id}/tasks"
        task_id = json.loads(do(arena, wire, "POST", path, "owner", task).body)["id"]
        shown = [
            made,
            look(arena, wire, f"/api/workspaces/{workspace_id}"),
            look(arena, wire, f"/api/tasks/{task_id}"),
            look(arena, wire, f"/api/tasks?workspace={workspace_id}"),
            look(arena, wire, f"/api/tasks/{task_id}/output?download=1"),
            do(arena, wire, "POST", f"/api/workspaces/{workspace_id}/enrollment"),
            do(arena, wire, "POST", "/api/workspaces", "owner", {"name": place}),
        ]
        forget(arena, wire, workspace_id)
    assert json.loads(shown[1].body)["name"] == place
    assert json.loads(shown[2].body)["args"] == [text]
    assert shown[4].headers["content-disposition"] == f'attachment; filename="{task_id}.log"'
    assert shown[6].shown == "409 name_taken"
    for answer in shown:
        assert is_safe(answer), answer.headers


def test_a_page_of_somebody_elses_is_not_told_that_it_may_ask(arena: Arena, wire: Wire) -> None:
    for method in ("OPTIONS", "GET", "POST"):
        asked = (
            ("Origin", "http://evil.example"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type"),
        )
        for role in ROLES:
            answer = wire.ask(method, "/api/ws-ticket", (*arena.headers(role).items(), *asked))
            assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_head_that_takes_its_time_is_not_waited_for(arena: Arena) -> None:
    def send(name: str) -> tuple[str, Answer]:
        with Wire(arena.port) as wire:
            return name, wire.dribble(SLOW[name](), PAUSE_SECONDS)

    with ThreadPoolExecutor(len(SLOW)) as threads:
        for name, answer in threads.map(send, SLOW):
            assert answer.shown == "408 request_timeout", name
            # Not before; and after it, however much more would have come.
            assert answer.seconds > LATE_SECONDS - 1, (name, answer.seconds)
            arena.note(f"{name}, which is due after {LATE_SECONDS:g} s", answer.seconds)
