"""Whichever process dies: nothing is lost, nothing runs twice, nothing lives on unwatched."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from arborlink.daemon.stopping import REFUSED_EXIT_CODE
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.testing.cells import stream
from tests.bounds import HANG_SECONDS

from .conftest import Arena, make_arena
from .daemon_process import DaemonProcess
from .hub_double import HubDouble, running_hub
from .test_tree import living

CELLS = [sys.executable, "-m", "arborlink.testing.cells"]


async def test_the_connector_is_killed_in_a_flood(arena: Arena) -> None:
    """Again and again; the command never notices, and every byte arrives once."""
    size = 60_000_000
    task = await arena.start(*CELLS, "--key", "k", "--bytes", str(size))
    for number in range(1, 4):
        await arena.hub.until(lambda n=number: len(task.stdout) > n * size // 5)  # type: ignore[misc]
        before = len(arena.hub.auths)
        os.kill(arena.daemon.connector_pid, signal.SIGKILL)
        await arena.hub.until(lambda n=before: len(arena.hub.auths) > n)  # type: ignore[misc]
    end = await arena.hub.ended(task)
    assert end.status is TaskStatus.COMPLETED
    assert bytes(task.stdout) == stream("k", 0, size)
    assert len({auth.instance_id for auth in arena.hub.auths}) == 1


async def test_what_a_finished_task_left_behind_goes_on(arena: Arena) -> None:
    """Over an orderly end of the daemon, over its death, and over the starts after them."""
    marker = f"left-{os.getpid()}"
    script = "setsid sleep 300 >/dev/null 2>&1 </dev/null &"
    arena.hub.settles = False
    task = await arena.start("sh", "-c", script, env={"MARKER": marker})
    assert (await arena.hub.ended(task)).status is TaskStatus.COMPLETED
    left = living(marker)
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            connector = arena.daemon.connector_pid
            await arena.daemon.stop(number)
            await gone(connector)
            await arena.daemon.start()
            await arena.hub.until(lambda: arena.hub.connection is not None)
            assert len(left) == 1 and living(marker) == left
    finally:
        for pid in left:
            os.kill(pid, signal.SIGKILL)


async def test_the_connection_is_cut_in_a_flood(arena: Arena) -> None:
    """The hub's durable offset says where to go on."""
    size = 40_000_000
    task = await arena.start(*CELLS, "--key", "k", "--bytes", str(size))
    for number in range(1, 4):
        await arena.hub.until(lambda n=number: len(task.stdout) > n * size // 5)  # type: ignore[misc]
        connection = arena.hub.connection
        assert connection is not None
        connection.transport.abort()
        await arena.hub.until(lambda c=connection: arena.hub.connection not in (None, c))  # type: ignore[misc]
    await arena.hub.ended(task)
    assert bytes(task.stdout) == stream("k", 0, size)


async def test_a_task_ends_while_the_hub_is_away(tmp_path: Path) -> None:
    """Its output and its end are delivered when the hub is back."""
    hub = HubDouble()
    async with make_arena(tmp_path, hub=hub) as arena:
        task = await arena.start("sh", "-c", "echo begun; read x; echo over")
        await arena.printed(task, b"begun")
        hub.settles = False
        await hub.feed(task, b"go\n")
        await hub.ended(task)
        hub.settles = True
        assert hub.connection is not None
        hub.connection.transport.abort()
        await hub.until(lambda: len(task.statuses) == 3)
        assert bytes(task.stdout) == b"begun\nover\n"
        assert hub.auths[-1].tasks[0].status is TaskStatus.COMPLETED


async def test_the_supervisor_is_killed(tmp_path: Path) -> None:
    """Its tasks are lost with the exact final offset; their processes are gone at once."""
    marker = f"supervisor-{os.getpid()}"
    async with make_arena(tmp_path) as arena:
        task = await arena.start(
            "sh", "-c", "setsid sleep 300 & echo READY; sleep 300", env={"MARKER": marker}
        )
        await arena.printed(task, b"READY")
        connector = arena.daemon.connector_pid
        await arena.daemon.stop(signal.SIGKILL)
        await gone(connector)
        assert living(marker) == []
        await arena.daemon.start()
        end = await arena.hub.ended(task)
        assert (end.status, end.reason) == (TaskStatus.LOST, "daemon_restarted")
        assert end.final_offset == len(b"READY\n")
        assert arena.hub.auths[0].instance_id != arena.hub.auths[-1].instance_id


async def test_both_processes_are_killed(tmp_path: Path) -> None:
    """The next supervisor ends what is left, and sends what was not sent."""
    marker = f"both-{os.getpid()}"
    hub = HubDouble()
    async with make_arena(tmp_path, hub=hub) as arena:
        hub.acknowledges = False
        task = await arena.start(
            "sh", "-c", "setsid sleep 300 & echo READY; sleep 300", env={"MARKER": marker}
        )
        await arena.printed(task, b"READY")
        connector = arena.daemon.connector_pid
        os.kill(connector, signal.SIGSTOP)  # it must not get to end them itself
        assert arena.daemon.process is not None
        arena.daemon.process.send_signal(signal.SIGKILL)
        await arena.daemon.wait()
        os.kill(connector, signal.SIGKILL)
        assert living(marker)
        hub.acknowledges = True
        await arena.daemon.start()
        await hub.ended(task)
        assert living(marker) == []


async def test_a_repeated_command_runs_once(arena: Arena) -> None:
    """While it runs, after its end, after a restart: the answer is its status."""
    script = "echo x >> witness; echo READY; read x"
    task = await arena.hub.start("sh", "-c", script, task_id="once")
    await arena.printed(task, b"READY")
    await arena.hub.start("sh", "-c", script, task_id="once")
    await arena.hub.until(lambda: len(task.statuses) == 2)
    await arena.hub.feed(task, b"\n")
    await arena.hub.ended(task)
    count = len(task.statuses)
    await arena.hub.start("sh", "-c", script, task_id="once")
    await arena.hub.until(lambda: len(task.statuses) > count)
    await arena.daemon.stop()
    await arena.daemon.start()
    await arena.hub.until(lambda: arena.hub.connection is not None)
    count = len(task.statuses)
    await arena.hub.start("sh", "-c", script, task_id="once")
    await arena.hub.until(lambda: len(task.statuses) > count)
    assert task.end is not None
    assert (arena.workspace / "witness").read_text() == "x\n"


async def test_a_refused_daemon_stops_and_says_what_to_do(tmp_path: Path) -> None:
    """No retry storm: one attempt, a clear text, an exit code."""
    hub = HubDouble()
    async with make_arena(tmp_path, hub=hub) as arena:
        hub.refuse_with = 4501
        assert hub.connection is not None
        hub.connection.transport.abort()
        assert await asyncio.wait_for(arena.daemon.wait(), HANG_SECONDS) == REFUSED_EXIT_CODE
        assert b"enrol it again" in arena.daemon.stderr
        assert b"secret-of-the-daemon" not in arena.daemon.stderr


async def test_a_second_daemon_is_refused(arena: Arena) -> None:
    """One state folder, one process; the text names it."""
    second = DaemonProcess(arena.daemon.home, arena.workspace)
    await second.start()
    assert await second.wait() == 1
    assert arena.daemon.process is not None
    assert str(arena.daemon.process.pid).encode() in second.stderr


async def test_the_hub_starts_after_the_daemon(tmp_path: Path) -> None:
    """Reconnecting goes on for ever."""
    hub = HubDouble()
    async with make_arena(tmp_path, hub=hub) as arena:
        async with running_hub(HubDouble()):
            pass
        assert hub.connection is not None
        hub.connection.transport.abort()
        await hub.until(lambda: len(hub.auths) == 2)
        await arena.run("true")


async def gone(pid: int) -> None:
    """Wait for a process that is not our child."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        loop.add_reader(fd, over.set)
        await asyncio.wait_for(over.wait(), HANG_SECONDS)
        loop.remove_reader(fd)
    finally:
        os.close(fd)
