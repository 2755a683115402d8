"""What happens when output comes faster than it goes: back-pressure, exact gaps, or the end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.messages import Cancel
from arborlink.testing.cells import stream
from tests.bounds import HANG_SECONDS

from .conftest import Arena, make_arena
from .hub_double import HubDouble, HubTask

MIB = 1024 * 1024
CAP = 8 * MIB
SIZE = 40 * MIB
CELLS = [sys.executable, "-m", "arborlink.testing.cells", "--key", "k", "--bytes", str(SIZE)]


async def stalled(arena: Arena, policy: str, *, command: list[str] | None = None) -> HubTask:
    """Start a flood with a hub that acknowledges nothing."""
    arena.hub.acknowledges = False
    return await arena.start(*(command or CELLS), on_spool_full=policy)


def covered(task: HubTask) -> bytes:
    """The stream's bytes that are not in gaps."""
    data, at = b"", 0
    for gap in task.gaps:
        data += stream("k", at, gap.start)
        at = gap.end
    return data + stream("k", at, SIZE)


async def test_block_waits_and_loses_nothing(tmp_path: Path) -> None:
    """The command stands still in its write until there is room again."""
    hub = HubDouble(window=2 * MIB)
    async with make_arena(tmp_path, "--spool", str(CAP), hub=hub) as arena:
        task = await stalled(arena, "block")
        spool = arena.daemon.state / "spool" / f"{task.task_id}.log"
        await until_still(spool, CAP)
        hub.acknowledges = True
        await hub.acknowledge(task)
        await hub.ended(task)
        assert bytes(task.stdout) == stream("k", 0, SIZE)


async def test_all_spools_together_keep_to_the_budget(tmp_path: Path) -> None:
    """Two floods with a hub that takes nothing: both wait, and nothing is lost."""
    hub = HubDouble(window=2 * MIB)
    async with make_arena(tmp_path, "--spools", str(CAP), hub=hub) as arena:
        tasks = [await stalled(arena, "block") for _ in range(2)]
        folder = arena.daemon.state / "spool"

        def taken() -> int:
            return sum(path.stat().st_size for path in folder.glob("*.log"))

        await until(lambda: taken() >= CAP)
        for _ in range(20):
            assert await asyncio.to_thread(taken) <= CAP + 2 * MIB
        hub.acknowledges = True
        for task in tasks:
            await hub.acknowledge(task)
        for task in tasks:
            await hub.ended(task)
            assert bytes(task.stdout) == stream("k", 0, SIZE)


async def test_drop_middle_leaves_an_exact_gap(tmp_path: Path) -> None:
    """The command goes on; beginning and end arrive, and the gap between is exact."""
    hub = HubDouble(window=2 * MIB)
    async with make_arena(tmp_path, "--spool", str(CAP), hub=hub) as arena:
        task = await stalled(arena, "drop_middle")
        journal = arena.daemon.state / "journal"
        await until_in(journal, b'"ended"')
        hub.acknowledges = True
        await hub.acknowledge(task)
        end = await hub.ended(task)
        assert (end.status, end.final_offset) == (TaskStatus.COMPLETED, SIZE)
        assert {gap.reason for gap in task.gaps} == {"spool_full"}
        assert end.checksum is not None
        assert bytes(task.stdout) == covered(task)
        assert task.stdout.startswith(stream("k", 0, MIB))
        assert task.stdout.endswith(stream("k", SIZE - CAP // 2, SIZE))


async def test_kill_ends_the_task(tmp_path: Path) -> None:
    """And says why; what was written before still arrives."""
    hub = HubDouble(window=2 * MIB)
    async with make_arena(tmp_path, "--spool", str(CAP), hub=hub) as arena:
        task = await stalled(arena, "kill")
        await until_in(arena.daemon.state / "journal", b'"ended"')
        hub.acknowledges = True
        await hub.acknowledge(task)
        end = await hub.ended(task)
        assert (end.status, end.reason) == (TaskStatus.FAILED, "spool_full")
        assert bytes(task.stdout) == stream("k", 0, len(task.stdout))


async def test_a_blocked_task_can_be_cancelled(tmp_path: Path) -> None:
    """A full spool holds up the output, not the end."""
    hub = HubDouble(window=2 * MIB)
    async with make_arena(tmp_path, "--spool", str(CAP), hub=hub) as arena:
        task = await stalled(arena, "block")
        spool = arena.daemon.state / "spool" / f"{task.task_id}.log"
        await until_still(spool, CAP)
        hub.acknowledges = True
        await hub.send(Cancel(task_id=task.task_id))
        await hub.acknowledge(task)
        end = await hub.ended(task)
        assert end.status is TaskStatus.CANCELLED
        assert bytes(task.stdout) == stream("k", 0, len(task.stdout))


async def test_nothing_is_left_of_a_settled_task(arena: Arena) -> None:
    """Spool files go; the journal remembers."""
    task = await arena.run("echo", "hello")
    folder = arena.daemon.state / "spool"
    await until(lambda: not list(folder.iterdir()))
    assert task.task_id.encode() in (arena.daemon.state / "journal").read_bytes()


async def test_a_hub_from_a_backup_is_told_what_is_gone(arena: Arena) -> None:
    """It wants bytes that were pruned: a gap, no splice, and no checksum that cannot hold."""
    script = "head -c 3000000 /dev/zero; read x; echo over"
    task = await arena.start("sh", "-c", script)
    await arena.hub.until(lambda: len(task.stdout) == 3_000_000)
    del arena.hub.tasks[task.task_id]
    assert arena.hub.connection is not None
    arena.hub.connection.transport.abort()
    await arena.hub.until(lambda: arena.hub.task(task.task_id).stream.end == 3_000_000)
    restored = arena.hub.task(task.task_id)
    await arena.hub.feed(restored, b"\n")
    end = await arena.hub.ended(restored)
    assert [gap.reason for gap in restored.gaps] == ["spool_pruned"]
    assert end.checksum is None
    assert restored.stdout.endswith(b"over\n")


async def until_in(file: Path, text: bytes) -> None:
    """Wait until a file contains `text`."""
    await until(lambda: text in file.read_bytes())


async def until_still(file: Path, size: int) -> None:
    """Wait until a file has exactly this size, and stays so."""
    await until(lambda: file.exists() and file.stat().st_size >= size)
    for _ in range(20):
        assert await asyncio.to_thread(lambda: file.stat().st_size) == size


async def until(condition: Callable[[], bool]) -> None:
    """Look at the disk until a condition holds; files do not tell."""
    async with asyncio.timeout(HANG_SECONDS):
        while not condition():
            await asyncio.to_thread(lambda: None)
