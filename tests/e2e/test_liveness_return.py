"""How daemons come back: spread by chance, and when the hub asks for it, not before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from arborlink.protocol.codec import MSGPACK_SUBPROTOCOL, Codec
from arborlink.protocol.errors import SERVICE_RESTART, Unavailable
from arborlink.protocol.messages import DaemonAuth
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import Arbor, wait_until
from tests.e2e.proven_front import proven_front
from tests.ports import free_port

CODEC = Codec(json=False)
DAEMONS = 20
# What the hub asks for when it stops and there are so few; what the stand-in asks for.
RESTART_SECONDS = 1.0
HINTS = ((Unavailable.close_code, 3.0), (SERVICE_RESTART, 2.0))
# Of clocks, of which there are two.
EARLY_SECONDS = 0.05
WINDOW_SECONDS = 0.2
# Of 190 pairs, those that come back in another order than they left in: 95 by chance, give or take
# 15. None of a herd, in which all wait equally long, however late a busy machine lets them.
FEWEST_OVERTAKEN = 20


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
    wait_until(lambda: all_connected(arbor), "all daemons")


def most_in_a_window(moments: Sequence[float]) -> int:
    """How many of them came together."""
    return max(sum(at <= each < at + WINDOW_SECONDS for each in moments) for at in moments)


async def test_daemons_come_back_spread_and_never_sooner_than_asked(tmp_path: Path) -> None:
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    try:
        await asyncio.to_thread(start, arbor)
        assert arbor.hub is not None
        told = time.monotonic()
        arbor.hub.terminate()
        await asyncio.to_thread(arbor.hub.wait, HANG_SECONDS)
        stand_in = StandIn()
        subprotocols = [Subprotocol(MSGPACK_SUBPROTOCOL)]
        behind = free_port()
        async with (
            serve(stand_in, "127.0.0.1", behind, subprotocols=subprotocols),
            proven_front(arbor.home / "hub", arbor.port, behind),
        ):
            await asyncio.to_thread(wait_until, stand_in.all_came, "all attempts")
        first = [each[0] for each in stand_in.attempts.values()]
        assert min(first) >= told + RESTART_SECONDS - EARLY_SECONDS
        judge(list(stand_in.attempts.values()))
    finally:
        await asyncio.to_thread(arbor.stop)


def judge(attempts: list[list[float]]) -> None:
    """Each came when it was asked to, and they did not come as one."""
    for number, (_, seconds) in enumerate(HINTS):
        waits = [each[number + 1] - each[number] for each in attempts]
        assert min(waits) >= seconds - EARLY_SECONDS, waits
        moments = [each[number + 1] for each in attempts]
        most = most_in_a_window(moments)
        print(f"back {min(waits):.1f} to {max(waits):.1f} s later, {most} of {len(waits)} together")
        assert overtaken(attempts, number) >= FEWEST_OVERTAKEN, sorted(moments)


def overtaken(attempts: list[list[float]], number: int) -> int:
    """How many pairs left in one order after an attempt, and made the next one in the other."""
    return sum(
        (one[number] < other[number]) != (one[number + 1] < other[number + 1])
        for one, other in combinations(attempts, 2)
    )
