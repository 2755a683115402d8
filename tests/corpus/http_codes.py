"""B46: codes that admit a daemon, after they are worth nothing, and in the wrong hands."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from threading import Barrier
from typing import Any

from arborlink.hub.store.sqlite import DATABASE_FILE
from tests.corpus.arena import Arena
from tests.corpus.http_life import do
from tests.corpus.http_wire import Answer, Wire

UNKNOWN = "404 unknown_code"
NOT_FOUND = "404 not_found"
TAKEN = "409 workspace_has_daemon"
INVALID = "422 invalid_input"
GUESSES = 64
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Codes:
    """A workspace without a daemon, for which codes are made."""

    arena: Arena
    wire: Wire
    workspace_id: str

    def new(self) -> str:
        """A code for the workspace."""
        path = f"/api/workspaces/{self.workspace_id}/enrollment"
        return str(self.arena.post(path, {})["code"])

    def redeem(self, code: object, wire: Wire | None = None, **more: Any) -> Answer:
        """As a stranger, who has nothing but the code."""
        body = {"code": code, **more}
        return do(self.arena, wire or self.wire, "POST", "/api/enroll", "stranger", body)

    def admitted(self) -> str | None:
        """The daemon that the workspace has now."""
        daemon_id: str | None = self.arena.get(f"/api/workspaces/{self.workspace_id}")["daemonId"]
        return daemon_id


def shown(answer: Answer) -> str:
    """Status and code."""
    return f"{answer.status} {answer.code}".strip()


def _reused(codes: Codes) -> None:
    code = codes.new()
    assert codes.redeem(code).status == 201
    first = codes.admitted()
    assert shown(codes.redeem(code)) == UNKNOWN
    assert codes.admitted() == first


def _reused_after_removal(codes: Codes) -> None:
    code = codes.new()
    assert codes.redeem(code).status == 201
    removed = do(codes.arena, codes.wire, "DELETE", f"/api/daemons/{codes.admitted()}")
    assert removed.status == 204
    assert shown(codes.redeem(code)) == UNKNOWN
    assert codes.admitted() is None


def _at_once(codes: Codes) -> None:
    code, barrier = codes.new(), Barrier(AT_ONCE)

    def redeem(_: int) -> Answer:
        with Wire(codes.arena.port) as wire:
            barrier.wait()
            return codes.redeem(code, wire)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = sorted(threads.map(redeem, range(AT_ONCE)), key=lambda each: each.status)
    assert [shown(each) for each in answers] == ["201", *[UNKNOWN] * (AT_ONCE - 1)]
    assert codes.admitted() == json.loads(answers[0].body)["daemonId"]


def _two_codes_at_once(codes: Codes) -> None:
    both, barrier = [codes.new(), codes.new()], Barrier(2)

    def redeem(code: str) -> Answer:
        with Wire(codes.arena.port) as wire:
            barrier.wait()
            return codes.redeem(code, wire)

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(map(shown, threads.map(redeem, both)))
    assert answers == ["201", TAKEN]


def _guessed_in_parallel(codes: Codes) -> None:
    code = codes.new()

    def guess(number: int) -> Answer:
        with Wire(codes.arena.port) as wire:
            return codes.redeem(f"BCDF-{number:04}", wire)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = set(map(shown, threads.map(guess, range(GUESSES))))
    assert answers == {UNKNOWN}
    assert codes.admitted() is None
    assert codes.redeem(code).status == 201


def _expired(codes: Codes) -> None:
    code = codes.new()
    database = codes.arena.arbor.home / "hub" / DATABASE_FILE
    with closing(sqlite3.connect(database, timeout=5)) as connection, connection:
        past = (time.time() - 1) * 1_000_000
        wanted = "UPDATE enrolments SET expires_at = ? WHERE workspace_id = ?"
        assert connection.execute(wanted, (int(past), codes.workspace_id)).rowcount == 1
    assert shown(codes.redeem(code)) == UNKNOWN
    assert codes.admitted() is None


def _of_a_deleted_workspace(codes: Codes) -> None:
    other = codes.arena.post("/api/workspaces", {"name": "soon gone"})["id"]
    code = Codes(codes.arena, codes.wire, other).new()
    assert do(codes.arena, codes.wire, "DELETE", f"/api/workspaces/{other}").status == 204
    assert shown(codes.redeem(code)) == UNKNOWN


def _for_another_workspace(codes: Codes) -> None:
    code = codes.new()
    real = codes.arena.get(f"/api/workspaces/{codes.arena.arbor.workspace_id}")["daemonId"]
    answer = codes.redeem(code, workspaceId=codes.arena.arbor.workspace_id, daemonId=real)
    assert json.loads(answer.body)["workspaceId"] == codes.workspace_id
    assert json.loads(answer.body)["daemonId"] != real


def _of_a_workspace_with_a_daemon(codes: Codes) -> None:
    first, second = codes.new(), codes.new()
    assert codes.redeem(first).status == 201
    daemon_id = codes.admitted()
    assert shown(codes.redeem(second)) == TAKEN
    assert codes.admitted() == daemon_id


def _made_by_whom_it_is_not_for(codes: Codes) -> None:
    path = f"/api/workspaces/{codes.workspace_id}/enrollment"
    expected = {"reader": "403 not_allowed", "runner": "403 not_allowed", "elsewhere": NOT_FOUND}
    for role, refusal in expected.items():
        assert shown(do(codes.arena, codes.wire, "POST", path, role)) == refusal


def _as_a_token(codes: Codes) -> None:
    for secret in (codes.new(), codes.new().replace("-", "")):
        headers = [("Authorization", f"Bearer {secret}")]
        assert shown(codes.wire.ask("GET", "/api/me", headers)) == "401 not_authenticated"


def _in_the_address(codes: Codes) -> None:
    code = codes.new()
    answer = codes.wire.ask("POST", f"/api/enroll?code={code}")
    assert shown(answer) == "422 body_required"
    assert shown(codes.wire.ask("GET", f"/api/enroll?code={code}")) == "405 method_not_allowed"
    assert codes.admitted() is None


# What no code can be.
BAD_CODES: Mapping[str, tuple[str, object]] = {
    "empty": (INVALID, ""),
    "too-long": (INVALID, "B" * 33),
    "number": (INVALID, 12_345_678),
    "null": (INVALID, None),
    "list": (INVALID, ["BCDF-GHJK"]),
    "half": (UNKNOWN, "BCDF"),
    "wildcard": (UNKNOWN, "%"),
    "sql": (UNKNOWN, "' OR 1=1 --"),
    "nul": (UNKNOWN, "BCDF-GHJK\0"),
    "spaces": (UNKNOWN, " " * 32),
    "not-ascii": (UNKNOWN, "\u0411\u0421\u0414\u0424-GHJK"),
}


def _that_is_none(codes: Codes) -> None:
    codes.new()
    for name, (expected, code) in BAD_CODES.items():
        assert shown(codes.redeem(code)) == expected, name
    assert codes.admitted() is None


CODES: Mapping[str, Callable[[Codes], None]] = {
    "reused": _reused,
    "reused-after-removal": _reused_after_removal,
    "redeemed-at-once": _at_once,
    "two-codes-at-once": _two_codes_at_once,
    "guessed-in-parallel": _guessed_in_parallel,
    "expired": _expired,
    "of-a-deleted-workspace": _of_a_deleted_workspace,
    "for-another-workspace": _for_another_workspace,
    "of-a-workspace-with-a-daemon": _of_a_workspace_with_a_daemon,
    "made-by-whom-it-is-not-for": _made_by_whom_it_is_not_for,
    "as-a-token": _as_a_token,
    "in-the-address": _in_the_address,
    "that-is-none": _that_is_none,
}
