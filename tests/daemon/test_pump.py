"""When output is over after the exit, by a clock of ours: real processes are late when others work.

Below a pump are a real pipe and a real spool.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from arborlink.daemon.pump import DRAIN_SECONDS, QUIET_SECONDS

from .pump_bench import Bench, pump_bench

# Exact in binary, so that they add up to the drain exactly.
STEP_SECONDS = 0.25


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with pump_bench(tmp_path) as made:
        yield made


def test_what_comes_soon_after_the_exit_is_kept(bench: Bench) -> None:
    """Each byte gives the next one its time anew, and a silence of that length is the end."""
    bench.pump.exited()
    for number in range(10):
        bench.turn(0.9 * QUIET_SECONDS)
        assert bench.results == []
        os.write(bench.pipe, b"%d" % number)
        bench.turn()
    bench.turn(0.9 * QUIET_SECONDS)
    assert bench.results == []
    bench.turn(0.2 * QUIET_SECONDS)
    assert bench.results == ["over"]
    assert bench.content() == b"0123456789"
    assert bench.pump.held


def test_before_the_exit_no_silence_is_the_end(bench: Bench) -> None:
    """A command may think for as long as it likes."""
    os.write(bench.pipe, b"a")
    for _ in range(3):
        bench.turn(2 * DRAIN_SECONDS)
    assert bench.results == []


def test_who_goes_on_writing_after_the_exit_is_heard_only_so_long(bench: Bench) -> None:
    """What keeps the pipe busy cannot keep the task from ending."""
    assert STEP_SECONDS < QUIET_SECONDS
    bench.pump.exited()
    for _ in range(round(DRAIN_SECONDS / STEP_SECONDS)):
        assert bench.results == []
        os.write(bench.pipe, b"x")
        bench.turn(STEP_SECONDS)
    assert bench.results == ["over"]
