"""One daemon a workspace, whatever somebody on the way does with what it said (G8)."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from arborlink.testing.cell_reader import CellReader
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import Arbor, EndlessCells, command, wait_until
from tests.e2e.late_proxy import Held, LateProxy
from tests.e2e.test_faults import detached, task

KIB, MIB = 1 << 10, 1 << 20
# As much as a task may have on its way is more than enough to be wrong with.
LATE_BYTES = 512 * KIB
REPLAYS = 2


@asynccontextmanager
async def through_a_late_proxy(folder: Path) -> AsyncIterator[tuple[Arbor, LateProxy]]:
    """A hub, and a daemon that reaches it through somebody who listens."""
    arbor = Arbor(folder / "home", folder / "workspace")
    async with LateProxy(arbor.port) as proxy:
        try:
            await asyncio.to_thread(arbor.start_hub)
            await asyncio.to_thread(arbor.start_daemon, through=proxy.port)
            yield arbor, proxy
        finally:
            await asyncio.to_thread(arbor.stop)


async def until(condition: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(wait_until, condition, what)


def connection(arbor: Arbor) -> dict[str, object] | None:
    """The daemon's connection as the hub shows it."""
    body = arbor.api("/api/connections")
    assert isinstance(body, dict)
    return next((each for each in body["items"] if each["kind"] == "daemon"), None)


def epoch(arbor: Arbor) -> int:
    """Of the daemon's connection; 0 without one."""
    found = connection(arbor)
    return 0 if found is None else int(str(found["epoch"]))


def came_back(arbor: Arbor, before: int) -> bool:
    """Whether the daemon has replaced whoever replaced it."""
    return epoch(arbor) >= before + 2


async def exactly(arbor: Arbor, task_id: str, child: EndlessCells) -> None:
    """The task comes to its end, and each byte of its output is there once."""
    size = await asyncio.to_thread(child.finish)
    await until(lambda: task(arbor, task_id)["status"] == "completed", "the task's end")
    assert task(arbor, task_id)["gaps"] == []
    logs = await asyncio.to_thread(arbor.run, "logs", task_id)
    reader = CellReader(child.key)
    reader.feed(logs.stdout)
    assert reader.finish(size) == []
    ran = arbor.workspace / "ran"
    assert ran.read_text() == "once\n"
    assert "Traceback" not in arbor.log("hub")


def once(*line: str) -> list[str]:
    """A command that leaves a trace of every time it was run."""
    return ["sh", "-c", 'echo once >> ran; exec "$@"', "sh", *line]


async def test_what_a_replaced_connection_says_late_changes_nothing(tmp_path: Path) -> None:
    async with through_a_late_proxy(tmp_path) as (arbor, proxy):
        (older,) = proxy.connections
        first = await asyncio.to_thread(epoch, arbor)
        older.hold()
        child = EndlessCells(arbor, "late", 8 * MIB)
        # The hub hears nothing of it on this connection but what comes late.
        task_id = await asyncio.to_thread(detached, arbor, "--", *once(*child.command))
        await until(lambda: len(older.kept) > LATE_BYTES, "something to deliver late")
        older.leave_the_hub_alone()
        await until(lambda: epoch(arbor) > first, "the successor to be welcomed")
        second = await asyncio.to_thread(connection, arbor)
        await until(lambda: int(str(task(arbor, task_id)["outputSize"])) > 0, "its output")

        # Output, a status and beats of the old epoch, then the close of its socket.
        await older.release()
        await exactly(arbor, task_id, child)
        after = await asyncio.to_thread(connection, arbor)
        assert second is not None and after is not None
        assert (after["id"], after["epoch"]) == (second["id"], second["epoch"])


async def test_a_recording_that_is_played_back_adds_nothing_and_takes_nothing(
    tmp_path: Path,
) -> None:
    """With the credentials that are in it, it is let in for a moment, again and again."""
    async with through_a_late_proxy(tmp_path) as (arbor, proxy):
        child = EndlessCells(arbor, "played", 3 * MIB // 2)
        task_id = await asyncio.to_thread(detached, arbor, "--", *once(*child.command))
        recorded = proxy.connections[0]
        await until(lambda: len(recorded.said) > LATE_BYTES, "something to play back")
        for _ in range(REPLAYS):
            before = await asyncio.to_thread(epoch, arbor)
            async with played(arbor, recorded):
                # The daemon itself comes back, and its epoch is higher than that of the recording.
                await until(partial(came_back, arbor, before), "the daemon to be back")
        await exactly(arbor, task_id, child)
        shown = await asyncio.to_thread(arbor.api, f"/api/workspaces/{arbor.workspace_id}")
        assert isinstance(shown, dict) and shown["attention"] is None


@asynccontextmanager
async def played(arbor: Arbor, recorded: Held) -> AsyncIterator[None]:
    """Somebody says to the hub what was said before, and stays."""
    reader, writer = await asyncio.open_connection("127.0.0.1", arbor.port)
    handshake, end, frames = bytes(recorded.said).partition(b"\r\n\r\n")
    writer.write(handshake + end)
    assert b" 101 " in await reader.readuntil(end)
    with suppress(ConnectionError):
        writer.write(frames)
        await writer.drain()
    try:
        yield
    finally:
        writer.close()


def test_a_second_daemon_of_the_same_folder_is_told_who_the_first_is(arbor: Arbor) -> None:
    assert arbor.daemon is not None
    before = connection(arbor)
    second = subprocess.run(
        command(["daemon", str(arbor.workspace)]),
        env=arbor.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert second.returncode != 0
    assert f"already has a daemon here: process {arbor.daemon.pid}" in second.stderr.decode()
    after = connection(arbor)
    assert before is not None and after is not None and after["id"] == before["id"]
    assert arbor.run("run", "--", "echo", "undisturbed").stdout == b"undisturbed\n"
