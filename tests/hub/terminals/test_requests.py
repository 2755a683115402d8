"""Who waits for a snapshot gets one, however many others ask, and whatever theirs cost."""

from __future__ import annotations

import asyncio

import pytest

from arborlink.hub.screen import ipc
from arborlink.hub.screen.shares import (
    MAX_OWNERS,
    OWNER_BURST_SECONDS,
    OWNER_SHARE,
    DrawingTime,
    crowded_out,
)
from arborlink.hub.terminals.requests import Request, Requests


def terminal(task_id: str, workspace_id: str = "ws_1", owner_id: str = "usr_1") -> ipc.Follow:
    return ipc.Follow(task_id, f"/{task_id}", [], workspace_id, owner_id)


def never(_: ipc.Follow) -> bool:
    return False


@pytest.mark.asyncio
async def test_holders_take_turns() -> None:
    requests = Requests(never)
    for number in range(3):
        requests.add(Request("mia", terminal(f"mia{number}")))
    for holder in ("ben", "ada"):
        requests.add(Request(holder, terminal(holder)))
    order = [(await requests.next()).terminal.task_id for _ in range(5)]
    assert order == ["mia0", "ben", "ada", "mia1", "mia2"]
    assert not len(requests)


@pytest.mark.asyncio
async def test_what_is_dear_waits_for_what_is_not() -> None:
    requests = Requests(lambda each: each.owner_id == "usr_dear")
    requests.add(Request("mia", terminal("dear", owner_id="usr_dear")))
    requests.add(Request("mia", terminal("own")))
    requests.add(Request("ben", terminal("his")))
    order = [(await requests.next()).terminal.task_id for _ in range(3)]
    assert order == ["own", "his", "dear"]


@pytest.mark.asyncio
async def test_who_gives_up_leaves_nothing() -> None:
    requests = Requests(never)
    given_up = [Request("mia", terminal(f"t{number}")) for number in range(100)]
    for each in given_up:
        requests.add(each)
        requests.remove(each)
        requests.remove(each)
    assert not len(requests) and not requests._waiting
    waiting = asyncio.create_task(requests.next())
    await asyncio.sleep(0)
    requests.add(Request("ben", terminal("his")))
    assert (await waiting).terminal.task_id == "his"


@pytest.mark.asyncio
async def test_of_what_is_gone_there_is_no_snapshot() -> None:
    requests = Requests(never)
    gone = [Request("mia", terminal("one")), Request("ben", terminal("two"))]
    for each in (*gone, Request("ben", terminal("three", "ws_2"))):
        requests.add(each)
    requests.end(lambda each: each.workspace_id == "ws_1")
    assert [each.answer.result().output for each in gone] == [None, None]
    assert (await requests.next()).terminal.task_id == "three"


def test_the_account_with_most_makes_room_whoever_comes() -> None:
    models = [("a1", "ann", 1), ("b1", "ben", 1), ("a2", "ann", 1), ("c1", "cat", 1)]
    assert crowded_out(models, "c1") == "a1"
    # Also where it is that account's own newest that is wanted.
    assert crowded_out(models, "a2") == "a1"
    assert crowded_out(models, "a1") == "a2"
    # By what models take, not by their number.
    assert crowded_out([*models[:3], ("c1", "cat", 9)], "b1") == "c1"
    assert crowded_out([("a1", "ann", 9), ("b1", "ben", 1)], "a1") == "b1"
    assert crowded_out([("a1", "ann", 9)], "a1") is None


def test_time_that_an_account_has_drawn_is_forgotten_with_time() -> None:
    drawn = DrawingTime()
    assert drawn.left("usr_1", 100.0) == OWNER_BURST_SECONDS
    drawn.spend("usr_1", OWNER_BURST_SECONDS + 1, 100.0)
    assert drawn.left("usr_1", 100.0) == -1
    assert drawn.left("usr_2", 100.0) == OWNER_BURST_SECONDS
    assert drawn.left("usr_1", 110.0) == pytest.approx(10 * OWNER_SHARE - 1)
    for number in range(2 * MAX_OWNERS):
        drawn.spend(f"usr_{number}", 9.0, 110.0)
    assert len(drawn._owners) == MAX_OWNERS
