"""`max_running_tasks`: what is one too many waits for its turn, and runs at most once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from arborlink.daemon.waiting import MAX_WAITING_TASKS
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Cancel, Command, Input
from arborlink.protocol.resources import Terminal

from .conftest import Arena, make_arena
from .hub_double import HubTask

READ_A_LINE = "echo READY; read x; echo $x >> order"


@pytest_asyncio.fixture
async def one(tmp_path: Path) -> AsyncIterator[Arena]:
    """A daemon whose policy lets one task run at a time."""
    async with make_arena(tmp_path) as arena:
        (arena.daemon.state / "arbor.toml").write_text("max_running_tasks = 1\n")
        yield arena


async def occupied(arena: Arena, script: str = READ_A_LINE) -> HubTask:
    """A task that runs until it is given a line."""
    task = await arena.start("sh", "-c", script)
    await arena.printed(task, b"READY")
    return task


async def let_go(arena: Arena, task: HubTask, line: bytes = b"first\n") -> None:
    """Give that line, and wait for the end."""
    await arena.hub.feed(task, line)
    assert (await arena.hub.ended(task)).status is TaskStatus.COMPLETED


async def test_tasks_run_in_the_order_in_which_they_came(one: Arena) -> None:
    """One after the other, and none is refused."""
    first = await occupied(one)
    others = [await one.start("sh", "-c", f"echo {n} >> order") for n in range(3)]
    await let_go(one, first)
    for task in others:
        assert (await one.hub.ended(task)).status is TaskStatus.COMPLETED
    assert (one.workspace / "order").read_text() == "first\n0\n1\n2\n"


async def test_input_is_kept_for_a_task_that_waits(one: Arena) -> None:
    """In pieces, repeated, with its end; also for a terminal."""
    first = await occupied(one)
    piped = await one.start("cat")
    typed = await one.start("cat", tty=Terminal(cols=80, rows=24))
    for task in (piped, typed):
        for offset, data, eof in ((0, b"ab", False), (0, b"abc", False), (3, b"d\n", True)):
            message = Input(task_id=task.task_id, offset=offset, input=data, eof=eof)
            await one.hub.send(message)
    await let_go(one, first)
    await one.hub.ended(typed)
    assert (bytes(piped.stdout), piped.input_acked) == (b"abcd\n", 5)
    assert bytes(typed.stdout) == b"abcd\r\nabcd\r\n"


async def test_a_task_that_waits_can_be_cancelled(one: Arena) -> None:
    """It never runs, and those behind it do."""
    first = await occupied(one)
    cancelled = await one.start("touch", "ran")
    last = await one.start("true")
    assert (await one.hub.cancel(cancelled)).status is TaskStatus.CANCELLED
    await let_go(one, first)
    assert (await one.hub.ended(last)).status is TaskStatus.COMPLETED
    assert not (one.workspace / "ran").exists()


async def test_a_policy_that_changes_counts_for_what_waits(one: Arena) -> None:
    """What is forbidden by the time of its turn is refused."""
    first = await occupied(one)
    waiting = await one.start("true")
    (one.daemon.state / "arbor.toml").write_text("read_only = true\n")
    await let_go(one, first)
    assert (await one.hub.ended(waiting)).reason == "policy"


async def test_only_so_many_wait(one: Arena) -> None:
    """A hub that sends more than it may is answered, and memory is bounded."""
    first = await occupied(one)
    tasks = [await one.start("true") for _ in range(MAX_WAITING_TASKS + 1)]
    end = await one.hub.ended(tasks[-1])
    assert end.reason == "policy" and str(MAX_WAITING_TASKS) in (end.error or "")
    assert not any(task.end for task in tasks[:-1])
    await let_go(one, first)
    await one.hub.ended(tasks[-2])


async def test_a_command_that_is_sent_again_waits_once(one: Arena) -> None:
    """As a hub does that does not know whether it arrived."""
    first = await occupied(one)
    script = "echo ran >> count"
    waiting = await one.start("sh", "-c", script)
    await one.hub.send(Command(task_id=waiting.task_id, command="sh", args=["-c", script]))
    await let_go(one, first)
    await one.hub.ended(waiting)
    await one.hub.send(Command(task_id=waiting.task_id, command="sh", args=["-c", script]))
    await one.run("true")
    assert (one.workspace / "count").read_text() == "ran\n"


async def test_the_next_daemon_says_what_never_ran(one: Arena) -> None:
    """And runs it when it is handed over again; what did run is not among it."""
    await occupied(one)
    waiting = await one.start("sh", "-c", "echo ran >> count", env={"A": "1"})
    cancelled = await one.start("true")
    assert (await one.hub.cancel(cancelled)).status is TaskStatus.CANCELLED
    assert await one.daemon.stop() == 0
    await one.daemon.start()
    await one.hub.until(lambda: len(one.hub.auths) == 2)
    assert one.hub.auths[-1].never_started == [waiting.task_id]
    again = Command(task_id=waiting.task_id, command="sh", args=["-c", "echo ran >> count"])
    await one.hub.send(again)
    await one.hub.ended(waiting)
    await one.daemon.stop()
    await one.daemon.start()
    await one.hub.until(lambda: len(one.hub.auths) == 3)
    assert one.hub.auths[-1].never_started == []
    await one.hub.send(again)
    await one.run("true")
    assert (one.workspace / "count").read_text() == "ran\n"


async def test_one_that_never_ran_and_is_cancelled_never_runs(one: Arena) -> None:
    """Also if the hub sends its command afterwards."""
    await occupied(one)
    waiting = await one.start("touch", "ran")
    # Its place in the queue is journalled when this is over.
    assert (await one.hub.cancel(await one.start("true"))).status is TaskStatus.CANCELLED
    await one.daemon.stop()
    await one.daemon.start()
    await one.hub.until(lambda: len(one.hub.auths) == 2)
    await one.hub.send(Cancel(task_id=waiting.task_id))
    await one.hub.send(Command(task_id=waiting.task_id, command="touch", args=["ran"]))
    assert (await one.hub.ended(waiting)).status is TaskStatus.CANCELLED
    assert not (one.workspace / "ran").exists()
