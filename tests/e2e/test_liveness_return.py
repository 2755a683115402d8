"""How daemons come back: spread by chance, and when the hub asks for it, not before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from arborlink.protocol.codec import MSGPACK_SUBPROTOCOL, Codec
from arborlink.protocol.errors import SERVICE_RESTART, Unavailable
from arborlink.protocol.messages import DaemonAuth
from tests.e2e.arbor import START_SECONDS, STOP_SECONDS, Arbor, wait_until

CODEC = Codec(json=False)
DAEMONS = 20
# What the hub asks for when it stops and there are so few; what the stand-in asks for.
RESTART_SECONDS = 1.0
HINTS = ((Unavailable.close_code, 3.0), (SERVICE_RESTART, 2.0))
ATTEMPTS_SECONDS = 20.0
# A busy machine is late, never early.
LATE_SECONDS = 1.5
EARLY_SECONDS = 0.05
# So many in so short a time are a herd. By chance it happens once in a billion runs.
WINDOW_SECONDS, HERD = 0.2, 15


class StandIn:
    """Is at the hub's address instead of it, lets everybody in and sends them away again: at first
    with a hint when to come back, in the end without a word.

    `attempts`: when each workspace's daemon came, by id.
    """

    def __init__(self) -> None:
        self.attempts: dict[str, list[float]] = {}

    async def __call__(self, connection: ServerConnection) -> None:
        """One of them."""
        came = time.monotonic()
        auth = CODEC.decode_first(await connection.recv())
        assert isinstance(auth, DaemonAuth)
        attempts = self.attempts.setdefault(auth.workspace_id, [])
        attempts.append(came)
        if len(attempts) > len(HINTS):
            connection.transport.abort()
        else:
            code, seconds = HINTS[len(attempts) - 1]
            await connection.close(code, f"busy; retry in {seconds:g} seconds")

    def all_came(self) -> bool:
        """After each hint, and without one."""
        counts = [len(each) for each in self.attempts.values()]
        return len(counts) == DAEMONS and min(counts) > len(HINTS) + 1


def all_connected(arbor: Arbor) -> bool:
    """Every workspace's daemon is there."""
    body = arbor.api("/api/workspaces")
    assert isinstance(body, dict)
    return [each["state"] for each in body["items"]] == ["connected"] * DAEMONS


def start(arbor: Arbor) -> None:
    """A hub, and one daemon process that serves many folders with a connection each."""
    folders = [arbor.workspace / f"{number}" for number in range(DAEMONS)]
    for folder in folders:
        folder.mkdir()
    arbor.start_hub()
    arbor.daemon = arbor._start("daemon", *map(str, folders), "--hub", arbor.url)
    wait_until(lambda: all_connected(arbor), "all daemons", START_SECONDS)


def most_in_a_window(moments: Sequence[float]) -> int:
    """How many of them came together."""
    return max(sum(at <= each < at + WINDOW_SECONDS for each in moments) for at in moments)


async def until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """As `wait_until`, while this loop goes on."""
    await asyncio.to_thread(wait_until, condition, what, seconds)


async def test_daemons_come_back_spread_and_never_sooner_than_asked(tmp_path: Path) -> None:
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    try:
        await asyncio.to_thread(start, arbor)
        assert arbor.hub is not None
        told = time.monotonic()
        arbor.hub.terminate()
        await asyncio.to_thread(arbor.hub.wait, STOP_SECONDS)
        gone = time.monotonic()
        stand_in = StandIn()
        subprotocols = [Subprotocol(MSGPACK_SUBPROTOCOL)]
        async with serve(stand_in, "127.0.0.1", arbor.port, subprotocols=subprotocols):
            await until(stand_in.all_came, "all attempts", ATTEMPTS_SECONDS)
        first = [each[0] for each in stand_in.attempts.values()]
        assert min(first) >= told + RESTART_SECONDS - EARLY_SECONDS
        assert max(first) <= gone + 2 * RESTART_SECONDS + LATE_SECONDS
        judge(list(stand_in.attempts.values()))
    finally:
        await asyncio.to_thread(arbor.stop)


def judge(attempts: list[list[float]]) -> None:
    """Each came when it was asked to, and they did not come as one."""
    for number, (_, seconds) in enumerate(HINTS):
        waits = [each[number + 1] - each[number] for each in attempts]
        assert min(waits) >= seconds - EARLY_SECONDS, waits
        assert max(waits) <= 2 * seconds + LATE_SECONDS, waits
        moments = [each[number + 1] for each in attempts]
        assert most_in_a_window(moments) < HERD, sorted(moments)
