"""SIGTERM: what becomes of the tasks, and of the processes."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from arborlink.protocol.lifecycle import TaskStatus

from .conftest import Arena, make_arena
from .test_survival import gone
from .test_tree import living


async def test_stop_cancels_and_delivers(arena: Arena) -> None:
    """The tasks are cancelled, the hub hears of it, and nothing is left running."""
    marker = f"stop-{os.getpid()}"
    task = await arena.start("sh", "-c", "echo READY; sleep 300", env={"MARKER": marker})
    await arena.printed(task, b"READY")
    assert await arena.daemon.stop() == 0
    assert task.end is not None
    assert task.end.status is TaskStatus.CANCELLED
    assert living(marker) == []
    await arena.hub.until(lambda: 1001 in arena.hub.closes)
    assert not (arena.daemon.state / "supervisor.pid").exists()


async def test_stop_with_wait_lets_tasks_end(tmp_path: Path) -> None:
    """No new ones, and the process ends with the last one."""
    async with make_arena(tmp_path, "--on-stop", "wait") as arena:
        task = await arena.start("sh", "-c", "echo READY; read x; echo over")
        await arena.printed(task, b"READY")
        assert arena.daemon.process is not None
        arena.daemon.process.send_signal(signal.SIGTERM)
        while b"stopping" not in arena.daemon.stderr:
            await asyncio.to_thread(lambda: None)
        refused = await arena.run("true")
        assert refused.end is not None
        assert "stopping" in (refused.end.error or "")
        await arena.hub.feed(task, b"\n")
        assert await arena.daemon.wait() == 0
        assert task.end is not None
        assert task.end.status is TaskStatus.COMPLETED


async def test_a_terminal_that_closes_ends_no_daemon_of_nohup(tmp_path: Path) -> None:
    """`nohup` ignores SIGHUP; what the daemon was started with counts, and its tasks go on."""
    async with make_arena(tmp_path, "--signals-ignored") as arena:
        task = await arena.start("sh", "-c", "echo READY; read x; echo over")
        await arena.printed(task, b"READY")
        assert arena.daemon.process is not None
        arena.daemon.process.send_signal(signal.SIGHUP)
        await arena.hub.feed(task, b"\n")
        assert (await arena.hub.ended(task)).status is TaskStatus.COMPLETED
        assert arena.daemon.process.returncode is None


async def test_a_terminal_that_closes_stops_another_daemon(arena: Arena) -> None:
    """Without `nohup` the daemon belongs to its terminal."""
    assert await arena.daemon.stop(signal.SIGHUP) == 0


async def test_a_connector_that_hangs_is_ended(arena: Arena) -> None:
    """The supervisor does not wait for it for ever, and does not leave it behind."""
    connector = arena.daemon.connector_pid
    os.kill(connector, signal.SIGSTOP)
    assert await arena.daemon.stop() == 0
    await gone(connector)


async def test_a_hanging_connector_does_not_outlive_a_second_signal(arena: Arena) -> None:
    """Stopping at once ends it at once: nothing of the orderly stop, which exits with 0."""
    connector = arena.daemon.connector_pid
    os.kill(connector, signal.SIGSTOP)
    assert arena.daemon.process is not None
    # Both are pending together, however late the supervisor gets to see them.
    arena.daemon.process.send_signal(signal.SIGTERM)
    assert await arena.daemon.stop(signal.SIGINT) == 1
    await gone(connector)


async def test_nothing_is_left_of_a_daemon_whose_processes_hang(tmp_path: Path) -> None:
    """What the other tests rely on when they fail."""
    async with make_arena(tmp_path) as arena:
        connector = arena.daemon.connector_pid
        os.kill(connector, signal.SIGSTOP)
        await arena.daemon.stop(signal.SIGKILL)
    await gone(connector)


async def test_a_second_signal_stops_at_once(arena: Arena) -> None:
    """Whatever ignores SIGTERM does not hold it up; the task is lost, as the next one reports."""
    task = await arena.start("sh", "-c", "trap '' TERM; echo READY; while :; do sleep 300; done")
    await arena.printed(task, b"READY")
    connector = arena.daemon.connector_pid
    assert arena.daemon.process is not None
    arena.daemon.process.send_signal(signal.SIGINT)
    while b"stopping" not in arena.daemon.stderr:
        await asyncio.to_thread(lambda: None)
    assert await arena.daemon.stop(signal.SIGINT) == 1
    await gone(connector)
    await arena.daemon.start()
    end = await arena.hub.ended(task)
    assert end.status is TaskStatus.LOST
