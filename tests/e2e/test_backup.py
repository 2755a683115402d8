"""A backup of real processes under load, and a hub restored from it: exact, or declared."""

from __future__ import annotations

from typing import Any

from arborlink.outputlog import Chunk, LogReader
from arborlink.testing.cells import stream
from tests.e2e.arbor import Arbor, cells, wait_until

MIB = 1 << 20
TOTAL = 48 * MIB


def test_a_hub_from_a_backup_goes_on_with_its_daemon(arbor: Arbor) -> None:
    """Tasks write when the backup is taken, go on, and are there to their end afterwards."""
    keys = ["one", "two"]
    for key in keys:
        started = arbor.run("run", "--detach", "--", *cells(key, TOTAL, "--rate", str(8 * MIB)))
        assert started.returncode == 0, started.stderr
    wait_until(lambda: min(sizes(arbor)) > 4 * MIB, "the tasks to write")
    taken = arbor.run("hub", "backup", str(arbor.home / "copy.tar"))
    assert taken.returncode == 0, taken.stderr
    assert b"2 tasks with" in taken.stderr
    behind = sizes(arbor)
    wait_until(lambda: min(sizes(arbor)) > max(behind) + 4 * MIB, "the tasks to write more")
    refused = arbor.run("hub", "restore", str(arbor.home / "copy.tar"))
    assert b"already uses" in refused.stderr
    arbor.kill_hub()
    (arbor.home / "hub").rename(arbor.home / "hub-before")
    restored = arbor.run("hub", "restore", str(arbor.home / "copy.tar"))
    assert restored.returncode == 0, restored.stderr
    arbor.start_hub()
    wait_until(lambda: statuses(arbor) == {"completed"}, "the tasks to end", 40)
    for task in tasks(arbor):
        key = keys[0] if keys[0] in task["args"] else keys[1]
        (gap,) = task["gaps"]
        assert gap["reason"] == "spool_pruned"
        assert task["outputSize"] == TOTAL
        check(arbor, task["id"], key, (gap["from"], gap["to"]))


def tasks(arbor: Arbor) -> list[dict[str, Any]]:
    """All tasks."""
    body = arbor.api("/api/tasks")
    assert isinstance(body, dict)
    return list(body["items"])


def sizes(arbor: Arbor) -> list[int]:
    """How much each of them has written."""
    return [int(task["outputSize"]) for task in tasks(arbor)]


def statuses(arbor: Arbor) -> set[str]:
    """How they are."""
    return {task["status"] for task in tasks(arbor)}


def check(arbor: Arbor, task_id: str, key: str, gap: tuple[int, int]) -> None:
    """Every byte beside the gap is what the child wrote."""
    offset = 0
    with LogReader(arbor.home / "hub" / "output" / task_id[-2:] / task_id) as reader:
        while (found := reader.read(offset, MIB, verify=True)) is not None:
            if isinstance(found, Chunk):
                assert found.data == stream(key, offset, found.end)
            else:
                assert (found.start, found.end) == gap
            offset = found.end
    assert offset == TOTAL
