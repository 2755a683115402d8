"""A hub that comes back is stormed by all its daemons, and spreads them."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.arbor import STOP_SECONDS, Arbor
from tests.e2e.herd import HerdDaemon, enrol_herd, herd

DAEMONS = 1_000
BACK_SECONDS = 15.0
MOST_REFUSALS = 2
POLL_SECONDS = 0.05


async def until_all_are_back(daemons: list[HerdDaemon], seconds: float) -> None:
    """Each welcomed."""
    deadline = time.monotonic() + seconds
    while any(daemon.welcomed_at is None for daemon in daemons):
        away = sum(daemon.welcomed_at is None for daemon in daemons)
        assert time.monotonic() < deadline, f"{away} of {len(daemons)} are still away"
        await asyncio.sleep(POLL_SECONDS)


@pytest.mark.alone
@pytest.mark.timeout(120)
async def test_a_thousand_daemons_are_back_soon_after_a_restart(tmp_path: Path) -> None:
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    (arbor.home / "hub").mkdir()
    auths = await enrol_herd(arbor.home / "hub", DAEMONS)
    arbor.start_hub()
    try:
        async with herd(f"ws://127.0.0.1:{arbor.port}/api/ws", auths, seed=1) as daemons:
            # All at once, as when the power of a whole site is back: none has waited for its turn.
            await until_all_are_back(daemons, 2 * BACK_SECONDS)
            for how in (signal.SIGTERM, signal.SIGKILL):
                assert arbor.hub is not None
                arbor.hub.send_signal(how)
                await asyncio.to_thread(arbor.hub.wait, STOP_SECONDS)
                for daemon in daemons:
                    daemon.refusals = 0
                restarted = time.monotonic()
                await asyncio.to_thread(arbor.start_hub)
                await until_all_are_back(daemons, restarted + BACK_SECONDS - time.monotonic())
                assert max(daemon.refusals for daemon in daemons) <= MOST_REFUSALS
    finally:
        arbor.stop()
