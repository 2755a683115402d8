"""Bad requests are answered by name, in every role, and change nothing."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.corpus import http_heads, http_routes
from tests.corpus.arena import Arena
from tests.corpus.http_case import ROLES, HttpCase, faults
from tests.corpus.http_wire import Wire

HEADS = {
    kind: list(cases)
    for kind, cases in groupby(
        sorted(http_heads.CASES, key=lambda each: each.kind), lambda each: each.kind
    )
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", HEADS)
def test_a_bad_head(arena: Arena, wire: Wire, kind: str, role: str) -> None:
    with arena.unchanged():
        assert dict(faults(arena, wire, HEADS[kind], role)) == {}


def test_a_page_of_somebody_elses_cannot_use_a_browsers_session(arena: Arena, wire: Wire) -> None:
    cases = http_heads.origins(arena.origin, arena.roles["browser"].cookie or "")
    with arena.unchanged():
        assert dict(faults(arena, wire, cases, "browser")) == {}


@pytest.mark.parametrize("role", ROLES)
def test_nor_what_needs_no_session(arena: Arena, wire: Wire, role: str) -> None:
    cases = http_heads.public_origins(arena.origin)
    with arena.unchanged():
        assert dict(faults(arena, wire, cases, role)) == {}


PARTS = ("methods", "bodies", "ids", "parameters")


@pytest.fixture(scope="module")
def routes(arena: Arena) -> dict[str, list[HttpCase]]:
    """Bad requests for every route, by what is bad about them."""
    description = http_routes.Description(arena.get("/api/openapi.json"))
    made = (
        http_routes.wrong_methods(description),
        http_routes.bad_bodies(arena, description),
        http_routes.bad_ids(description),
        http_routes.bad_parameters(arena, description),
    )
    return {part: list(cases) for part, cases in zip(PARTS, made, strict=True)}


# None of them is anybody any more, or ever was here: they share what is sent for every route.
ALIKE = ("revoked", "expired", "daemon")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("part", PARTS)
def test_every_route_refuses_what_it_cannot_use(
    arena: Arena, wire: Wire, routes: dict[str, list[HttpCase]], part: str, role: str
) -> None:
    cases = routes[part]
    if role in ALIKE:
        cases = cases[ALIKE.index(role) :: len(ALIKE)]
    with arena.unchanged():
        assert dict(faults(arena, wire, cases, role)) == {}
