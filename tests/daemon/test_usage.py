"""What running tasks use is theirs, all of theirs, and never goes down."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborlink.daemon.processes import Process, Tree, start_ticks
from arborlink.daemon.usage import UsageMeter, assign

from .conftest import Arena

SUPERVISOR = 10
FIRST = Tree(pid=100, start_ticks=7, mark=1 << 60)
SECOND = Tree(pid=200, start_ticks=8, mark=(1 << 60) + 1)
TREES = {"first": FIRST, "second": SECOND}


def process(pid: int, parent: int, *, session: int | None = None, start_ticks: int = 9) -> Process:
    own = pid if session is None else session
    return Process(pid, parent, own, start_ticks, cpu_ticks=3, resident_pages=2)


def table(*processes: Process) -> dict[int, Process]:
    return {each.pid: each for each in processes}


def no_mark(_: int) -> int | None:
    return None


def test_a_session_and_what_it_started_belong_to_the_task() -> None:
    """Its first process, one in its session, and a child with a session of its own."""
    found = assign(
        table(
            process(100, SUPERVISOR, start_ticks=7),
            process(101, 100, session=100),
            process(102, 101),
            process(200, SUPERVISOR, start_ticks=8),
        ),
        TREES,
        SUPERVISOR,
        no_mark,
    )
    assert found == {100: "first", 101: "first", 102: "first", 200: "second"}


def test_an_orphan_belongs_to_the_task_whose_mark_it_was_born_with() -> None:
    """A double fork with `setsid` is a child of the supervisor, and so are that one's children."""
    marks = {300: SECOND.mark, 400: 12}
    found = assign(
        table(process(300, SUPERVISOR), process(301, 300), process(400, SUPERVISOR)),
        TREES,
        SUPERVISOR,
        marks.get,
    )
    assert found == {300: "second", 301: "second"}


def test_a_later_process_with_the_same_id_is_not_the_task() -> None:
    """The first process is known by its start."""
    later = table(process(100, SUPERVISOR, start_ticks=99), process(101, 100, session=100))
    assert assign(later, TREES, SUPERVISOR, no_mark) == {}


def test_no_mark_is_read_of_processes_that_are_not_below_the_supervisor() -> None:
    """A machine has thousands of processes, and reading a mark costs more than all else."""
    asked: list[int] = []

    def mark_of(pid: int) -> int | None:
        asked.append(pid)
        return FIRST.mark

    strangers = [process(pid, 1) for pid in range(1_000, 1_050)]
    found = assign(table(*strangers, process(300, SUPERVISOR)), TREES, SUPERVISOR, mark_of)
    assert found == {300: "first"}
    assert asked == [300]


@given(
    st.dictionaries(
        st.integers(1, 30), st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=30
    )
)
def test_any_table_is_assigned(parents: dict[int, tuple[int, int]]) -> None:
    """Also one with rings, which comes of reading it while it changes."""
    trees = {"task": Tree(pid=5, start_ticks=9, mark=None)}
    whole = {pid: process(pid, parent, session=s) for pid, (parent, s) in parents.items()}
    found = assign(whole, trees, SUPERVISOR, no_mark)
    for pid in found:
        # Up the parents it comes to the supervisor, or it is a stranger's.
        above: list[int] = []
        while pid != SUPERVISOR:
            assert pid not in above
            above.append(pid)
            pid = whole[pid].parent


# Burns a fifth of a second of processor time for each line that it is given.
BURNER = """
import sys, time
print("ready", flush=True)
for line in sys.stdin:
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    print("burned", flush=True)
"""


def test_processor_time_memory_and_processes_are_measured() -> None:
    """Of a real child, at times that the test chooses."""
    with subprocess.Popen(
        [sys.executable, "-c", BURNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        tree = Tree(pid=child.pid, start_ticks=start_ticks(child.pid), mark=None)
        meter = UsageMeter[str](os.getpid())
        first = meter.measure({"task": tree}, now=1.0)["task"]
        child.stdin.write(b"go\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"burned\n"
        second = meter.measure({"task": tree}, now=2.0)["task"]
        child.stdin.close()
    assert (first.cpu_share, first.processes, second.processes) == (0.0, 1, 1)
    # Ticks are hundredths of a second.
    assert second.cpu_seconds - first.cpu_seconds >= 0.15
    assert second.cpu_share == pytest.approx(second.cpu_seconds - first.cpu_seconds)
    assert first.memory_bytes > 1024 * 1024
    assert meter.measure({"task": tree}, now=3.0) == {}


@pytest.mark.asyncio(loop_scope="module")
async def test_the_hub_hears_of_it(shared: Arena) -> None:
    """As long as the task runs, in one message for all tasks of the workspace."""
    tasks = [await shared.start("sh", "-c", "echo READY; sleep 3600 & wait") for _ in range(2)]
    for task in tasks:
        await shared.printed(task, b"READY")
    running = {task.task_id for task in tasks}
    await shared.hub.until(lambda: running <= set(shared.hub.usage))
    assert {shared.hub.usage[task_id].processes for task_id in running} == {2}
    for task in tasks:
        await shared.hub.cancel(task)


@pytest.mark.asyncio
async def test_a_hub_that_does_not_know_the_message_is_not_sent_it(arena: Arena) -> None:
    """It would answer each with an error. What it understands is in its `welcome`."""
    task = await arena.start("sleep", "3600")
    await arena.hub.until(lambda: task.statuses != [])
    await arena.hub.until(lambda: task.task_id in arena.hub.usage)
    arena.hub.capabilities, arena.hub.usage = [], {}
    first = arena.hub.connection
    assert first is not None
    await first.close(4000)
    await arena.hub.until(lambda: arena.hub.connection not in (None, first))
    # Long enough for two measurements, by the heartbeats that come as often.
    beats = arena.hub.heartbeats
    await arena.hub.until(lambda: arena.hub.heartbeats >= beats + 3)
    assert arena.hub.usage == {}
    await arena.hub.cancel(task)
