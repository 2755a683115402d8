"""A bad request as data, who sends it, and what everybody is to be answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.corpus.arena import Arena
from tests.corpus.http_wire import Answer, Headers, Wire

ROLES = (
    "stranger",
    "owner",
    "runner",
    "reader",
    "elsewhere",
    "revoked",
    "expired",
    "browser",
    "daemon",
)
NO_CREDENTIAL = frozenset({"401 not_authenticated"})
# What a role may be answered in place of the case's own answer, because it may not ask at all.
# Whether who asks or what is asked is judged first is the hub's affair.
REFUSALS: dict[str, frozenset[str]] = {
    "stranger": NO_CREDENTIAL,
    "owner": frozenset({"403 browser_only"}),
    "runner": frozenset({"403 browser_only", "403 not_allowed"}),
    "reader": frozenset({"403 browser_only", "403 not_allowed"}),
    "elsewhere": frozenset({"403 browser_only", "403 not_allowed", "404 not_found"}),
    "revoked": NO_CREDENTIAL,
    "expired": NO_CREDENTIAL,
    "browser": frozenset(),
    "daemon": NO_CREDENTIAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCase:
    """A request that must be refused.

    In `target`, `<workspace>` and `<task>` stand for the real daemon's workspace and for the
    neighbour's task. `expected` is status and code, or several of them separated by ` | `. `raw`
    is a whole request, sent as it is. Without `credential` nobody says who they are.
    """

    id: str
    kind: str
    expected: str
    method: str = "GET"
    target: str | bytes = "/api/me"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    host: str | None = ""
    raw: bytes | None = None
    credential: bool = True


def credentials(arena: Arena, role: str) -> Headers:
    """The headers that say who asks."""
    return tuple(arena.headers(role).items())


def filled(arena: Arena, target: str | bytes) -> str | bytes:
    """The address, with ids in the places for them."""
    if isinstance(target, bytes):
        return target
    own = target.replace("<workspace>", arena.arbor.workspace_id)
    return own.replace("<task>", arena.neighbour.task_id)


def ask(arena: Arena, wire: Wire, case: HttpCase, role: str) -> Answer:
    """Send the case as this role."""
    if case.raw is not None:
        return wire.send(case.raw)
    headers = [*(credentials(arena, role) if case.credential else ()), *case.headers]
    target = filled(arena, case.target)
    return wire.ask(case.method, target, headers, case.body, host=case.host)


def faults(
    arena: Arena, wire: Wire, cases: Iterable[HttpCase], role: str
) -> Iterator[tuple[str, str]]:
    """The cases whose answer is another one, and how. How long each took is noted."""
    for case in cases:
        right = {*case.expected.split(" | "), *REFUSALS[role]}
        answer = ask(arena, wire, case, role)
        arena.note(f"{case.id} as {role}", answer.seconds)
        shown = f"{answer.status} {answer.code}"
        if case.method == "HEAD":
            # The same as for GET, without a body to say it in.
            shown = str(answer.status)
            right = {each.partition(" ")[0] for each in right}
        if shown not in right:
            yield case.id, f"{answer.shown}, not {case.expected}"
