"""A hub that comes back is stormed by all its daemons, and spreads them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from arborlink.hub.live.herd import ADMISSIONS_PER_SECOND
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import Arbor
from tests.e2e.descriptors import need_descriptors
from tests.e2e.herd import HerdDaemon, enrol_herd, herd

# Half as many again as a hub lets in within a second, and what a large site has: each of the latter
# costs processor time that other tests wait for.
HERDS = pytest.mark.parametrize("count", [300, pytest.param(1_000, marks=pytest.mark.soak)])
POLL_SECONDS = 0.05


async def until_all_are_back(daemons: list[HerdDaemon], what: str, since: float) -> None:
    """Each welcomed. How soon, and after how many refusals, depends on the machine: printed."""
    fewest, progress_at = len(daemons) + 1, time.monotonic()
    while away := sum(daemon.welcomed_at is None for daemon in daemons):
        if away < fewest:
            fewest, progress_at = away, time.monotonic()
        deadline = progress_at + HANG_SECONDS
        assert time.monotonic() < deadline, f"{away} of {len(daemons)} are still away"
        await asyncio.sleep(POLL_SECONDS)
    most = max(daemon.refusals for daemon in daemons)
    print(f"{what}: all back after {time.monotonic() - since:.1f} s, {most} refusals at most")


@HERDS
async def test_a_herd_of_daemons_is_spread_and_comes_back_after_a_restart(
    tmp_path: Path, count: int
) -> None:
    need_descriptors(2 * count)
    arbor = Arbor(tmp_path / "home", tmp_path / "workspace")
    (arbor.home / "hub").mkdir()
    auths = await enrol_herd(arbor.home / "hub", count)
    arbor.start_hub()
    try:
        began = time.monotonic()
        async with herd(f"ws://127.0.0.1:{arbor.port}/api/ws", auths, seed=1) as daemons:
            # All at once, as when the power of a whole site is back: none has waited for its turn.
            await until_all_are_back(daemons, "at first", began)
            for how in (signal.SIGTERM, signal.SIGKILL):
                for daemon in daemons:
                    daemon.refusals = 0
                    daemon.hints.clear()
                assert arbor.hub is not None
                arbor.hub.send_signal(how)
                await asyncio.to_thread(arbor.hub.wait, HANG_SECONDS)
                restarted = time.monotonic()
                await asyncio.to_thread(arbor.start_hub)
                await until_all_are_back(daemons, how.name, restarted)
                if how is signal.SIGTERM:
                    judge([daemon.hints[0] for daemon in daemons])
    finally:
        arbor.stop()


def judge(hints: list[float | None]) -> None:
    """Each was asked to stay away for some time, and few for the same."""
    times = Counter(hints)
    assert None not in times
    assert max(times.values()) <= ADMISSIONS_PER_SECOND, times
