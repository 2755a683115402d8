"""What is somebody else's cannot be told from what does not exist, and cannot be touched."""

from __future__ import annotations

import json
from math import inf

import pytest

from tests.corpus.arena import Arena
from tests.corpus.http_case import REFUSALS, ROLES
from tests.corpus.http_life import do, look, member
from tests.corpus.http_routes import Description
from tests.corpus.http_strangers import NOBODY, Request, hidden, requests, things
from tests.corpus.http_wire import Answer, Wire

# A difference of what the hub takes is in all of so many; that of a machine that is shared is not.
TRIES = 500
SAME_SECONDS = 0.02
# What each role's scopes are good for. `browser` and `owner` may do everything.
SCOPES = {
    "reader": {"tasks:read"},
    "runner": {"tasks:read", "tasks:write"},
    "elsewhere": {"tasks:read", "tasks:write"},
}


@pytest.fixture(scope="module")
def description(arena: Arena) -> Description:
    """What the hub says that it can be asked."""
    return Description(arena.get("/api/openapi.json"))


def asked(arena: Arena, wire: Wire, request: Request, role: str) -> Answer:
    """The answer to a request."""
    return do(arena, wire, request.method, request.path, role, request.body)


def same(arena: Arena, wire: Wire, kind: str, request: Request, role: str, real: str) -> None:
    """Both answers are the same, but for the id."""
    nobodys = f"{kind}_{NOBODY}"
    theirs = asked(arena, wire, request.about(real), role)
    none = asked(arena, wire, request.about(nobodys), role)
    assert theirs.status in (403, 404), (request.id, theirs.shown)
    assert hidden(theirs.body, real) == hidden(none.body, nobodys), request.id
    arena.note(request.id, theirs.seconds)


def test_a_token_of_another_workspace_sees_nothing(
    arena: Arena, wire: Wire, description: Description
) -> None:
    ids = things(arena)
    with arena.unchanged():
        for kind, request in requests(description):
            if kind in ids:
                same(arena, wire, kind, request, "elsewhere", ids[kind])


def test_another_user_sees_nothing(arena: Arena, wire: Wire, description: Description) -> None:
    ids = things(arena)
    with arena.unchanged(), member(arena, wire) as other:
        for kind, request in requests(description):
            if kind in ids:
                same(arena, wire, kind, request, other, ids[kind])


@pytest.mark.parametrize("kind", ["ws", "tsk"])
def test_nor_does_the_time_tell(arena: Arena, wire: Wire, kind: str) -> None:
    path = {"ws": "/api/workspaces/", "tsk": "/api/tasks/"}[kind]
    best = {things(arena)[kind]: inf, f"{kind}_{NOBODY}": inf}
    for _ in range(TRIES):
        for thing in best:
            answer = look(arena, wire, f"{path}{thing}", "elsewhere")
            best[thing] = min(best[thing], answer.seconds)
        fast, slow = sorted(best.values())
        if slow - fast < SAME_SECONDS:
            return
    raise AssertionError(f"the time tells: {best}")


def test_no_list_and_no_parameter_shows_anything_of_others(arena: Arena, wire: Wire) -> None:
    ids = things(arena)
    # Whose a workspace is may be known to those who see it.
    hidden_ids = [thing for kind, thing in ids.items() if kind != "usr"]
    paths = (
        "/api/workspaces",
        "/api/tasks?limit=500",
        f"/api/tasks?limit=500&cursor={ids['tsk']}",
        "/api/tasks?limit=500&status=running",
        "/api/tasks?limit=500&search=cells",
        f"/api/tasks?limit=500&search={ids['tsk']}",
        "/api/round-trips",
    )
    with member(arena, wire) as other:
        for role in ("elsewhere", other):
            for path in paths:
                answer = look(arena, wire, path, role)
                assert answer.status == 200
                for thing in (*hidden_ids, arena.sparring.workspace_id):
                    assert thing.encode() not in answer.body, (role, path)
            one = look(arena, wire, f"/api/tasks?workspace={ids['ws']}", role)
            none = look(arena, wire, f"/api/tasks?workspace=ws_{NOBODY}", role)
            assert one.status == 404
            assert hidden(one.body, ids["ws"]) == hidden(none.body, f"ws_{NOBODY}")
        wanted = {"name": "x", "scopes": ["tasks:read"], "workspaceId": ids["ws"]}
        assert do(arena, wire, "POST", "/api/tokens", other, wanted).status == 404


@pytest.mark.parametrize("role", SCOPES)
def test_a_token_may_do_what_its_scopes_say(
    arena: Arena, wire: Wire, description: Description, role: str
) -> None:
    ids = things(arena)
    with arena.unchanged():
        for operation in description.operations:
            if operation.scope is None or operation.scope in SCOPES[role]:
                continue
            request = next(
                (
                    each.about(ids[kind])
                    for kind, each in requests(description)
                    if each.id == operation.id and kind in ids
                ),
                Request(operation.id, operation.method, operation.path, None),
            )
            answer = asked(arena, wire, request, role)
            allowed = {*REFUSALS[role], "422 body_required"}
            assert f"{answer.status} {answer.code}" in allowed, (operation.id, answer.shown)


@pytest.mark.parametrize("role", [role for role in ROLES if REFUSALS[role] == REFUSALS["stranger"]])
def test_without_a_credential_nothing_can_be_done(
    arena: Arena, wire: Wire, description: Description, role: str
) -> None:
    ids = things(arena)
    with arena.unchanged():
        for operation in description.operations:
            if not operation.public and operation.path != "/api/session":
                path = operation.path.replace("{id}", ids["tsk"]).replace("{task_id}", ids["tsk"])
                answer = do(arena, wire, operation.method, path, role)
                assert f"{answer.status} {answer.code}" == "401 not_authenticated", operation.id
                assert answer.headers["www-authenticate"] == 'Bearer realm="arbor"'


def test_what_is_no_token_is_none(arena: Arena, wire: Wire) -> None:
    """Secrets of other kinds, in the place of an API token and of a cookie."""
    ticket = json.loads(do(arena, wire, "POST", "/api/ws-ticket").body)["ticket"]
    link = arena.post("/api/session/link", {})["link"]
    device = json.loads(do(arena, wire, "POST", "/api/device/code", "stranger", {}).body)
    secrets = {
        "ticket": ticket,
        "link": link,
        "device-code": device["deviceCode"],
        "user-code": device["userCode"],
        "session": arena.roles["browser"].cookie,
        "daemon": arena.sparring.auth_token,
        "user-id": things(arena)["usr"],
        "token-id": things(arena)["tok"],
    }
    for name, secret in secrets.items():
        refused = wire.ask("GET", "/api/me", [("Authorization", f"Bearer {secret}")])
        assert f"{refused.status} {refused.code}" == "401 not_authenticated", name
        if name != "session":
            refused = wire.ask("GET", "/api/me", [("Cookie", f"arbor_session={secret}")])
            assert f"{refused.status} {refused.code}" == "401 not_authenticated", name
