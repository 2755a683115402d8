"""Who is dead is found in time, who only stood still is left alone, and copies are told apart."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from arborlink.daemon.stopping import REFUSED_EXIT_CODE
from arborlink.protocol.limits import HEARTBEAT_SECONDS
from arborlink.testing.chaos_proxy import ChaosProxy
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import Arbor, cells, command, wait_until
from tests.e2e.test_faults import detached

GIB = 1 << 30
MIB = 1 << 20
KIB = 1 << 10
# Twice in turn is more than the silence that ends a connection. What is said meanwhile shortens
# that silence to little more than this, so that a busy machine has as much again for itself.
STANDSTILL_SECONDS = 8.0
STALL_SECONDS = 5.0
# What every interpreter runs first.
STALLING = f"""\
import os, signal, time

def stall(*_):
    time.sleep({STALL_SECONDS})
    with open(os.path.join(os.environ["ARBOR_HOME"], "stalled.log"), "a") as log:
        print(os.getpid(), file=log)

signal.signal(signal.SIGUSR1, stall)
"""


def workspace(arbor: Arbor) -> dict[str, object]:
    """The workspace as the API shows it."""
    body = arbor.api(f"/api/workspaces/{arbor.workspace_id}")
    assert isinstance(body, dict)
    return body


def is_unreachable(arbor: Arbor) -> bool:
    """Whether the hub has given the daemon up."""
    return arbor.state() == "unreachable"


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
            cut_at = time.time()

            def both_know() -> None:
                def daemon_knows() -> bool:
                    return "connection lost" in arbor.log("daemon")

                wait_until(lambda: daemon_knows() or is_unreachable(arbor), "the first of them")
                first = time.time() - cut_at
                wait_until(lambda: daemon_knows() and is_unreachable(arbor), "the other")
                both = time.time() - cut_at
                print(f"the first knew after {first:.1f} s, both after {both:.1f} s")
                # Not because anything was said: only silence tells.
                assert first > HEARTBEAT_SECONDS
                # What is shown is the last sign of life, not when it was missed.
                since = datetime.fromisoformat(str(workspace(arbor)["since"])).timestamp()
                assert -2 * HEARTBEAT_SECONDS < since - cut_at < both - 2 * HEARTBEAT_SECONDS

            await asyncio.to_thread(both_know)
            proxy.heal()
            await asyncio.to_thread(
                wait_until, lambda: arbor.state() == "connected", "the daemon to be back"
            )
        finally:
            await asyncio.to_thread(arbor.stop)


class Standing:
    """Hub, daemon and viewer whose links are slower than what there is to send.

    A process that gets SIGUSR1 does nothing for `STALL_SECONDS`, as if its event loop were blocked;
    its other threads go on.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(STALLING)
        self.arbor = StallingArbor(folder / "home", folder / "workspace")
        self.arbor.startup = folder
        self.proxy = ChaosProxy("127.0.0.1", self.arbor.port, 2)
        self._viewer: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Standing:
        await self.proxy.__aenter__()
        self.proxy.throttle(512 * KIB)
        await asyncio.to_thread(self._start)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.proxy.throttle(None)
        await asyncio.to_thread(self._stop)
        await self.proxy.__aexit__(None, None, None)

    def _start(self) -> None:
        self.arbor.start_hub()
        self.arbor.start_daemon(through=self.proxy.port)
        task_id = detached(self.arbor, "--", *cells("slow", GIB))
        url = f"http://127.0.0.1:{self.proxy.port}"
        self._viewer = subprocess.Popen(
            command(["logs", "-f", task_id]),
            env=self.arbor.environment({"ARBOR_URL": url}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: len(self.links()) == 2, "daemon and viewer")

    def _stop(self) -> None:
        if self._viewer is not None:
            self._viewer.kill()
            self._viewer.wait()
        self.arbor.stop()

    def links(self) -> set[str]:
        """The ids of the hub's connections."""
        body = self.arbor.api("/api/connections")
        assert isinstance(body, dict)
        return {each["id"] for each in body["items"]}

    def pids(self) -> dict[str, int]:
        """Of everybody who may stand still."""
        hub, supervisor, connector = self.arbor.hub, self.arbor.daemon, self.arbor.connector_pid()
        assert hub is not None and supervisor is not None and connector is not None
        return {"hub": hub.pid, "supervisor": supervisor.pid, "connector": connector}

    async def stop(self, *names: str) -> None:
        """SIGSTOP for a while, all at the same time."""
        with ExitStack() as all_of_them:
            for name in names:
                all_of_them.enter_context(stopped(self.pids()[name]))
            await asyncio.sleep(STANDSTILL_SECONDS)

    async def stall(self, *names: str) -> None:
        """Until their event loops have been blocked for a while, at the same time."""
        pids = [self.pids()[name] for name in names]
        before = len(self.arbor.stalled())
        for pid in pids:
            os.kill(pid, signal.SIGUSR1)
        await asyncio.to_thread(
            wait_until,
            lambda: sorted(self.arbor.stalled()[before:]) == sorted(pids),
            "the end of it",
        )

    async def more_output(self) -> None:
        """Wait until so much has come to hub and viewer that each has looked at its peers again."""
        goal = self.proxy.bytes_down + MIB, self.proxy.bytes_up + MIB
        await asyncio.to_thread(
            wait_until,
            lambda: self.proxy.bytes_down > goal[0] and self.proxy.bytes_up > goal[1],
            "more output",
        )


class StallingArbor(Arbor):
    """Its processes can be made to stall; `startup` has what Python runs first."""

    startup: Path

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """With that."""
        return super().environment({"PYTHONPATH": str(self.startup), **(extra or {})})

    def stalled(self) -> list[int]:
        """The process ids of those who did, each time."""
        return [int(line) for line in self.log("stalled").splitlines()]


async def stall(standing: Standing) -> None:
    """The silence of one is followed at once by that of the next."""
    for names in (("hub",), ("connector",), ("hub", "connector")):
        await standing.stall(*names)


async def stop_in_turn(standing: Standing) -> None:
    """The same with processes that do not run at all."""
    for name in ("hub", "connector"):
        await standing.stop(name)


async def stop_together(standing: Standing) -> None:
    """Who reads the pipes, then both ends of the link."""
    await standing.stop("supervisor")
    await standing.stop("hub", "connector")


async def test_who_stands_still_for_a_while_keeps_the_connection(tmp_path: Path) -> None:
    async def prove(how: Callable[[Standing], Awaitable[None]]) -> None:
        async with Standing(tmp_path / how.__name__) as standing:
            before = await asyncio.to_thread(standing.links)
            await how(standing)
            # A wrong verdict is a quarter of a second away at most; this takes two.
            await standing.more_output()
            assert await asyncio.to_thread(standing.links) == before
            assert "connection lost" not in standing.arbor.log("daemon")

    async with asyncio.TaskGroup() as group:
        for how in (stall, stop_in_turn, stop_together):
            group.create_task(prove(how))


def test_a_cloned_machine_is_refused_like_the_one_it_was_cloned_from(
    arbor: Arbor, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    # A socket cannot be copied as a file.
    ignored = shutil.ignore_patterns("*.pid", "*.sock")
    shutil.copytree(arbor.home / "daemons", clone / "daemons", ignore=ignored)
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
        assert arbor.daemon.wait(HANG_SECONDS) == copy.wait(HANG_SECONDS) == REFUSED_EXIT_CODE
    finally:
        copy.kill()
        copy.wait(HANG_SECONDS)
    for text in (arbor.log("daemon"), (tmp_path / "clone.log").read_text()):
        assert "4509 copies of this daemon" in text
    assert "quarantined" in arbor.log("hub")
    assert workspace(arbor)["attention"] is not None
    shown = arbor.run("workspaces")
    assert b"quarantined" in shown.stdout and b"arbor release" in shown.stderr

    assert arbor.run("release", arbor.workspace_id).returncode == 0
    assert workspace(arbor)["attention"] is None
    arbor.start_daemon()
