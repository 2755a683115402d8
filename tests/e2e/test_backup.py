"""A backup of real processes under load, and a hub restored from it: exact, or declared."""

from __future__ import annotations

from typing import Any

from arborlink.outputlog import Chunk, LogReader
from arborlink.testing.cells import stream
from tests.e2e.arbor import Arbor, EndlessCells, wait_until

MIB = 1 << 20


def test_a_hub_from_a_backup_goes_on_with_its_daemon(arbor: Arbor) -> None:
    """Tasks write when the backup is taken, go on, and are there to their end afterwards."""
    children = [EndlessCells(arbor, key, 8 * MIB) for key in ("one", "two")]
    for child in children:
        started = arbor.run("run", "--detach", "--", *child.command)
        assert started.returncode == 0, started.stderr
    wait_until(lambda: min(sizes(arbor), default=0) > 4 * MIB, "the tasks to write")
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
    totals = {child.key: child.finish() for child in children}
    wait_until(lambda: statuses(arbor) == {"completed"}, "the tasks to end")
    for task in tasks(arbor):
        (key,) = (key for key in totals if key in task["args"])
        (gap,) = task["gaps"]
        assert gap["reason"] == "spool_pruned"
        assert task["outputSize"] == totals[key]
        check(arbor, task["id"], key, (gap["from"], gap["to"]), totals[key])


def test_a_task_made_after_the_backup_is_found_and_can_be_ended(arbor: Arbor) -> None:
    """It does not run on unseen: its end is exact, and one that has none can be given one."""
    taken = arbor.run("hub", "backup", str(arbor.home / "copy.tar"))
    assert taken.returncode == 0, taken.stderr
    child = EndlessCells(arbor, "late", 4 * MIB)
    for command in (child.command, ["sleep", "1000"]):
        assert arbor.run("run", "--detach", "--", *command).returncode == 0
    wait_until(lambda: max(sizes(arbor)) > 2 * MIB, "the task to write")
    writing, sleeping = sorted(task["id"] for task in tasks(arbor))
    arbor.kill_hub()
    (arbor.home / "hub").rename(arbor.home / "hub-before")
    assert arbor.run("hub", "restore", str(arbor.home / "copy.tar")).returncode == 0
    arbor.start_hub()
    wait_until(lambda: len(tasks(arbor)) == 2, "the tasks to be found")
    assert arbor.run("cancel", sleeping).returncode == 0
    total = child.finish()
    wait_until(lambda: statuses(arbor) == {"completed", "cancelled"}, "the tasks to end")
    found = {task["id"]: task for task in tasks(arbor)}
    assert found[sleeping]["status"] == "cancelled"
    (gap,) = found[writing]["gaps"]
    assert (gap["from"], gap["reason"]) == (0, "spool_pruned")
    check(arbor, writing, "late", (0, gap["to"]), total)


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


def check(arbor: Arbor, task_id: str, key: str, gap: tuple[int, int], total: int) -> None:
    """Every byte beside the gap is what the child wrote."""
    offset = 0
    with LogReader(arbor.home / "hub" / "output" / task_id[-2:] / task_id) as reader:
        while (found := reader.read(offset, MIB, verify=True)) is not None:
            if isinstance(found, Chunk):
                assert found.data == stream(key, offset, found.end)
            else:
                assert (found.start, found.end) == gap
            offset = found.end
    assert offset == total
