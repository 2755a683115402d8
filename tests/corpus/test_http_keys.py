"""B34: one key, one task."""

from __future__ import annotations

import json

import pytest

from tests.corpus.arena import Arena
from tests.corpus.http_case import REFUSALS, ROLES
from tests.corpus.http_keys import BAD_KEYS, OTHERS, REPEATS, Requests, task_id
from tests.corpus.http_life import do, forget, member, over
from tests.corpus.http_wire import Wire


def tasks(arena: Arena) -> set[str]:
    """Of the real daemon's workspace."""
    path = f"/api/tasks?limit=500&workspace={arena.arbor.workspace_id}"
    return {task["id"] for task in arena.get(path)["items"]}


@pytest.mark.parametrize("name", REPEATS)
def test_a_repeat_makes_no_second_task(arena: Arena, wire: Wire, name: str) -> None:
    expected, repeat = REPEATS[name]
    before = tasks(arena)
    repeat(Requests(arena, wire, f"repeat-{name}"))
    made = tasks(arena) - before
    assert len(made) == expected
    for each in made:
        over(arena, each)


def test_a_key_is_good_for_one_request(arena: Arena, wire: Wire) -> None:
    requests = Requests(arena, wire, "one-request")
    over(arena, task_id(requests.send()))
    with arena.unchanged():
        for name, (expected, body) in OTHERS.items():
            answer = requests.send(body)
            assert f"{answer.status} {answer.code}" == expected, name
        other = requests.send(workspace=arena.elsewhere_id)
        assert f"{other.status} {other.code}" == "409 idempotency_key_reused"


def test_somebody_elses_key_is_another_key(arena: Arena, wire: Wire) -> None:
    requests = Requests(arena, wire, "of-two-users")
    first = task_id(requests.send())
    over(arena, first)
    with member(arena, wire) as other:
        own = json.loads(do(arena, wire, "POST", "/api/workspaces", other, {"name": "own"}).body)
        theirs = {"command": "true", "ifOffline": "queue"}
        made = requests.send(theirs, role=other, workspace=own["id"])
        assert task_id(made) != first
        unseen = requests.send(role=other)
        assert f"{unseen.status} {unseen.code}" == "404 not_found"
        forget(arena, wire, own["id"])


@pytest.mark.parametrize("role", ROLES)
def test_a_key_that_is_none_is_refused(arena: Arena, wire: Wire, role: str) -> None:
    with arena.unchanged():
        for name, (expected, keys) in BAD_KEYS.items():
            answer = Requests(arena, wire, "").send(keys=keys, role=role)
            assert f"{answer.status} {answer.code}" in {expected, *REFUSALS[role]}, name
