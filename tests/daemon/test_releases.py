"""Two processes of one daemon, of two releases: they say so, or refuse each other by name."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys

import arborlink
from arborlink.daemon import ipc, processes_file
from arborlink.daemon.connector import MISMATCH_EXIT_CODE

from .conftest import Arena


async def told_after(arena: Arena, earlier: int | None) -> processes_file.DaemonProcesses:
    """What the state folder says once another connector has said which release it is."""
    while True:
        found = processes_file.read(arena.daemon.state)
        if found is not None and found.connector is not None and found.connector.version:
            if found.connector.pid != earlier:
                return found
        await asyncio.to_thread(lambda: None)


async def test_the_state_folder_names_both_releases(arena: Arena) -> None:
    """Of each connector anew; nothing is left when the daemon has ended."""
    assert arena.daemon.process is not None
    first = arena.daemon.connector_pid
    found = await told_after(arena, None)
    assert found.connector is not None and found.connector.pid == first
    supervisor = (arena.daemon.process.pid, arborlink.__version__, ipc.CHANNEL_VERSION)
    assert (found.supervisor.pid, found.supervisor.version, found.supervisor.channel) == supervisor
    os.kill(first, signal.SIGKILL)
    again = await told_after(arena, first)
    assert again.supervisor == found.supervisor
    assert (await arena.run("true")).end is not None
    assert await arena.daemon.stop() == 0
    assert processes_file.read(arena.daemon.state) is None


def test_a_connector_leaves_a_supervisor_that_it_does_not_understand() -> None:
    """It says what to do, and ends: the supervisor's tasks are not touched."""
    ours, its = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "arborlink.daemon.connector", "--fd", str(its.fileno())],
        pass_fds=[its.fileno()],
        stderr=subprocess.PIPE,
    )
    its.close()
    begin = ipc.Begin("i", [], "99.0", ipc.CHANNEL_VERSION + 1)
    ours.sendall(ipc.encode(begin) + ipc.encode(ipc.Ready()))
    _, said = process.communicate(timeout=60)
    ours.close()
    assert process.returncode == MISMATCH_EXIT_CODE
    assert b"99.0" in said and b"Restart the daemon" in said
