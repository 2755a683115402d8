"""Which workspace is meant."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from arborlink.client.selection import default_workspace, pick_task, pick_workspace
from arborlink.protocol.errors import InvalidInput, NotFound
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.resources import Task, Workspace


def workspace(identifier: str, name: str, path: str | None = None, host: str = "box") -> Workspace:
    return Workspace(
        id=identifier,
        name=name,
        state="connected",
        since=None,
        host=host,
        platform=None,
        user=None,
        path=path,
        version=None,
        daemon_id=None,
        round_trip_ms=None,
        running_tasks=0,
        queued_tasks=0,
        created_at="2026-01-01T00:00:00Z",
    )


ALL = [
    workspace("ws_aa1", "laptop", "/home/me"),
    workspace("ws_aa2", "lab", "/home/me/lab"),
    workspace("ws_ab1", "aa1", "/home/me", host="elsewhere"),
]


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("laptop", "ws_aa1"),
        ("ws_aa2", "ws_aa2"),
        ("ws_ab", "ws_ab1"),
        ("ab", "ws_ab1"),
        ("aa1", "ws_ab1"),
    ],
)
def test_a_name_wins_over_an_id_over_a_prefix(ref: str, found: str) -> None:
    assert pick_workspace(ALL, ref).id == found


def test_ambiguity_lists_the_candidates() -> None:
    with pytest.raises(InvalidInput, match=r"laptop \(ws_aa1\), lab \(ws_aa2\)"):
        pick_workspace(ALL, "ws_aa")


def test_nothing_lists_what_there_is() -> None:
    with pytest.raises(NotFound, match="There are: laptop"):
        pick_workspace(ALL, "nope")


@pytest.mark.parametrize(
    ("folder", "found"),
    [("/home/me/lab/x", "lab"), ("/home/me/lab", "lab"), ("/home/me/y", "laptop")],
)
def test_the_innermost_workspace_around_this_folder(folder: str, found: str) -> None:
    assert default_workspace(ALL, "box", PurePath(folder)).name == found


def test_the_only_workspace_is_meant_anywhere() -> None:
    assert default_workspace(ALL[:1], "box", PurePath("/tmp")).name == "laptop"


def test_none_and_several_say_what_to_do() -> None:
    with pytest.raises(NotFound, match="arbor enroll"):
        default_workspace([])
    with pytest.raises(InvalidInput, match="-w NAME"):
        default_workspace(ALL)


def task(identifier: str) -> Task:
    return Task(
        id=identifier,
        workspace_id="ws_1",
        command="make",
        args=[],
        cwd=".",
        env=[],
        shell=False,
        tty=None,
        title=None,
        status=TaskStatus.RUNNING,
        reason=None,
        exit_code=None,
        signal=None,
        error=None,
        created_by="usr_1",
        created_at="2026-01-01T00:00:00Z",
        started_at=None,
        finished_at=None,
        output_size=0,
        gaps=[],
        timeout=None,
    )


TASKS = [task("tsk_01k5aaxyz1"), task("tsk_01k5abxyz1"), task("tsk_01k6zzz01k")]


@pytest.mark.parametrize(
    ("ref", "index"),
    [
        ("tsk_01k5aa", 0),
        ("01k5ab", 1),
        ("axyz1", 0),
        ("bxyz1", 1),
        ("01k6", 2),
        ("z01k", 2),
        ("tsk_01k5aaxyz1", 0),
    ],
)
def test_the_task_that_alone_begins_or_ends_so(ref: str, index: int) -> None:
    assert pick_task(TASKS, ref) is TASKS[index]


@pytest.mark.parametrize("ref", ["tsk_01k5", "01k", "xyz1", "tsk"])
def test_several_tasks_are_listed(ref: str) -> None:
    with pytest.raises(InvalidInput, match="tsk_01k5aaxyz1, tsk_01k5abxyz1"):
        pick_task(TASKS, ref)


@pytest.mark.parametrize("ref", ["", "yz1", "1k5a", "nope"])
def test_no_task(ref: str) -> None:
    with pytest.raises(NotFound):
        pick_task(TASKS, ref)
