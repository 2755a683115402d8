"""Bad tasks are refused by name, or end at once with a reason, and touch nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import http_tasks
from tests.corpus.arena import Arena
from tests.corpus.http_case import ROLES, faults
from tests.corpus.http_life import output, over, told
from tests.corpus.http_tasks import TAKEN, TaskCase
from tests.corpus.http_wire import Wire

SWAPPED_TASKS = 40


@pytest.fixture(scope="module")
def beside(arena: Arena) -> Iterator[Path]:
    """A folder next to the workspace, in which nothing may happen."""
    folder = arena.arbor.workspace.parent / "beside"
    http_tasks.prepare(arena.arbor.workspace, folder)
    before = dict(http_tasks.seen(folder))
    yield folder
    assert dict(http_tasks.seen(folder)) == before
    assert list(arena.arbor.workspace.rglob(http_tasks.MARK)) == []


@pytest.mark.parametrize("role", ROLES)
def test_the_hub_refuses_it(arena: Arena, wire: Wire, role: str) -> None:
    with arena.unchanged():
        assert dict(faults(arena, wire, http_tasks.REFUSED, role)) == {}


@pytest.mark.parametrize("kind", sorted({case.kind for case in TAKEN}))
def test_the_daemon_refuses_it(arena: Arena, wire: Wire, beside: Path, kind: str) -> None:
    cases = [case for case in TAKEN if case.kind == kind]
    started = {case.id: arena.run(case.command, *case.args, **case.fields) for case in cases}

    ended = {name: over(arena, task_id) for name, task_id in started.items()}

    wrong = {case.id: told(ended[case.id]) for case in cases if not as_expected(case, ended)}
    assert wrong == {}
    for case in cases:
        if case.output is not None:
            assert output(arena, wire, started[case.id]) == case.output.encode(), case.id


def test_a_link_that_is_swapped_meanwhile_does_not_lead_out(
    arena: Arena, wire: Wire, beside: Path
) -> None:
    link, stop = arena.arbor.workspace / "swapped", threading.Event()
    targets = (arena.arbor.workspace / "inside", beside)

    def swap() -> None:
        while not stop.is_set():
            for target in targets:
                new = link.with_name("swapped-next")
                new.symlink_to(target)
                new.replace(link)

    link.symlink_to(targets[0])
    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        started = [arena.run("pwd", "-P", cwd="swapped") for _ in range(SWAPPED_TASKS)]
        ended = [over(arena, task_id) for task_id in started]
    finally:
        stop.set()
        swapper.join()

    assert {told(task) for task in ended} <= {"completed", "failed working_directory"}
    places = {output(arena, wire, task["id"]) for task in ended if task["status"] == "completed"}
    assert places <= {f"{targets[0].resolve()}\n".encode()}


def as_expected(case: TaskCase, ended: dict[str, dict[str, Any]]) -> bool:
    """Whether it ended as it should, and said why in words where it failed."""
    task = ended[case.id]
    return told(task) == case.expected and bool(task["error"]) == (task["status"] == "failed")
