"""Every operation of the HTTP API, with every kind of credential, about everybody's things.

What each is answered follows from `rules`. Whoever is refused has changed nothing: all tables are
compared. Somebody else's thing and one that never was are answered alike.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
import pytest

from arborlink.hub.routes.api import OPERATIONS
from arborlink.hub.routes.documents import Documents
from arborlink.hub.routes.operations import Operation
from tests.hub.matrix.rules import ANYBODY_KNOWN, RULES, Rule, name_of, verdict
from tests.hub.matrix.world import WHOSE, Credential, Whose, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL: Final = (*OPERATIONS, *Documents(OPERATIONS).operations)


async def test_each_operation_has_a_rule_and_each_rule_an_operation() -> None:
    assert {name_of(operation) for operation in ALL} == set(RULES)
    for operation in ALL:
        rules = RULES[name_of(operation)]
        assert all(rule.public == operation.public for rule in rules), name_of(operation)
        named = {scope for rule in rules for scope in rule.scopes}
        assert operation.scope is None or operation.scope in named, name_of(operation)
        assert operation.scope is not None or rules[0].scopes == (), name_of(operation)


@pytest.mark.parametrize("operation", ALL, ids=name_of)
async def test_each_credential_is_answered_as_the_rule_says(
    world: World, operation: Operation
) -> None:
    wrong: dict[str, object] = {}
    for rule in RULES[name_of(operation)]:
        for whose in targets(rule):
            for name in tuple(world.credentials):
                fault = await cell(world, operation, rule, name, whose)
                if fault is not None:
                    wrong[f"{name}, {whose}'s, {rule.query or rule.body}"] = fault
    assert not wrong, json.dumps(wrong, indent=1, default=str)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/none", 404),
        ("POST", "/api/none", 404),
        ("GET", "/api/tasks/x/none", 404),
        ("PUT", "/api/tasks", 405),
        ("DELETE", "/healthz", 405),
    ],
)
async def test_a_credential_is_judged_before_it_is_said_that_there_is_nothing(
    world: World, method: str, path: str, status: int
) -> None:
    wrong: dict[str, str] = {}
    for name, credential in world.credentials.items():
        found = verdict(ANYBODY_KNOWN, method, credential, None, world)
        expected = status if found == "allowed" or not credential.says_who else found
        url = f"{world.url}{path}?{credential.query}"
        request = httpx2.Request(method, url, headers=list(credential.headers))
        answer = await world.http.send(request)
        if answer.status_code != expected:
            wrong[name] = f"{shown(answer)}, not {expected}"
    assert not wrong, json.dumps(wrong, indent=1)


async def test_the_matrix_has_cells_of_every_kind(world: World) -> None:
    counts = Counter(
        str(verdict(rule, operation.method, credential, whose, world))
        for operation in ALL
        for rule in RULES[name_of(operation)]
        for whose in targets(rule)
        for credential in world.credentials.values()
    )
    print(f"{len(ALL)} operations, {len(world.credentials)} credentials: {dict(counts)}")
    assert counts.keys() == {"allowed", "400", "401", "403", "404"}


def targets(rule: Rule) -> tuple[Whose | None, ...]:
    """Whose things a rule is tried with."""
    return (None,) if rule.thing is None else WHOSE


async def cell(
    world: World, operation: Operation, rule: Rule, name: str, whose: Whose | None
) -> object:
    """Return what is wrong with the answer of one cell; None: nothing."""
    credential = world.credentials[name]
    expected = verdict(rule, operation.method, credential, whose, world)
    if expected == "allowed":
        async with spared(world, rule, credential, whose) as (thing, usable):
            answer = await asked(world, operation, rule, usable, thing)
        good = (rule.done or operation.status, *operation.more_statuses)
        return None if answer.status_code in good else shown(answer)
    thing = "" if rule.thing is None or whose is None else await world.thing(rule.thing, whose)
    before = world.dump()
    answer = await asked(world, operation, rule, credential, thing)
    if answer.status_code != expected:
        return f"{shown(answer)}, not {expected}"
    after = world.dump()
    if after != before:
        changed = {table: rows for table, rows in after.items() if rows != before[table]}
        return {"changed although refused": changed}
    if rule.thing is not None and expected == 404 and whose != "never":
        nobodys = await world.thing(rule.thing, "never")
        other = await asked(world, operation, rule, credential, nobodys)
        if without(answer, thing) != without(other, nobodys):
            return {"tells that it exists": (shown(answer), shown(other))}
    return None


@asynccontextmanager
async def spared(
    world: World, rule: Rule, credential: Credential, whose: Whose | None
) -> AsyncIterator[tuple[str, Credential]]:
    """The id of what an allowed request is about, and the credential to use. Of what ends by it,
    another one takes its place."""
    if not rule.ends:
        thing = "" if rule.thing is None or whose is None else await world.thing(rule.thing, whose)
        yield thing, credential
        return
    limited = credential.principal is not None and credential.principal.limited_to is not None
    if rule.thing is None or whose is None:
        yield "", credential
        await world.renew_sessions()
    elif limited and rule.thing == "workspace":
        # The credential goes with it.
        thing = await world.fresh("workspace", whose)
        yield thing, await world.limited(whose, thing)
    elif limited and rule.thing == "daemon":
        things = world.parties[whose].things
        yield things["daemon"], credential
        things["daemon"] = (await world.enrolled(whose, things["workspace"])).daemon_id
    else:
        yield await world.fresh(rule.thing, whose), credential


async def asked(
    world: World, operation: Operation, rule: Rule, credential: Credential, thing: str
) -> httpx2.Response:
    """Send a request that would be good if the credential were."""
    path = operation.path
    for parameter in ("{id}", "{task_id}", "{code}"):
        path = path.replace(parameter, thing)
    query = "&".join(each for each in (rule.query.replace("@id", thing), credential.query) if each)
    content, headers = None, list(credential.headers)
    if rule.body is not None:
        text = json.dumps(rule.body).replace("@id", thing).replace("@name", world.name())
        content = text.encode()
        headers.append(("Content-Type", "application/json"))
    request = httpx2.Request(
        operation.method, f"{world.url}{path}?{query}", headers=headers, content=content
    )
    return await world.http.send(request)


def shown(answer: httpx2.Response) -> str:
    """Return status, code and text of an answer."""
    return f"{answer.status_code} {answer.text[:200]}"


def without(answer: httpx2.Response, thing: str) -> Any:
    """Return an answer without the id of what it is about."""
    return answer.status_code, answer.text.replace(thing, "<id>")
