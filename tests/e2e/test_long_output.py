"""An output that outgrows its limit while its hub is killed: exact, but for one declared gap."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from arborlink.outputlog import Chunk, LogReader
from arborlink.protocol import limits
from arborlink.testing.cells import stream
from tests.e2e.arbor import Arbor, cells, wait_until

MIB = 1 << 20
LIMIT = 4 * MIB
TOTAL = 64 * MIB
KILLS = 4


def test_a_hub_that_is_killed_while_it_forgets(tmp_path: Path) -> None:
    """The task ends verified; its beginning and its end are there to the byte."""
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    arbor.configure(stored_output_bytes_per_task=LIMIT)
    try:
        arbor.start_hub()
        arbor.start_daemon()
        started = arbor.run("run", "--detach", "--", *cells("long", TOTAL, "--rate", str(8 * MIB)))
        assert started.returncode == 0, started.stderr
        for number in range(1, KILLS + 1):
            wait_until(partial(beyond, arbor, number * TOTAL // 6), "more output")
            arbor.kill_hub()
            arbor.start_hub()
        wait_until(lambda: task(arbor)["status"] == "completed", "the task to end")
        found = task(arbor)
        assert found["outputSize"] == TOTAL
        (gap,) = found["gaps"]
        assert gap["reason"] == "size_limit"
        check(arbor, str(found["id"]), gap["from"], gap["to"])
    finally:
        arbor.stop()


def task(arbor: Arbor) -> dict[str, Any]:
    """The one there is."""
    body = arbor.api("/api/tasks")
    assert isinstance(body, dict)
    (found,) = body["items"]
    return dict(found)


def beyond(arbor: Arbor, offset: int) -> bool:
    """Whether it has written so much."""
    return int(task(arbor)["outputSize"]) > offset


def check(arbor: Arbor, task_id: str, start: int, end: int) -> None:
    """Everything but the gap is there, and takes no more than it may."""
    stem = arbor.home / "hub" / "output" / task_id[-2:] / task_id
    assert start >= LIMIT // 16
    assert TOTAL - end >= LIMIT // 2
    on_its_way = limits.TASK_UNACKNOWLEDGED_BYTES  # when the end was reported
    assert stem.with_suffix(".log").stat().st_blocks * 512 <= LIMIT + on_its_way + MIB
    offset = 0
    with LogReader(stem) as reader:
        while (found := reader.read(offset, MIB, verify=True)) is not None:
            if isinstance(found, Chunk):
                assert found.data == stream("long", offset, found.end)
            else:
                assert (found.start, found.end) == (start, end)
            offset = found.end
    assert offset == TOTAL
