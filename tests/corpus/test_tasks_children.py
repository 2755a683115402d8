"""B53: whatever a command does, it ends when it is told to, and nothing of it is left."""

from __future__ import annotations

import os
from typing import Any

from tests.corpus.arena import Arena
from tests.corpus.http_children import CHILDREN_OF, LEFT_BEHIND
from tests.corpus.http_life import do, output, over, told
from tests.corpus.http_wire import Wire
from tests.e2e.arbor import wait_until
from tests.e2e.test_faults import processes_with

GRACE_SECONDS = 0.5


def mark(name: str) -> str:
    """Only in the command line of what belongs to a case of this run."""
    return f"corpus-{os.getpid()}-{name}"


def started(arena: Arena, script: str, name: str) -> str:
    """The id of a task that runs a script."""
    return arena.run("sh", "-c", script.format(mark=mark(name)))


def test_whatever_does_not_want_to_end_is_ended(arena: Arena, wire: Wire) -> None:
    tasks = {name: started(arena, script, name) for name, script in CHILDREN_OF.items()}
    for name in tasks:
        wait_until(lambda name=name: bool(processes_with(mark(name))), name)  # type: ignore[misc]

    for task_id in tasks.values():
        body = {"graceSeconds": GRACE_SECONDS}
        assert do(arena, wire, "POST", f"/api/tasks/{task_id}/cancel", "owner", body).status == 200
    ended = {name: over(arena, task_id) for name, task_id in tasks.items()}

    assert {name: task["status"] for name, task in ended.items()} == dict.fromkeys(
        tasks, "cancelled"
    )
    assert {name: processes_with(mark(name)) for name in tasks} == {name: [] for name in tasks}


def test_whatever_ends_is_over_at_once_with_all_that_it_wrote(arena: Arena, wire: Wire) -> None:
    tasks = {name: started(arena, script, name) for name, (script, _, _) in LEFT_BEHIND.items()}
    ended: dict[str, dict[str, Any]] = {name: over(arena, each) for name, each in tasks.items()}

    assert {name: told(task) for name, task in ended.items()} == {
        name: expected for name, (_, expected, _) in LEFT_BEHIND.items()
    }
    for name, (_, _, written) in LEFT_BEHIND.items():
        assert output(arena, wire, tasks[name]) == written
    assert {name: processes_with(mark(name)) for name in tasks} == {name: [] for name in tasks}
