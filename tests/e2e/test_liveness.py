"""Who is dead is found in time, who only stood still is left alone, and copies are told apart."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from arborlink.daemon.stopping import REFUSED_EXIT_CODE
from arborlink.protocol.limits import HEARTBEAT_SECONDS, SILENCE_SECONDS
from arborlink.testing.chaos_proxy import ChaosProxy
from tests.e2e.arbor import STOP_SECONDS, Arbor, cells, command, wait_until
from tests.e2e.test_faults import detached

GIB = 1 << 30
KIB = 1 << 10
# For polls and processes of a busy machine, on top of what the protocol allows.
SLACK_SECONDS = 1.0
STANDSTILL_SECONDS = 8.0


def connection(arbor: Arbor) -> dict[str, object] | None:
    """The daemon's connection as the hub shows it."""
    body = arbor.api("/api/connections")
    assert isinstance(body, dict)
    return next((each for each in body["items"] if each["kind"] == "daemon"), None)


def workspace(arbor: Arbor) -> dict[str, object]:
    """The workspace as the API shows it."""
    body = arbor.api(f"/api/workspaces/{arbor.workspace_id}")
    assert isinstance(body, dict)
    return body


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """SIGSTOP, and SIGCONT at the end."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_a_link_that_swallows_everything_is_found_by_both_sides(tmp_path: Path) -> None:
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    async with ChaosProxy("127.0.0.1", arbor.port, 1) as proxy:
        try:
            await asyncio.to_thread(arbor.start_hub)
            await asyncio.to_thread(arbor.start_daemon, through=proxy.port)
            # Both sides have much to say, and the daemon's sender waits for the socket.
            await asyncio.to_thread(detached, arbor, "--", *cells("hole", GIB))
            proxy.half_open()
            allowed = SILENCE_SECONDS + SLACK_SECONDS

            def both_know() -> None:
                deadline = time.monotonic() + allowed
                wait_until(lambda: "connection lost" in arbor.log("daemon"), "the daemon", allowed)
                left = deadline - time.monotonic()
                wait_until(lambda: arbor.state() == "unreachable", "the hub", max(left, 0.0))
                since = datetime.fromisoformat(str(workspace(arbor)["since"])).timestamp()
                assert abs(time.time() - since) < HEARTBEAT_SECONDS

            await asyncio.to_thread(both_know)
            proxy.heal()
            await asyncio.to_thread(
                wait_until, lambda: arbor.state() == "connected", "the daemon to be back"
            )
        finally:
            await asyncio.to_thread(arbor.stop)


async def test_who_stands_still_for_a_while_keeps_the_connection(tmp_path: Path) -> None:
    """One after the other, with a link that is slower than what there is to send."""
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    async with ChaosProxy("127.0.0.1", arbor.port, 2) as proxy:
        try:
            await asyncio.to_thread(arbor.start_hub)
            await asyncio.to_thread(arbor.start_daemon, through=proxy.port)
            proxy.throttle(512 * KIB)
            await asyncio.to_thread(detached, arbor, "--", *cells("slow", GIB))
            before = await asyncio.to_thread(connection, arbor)
            assert arbor.hub is not None and before is not None
            connector = arbor.connector_pid()
            assert connector is not None
            for pid in (arbor.hub.pid, connector):
                with stopped(pid):
                    await asyncio.sleep(STANDSTILL_SECONDS)
            # Whoever came to a wrong verdict closes within the next second.
            await asyncio.sleep(SLACK_SECONDS)
            after = await asyncio.to_thread(connection, arbor)
            assert after is not None and after["id"] == before["id"]
        finally:
            proxy.throttle(None)
            await asyncio.to_thread(arbor.stop)


def test_a_cloned_machine_is_refused_like_the_one_it_was_cloned_from(
    arbor: Arbor, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(arbor.home / "daemons", clone / "daemons")
    for file in clone.glob("daemons/*/*.pid"):
        file.unlink()
    with (tmp_path / "clone.log").open("wb") as log:
        copy = subprocess.Popen(
            command(["daemon", str(arbor.workspace)]),
            env=arbor.environment({"ARBOR_HOME": str(clone)}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        assert arbor.daemon is not None
        assert arbor.daemon.wait(30) == copy.wait(30) == REFUSED_EXIT_CODE
    finally:
        copy.kill()
        copy.wait(STOP_SECONDS)
    for text in (arbor.log("daemon"), (tmp_path / "clone.log").read_text()):
        assert "4509 copies of this daemon" in text
    assert "quarantined" in arbor.log("hub")
    assert workspace(arbor)["attention"] is not None
    shown = arbor.run("workspaces")
    assert b"quarantined" in shown.stdout and b"arbor release" in shown.stderr

    assert arbor.run("release", arbor.workspace_id).returncode == 0
    assert workspace(arbor)["attention"] is None
    arbor.start_daemon()
