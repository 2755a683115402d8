"""A machine that goes away while its task is followed is mentioned, and so is its return."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import IO

import pytest

from arborlink.testing.chaos_proxy import ChaosProxy
from tests.e2e.arbor import Arbor

SCRIPT = "echo ready; while [ ! -e enough ]; do sleep 0.05; done; exit 3"


async def line_of(stream: IO[bytes] | None) -> bytes:
    """The next line of a pipe."""
    assert stream is not None
    return await asyncio.to_thread(stream.readline)


@pytest.mark.parametrize("words", [["run"], ["logs", "-f"], ["wait"]], ids=" ".join)
async def test_it_is_said_on_stderr(tmp_path: Path, words: list[str]) -> None:
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    async with ChaosProxy("127.0.0.1", arbor.port, 1) as proxy:
        try:
            await asyncio.to_thread(arbor.start_hub)
            await asyncio.to_thread(arbor.start_daemon, through=proxy.port)
            follower = await asyncio.to_thread(followed, arbor, words)
            proxy.refuse()
            proxy.cut()
            said = await line_of(follower.stderr)
            assert b"test on" in said and b"is not connected since" in said
            assert b"the task goes on there" in said
            proxy.heal()
            assert b"is connected again" in await line_of(follower.stderr)
            (arbor.workspace / "enough").touch()
            _, rest = await asyncio.to_thread(follower.communicate)
            assert b"connected" not in rest
            assert follower.returncode == (0 if words[0] == "logs" else 3)
        finally:
            await asyncio.to_thread(arbor.stop)


def followed(arbor: Arbor, words: list[str]) -> subprocess.Popen[bytes]:
    """`arbor WORDS` with a task that runs."""
    if words == ["run"]:
        follower = arbor.popen("run", "--", "sh", "-c", SCRIPT)
    else:
        started = arbor.run("run", "-d", "-n", "--", "sh", "-c", SCRIPT)
        follower = arbor.popen(*words, started.stdout.decode().strip())
    if words != ["wait"]:
        assert follower.stdout is not None
        assert follower.stdout.readline() == b"ready\n"
    return follower
