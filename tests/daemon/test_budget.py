"""All spools of a daemon together keep to a budget, and nothing stands still for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from arborlink.daemon.budget import DISK_SHARE, LOOK_SECONDS, Budget, SpoolLimits
from arborlink.daemon.loop import Loop
from arborlink.daemon.spool import HEAD_BYTES, LEAST_BYTES, LEFTOVER_BYTES, Spool
from arborlink.daemon.syncer import Syncer
from arborlink.outputlog import LogReader, OutputLog
from arborlink.protocol import limits
from arborlink.protocol.resources import SpoolPolicy

MIB = limits.MIB
TOTAL = 20 * MIB
MIN_FREE = 100 * MIB


class Bench:
    """Spools, a disk with as much room as a test says, and a clock of ours."""

    def __init__(self, folder: Path) -> None:
        self.free = 1000 * MIB
        self.now = 0.0
        self.loop = Loop(lambda: self.now)
        self.syncer = Syncer(self.loop)
        self.budget = Budget(
            self.loop,
            folder,
            lambda: SpoolLimits(total=TOTAL, min_free=MIN_FREE),
            free=lambda _: self.free,
        )
        self.relieved: list[Spool] = []
        self.spools: list[Spool] = []
        self._folder = folder

    def spool(self, policy: SpoolPolicy = "block") -> Spool:
        """One more."""
        stem = self._folder / f"t{len(self.spools)}"
        log = OutputLog.create(stem, "0" * 32)
        made = Spool(stem, log, self.loop, self.syncer, budget=self.budget, policy=policy)
        made.on_relief = lambda: self.relieved.append(made)
        self.spools.append(made)
        return made

    def fill(self, spool: Spool, most: int = 1 << 40) -> int:
        """Write as long as there is room; how much that was."""
        written = 0
        while written < most and (room := spool.make_room()):
            size = min(room, MIB, most - written)
            spool.write(memoryview(bytes(size)), is_error=False, time_us=0)
            written += size
        return written

    def turn(self, seconds: float = 0.0) -> None:
        """Let time pass, and one turn of the loop; it always has something due."""
        self.now += seconds
        self.loop.call_later(0.0, lambda: None)
        self.loop.turn()

    def settle(self) -> None:
        """Wait until nothing runs."""
        while any(spool.is_syncing for spool in self.spools):
            self.loop.turn()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A fresh one, closed afterwards."""
    made = Bench(tmp_path)
    yield made
    made.settle()
    made.syncer.close()
    for spool in made.spools:
        spool.close()
    made.loop.close()


def test_all_spools_share_it(bench: Bench) -> None:
    """The first takes what it wants; a little is everybody's."""
    first, second = bench.spool(), bench.spool()
    assert bench.fill(first, 15 * MIB) == 15 * MIB
    assert bench.fill(second) == 5 * MIB
    assert bench.budget.used == TOTAL
    third = bench.spool()
    assert bench.fill(third) == LEAST_BYTES


def test_whoever_waits_is_called_when_another_holds_less(bench: Bench) -> None:
    """An acknowledgement for one task lets another go on."""
    first, second = bench.spool(), bench.spool()
    bench.fill(first)
    bench.fill(second)
    assert bench.relieved == []
    first.acknowledge(4 * MIB)
    bench.turn()
    assert second in bench.relieved
    assert bench.fill(second) == 3 * MIB  # what everybody has is not on top
    first.discard()
    bench.settle()
    assert bench.budget.used == second.end


def test_the_disk_counts_as_well(bench: Bench) -> None:
    """A tenth of it, and never its last bytes."""
    bench.free = 50 * MIB + MIN_FREE
    first = bench.spool()
    assert bench.fill(first) == int(DISK_SHARE * bench.free)
    bench.free = MIN_FREE + 3 * MIB
    bench.turn(LOOK_SECONDS)
    second = bench.spool()
    assert bench.fill(second) == LEAST_BYTES
    bench.free = 1000 * MIB
    bench.relieved.clear()
    bench.turn(LOOK_SECONDS)
    assert second in bench.relieved
    assert bench.fill(second) == TOTAL - first.end - LEAST_BYTES


def test_a_full_disk_from_the_start_stops_no_output(bench: Bench) -> None:
    """While the hub takes it, a task goes on with the little that is its own."""
    bench.free = 0
    spool = bench.spool()
    for _ in range(5):
        assert bench.fill(spool) == LEAST_BYTES
        spool.acknowledge(spool.end)
        bench.settle()


def test_a_task_that_may_lose_its_middle_goes_on(bench: Bench) -> None:
    """It keeps its newest output, whoever has used the budget up."""
    bench.fill(bench.spool())
    spool = bench.spool("drop_middle")
    spool.announce()
    assert bench.fill(spool, 30 * MIB) == 30 * MIB
    assert bench.budget.used <= TOTAL + 3 * LEAST_BYTES + limits.TASK_UNACKNOWLEDGED_BYTES
    with LogReader(spool.stem) as reader:
        (gap,) = reader.gaps()
        assert gap.start == HEAD_BYTES
        assert gap.end <= spool.end - LEAST_BYTES


def test_what_is_left_in_the_pipes_is_taken(bench: Bench) -> None:
    """A task that is over is not held up by those that are not."""
    bench.fill(bench.spool())
    spool = bench.spool()
    assert bench.fill(spool) == LEAST_BYTES
    spool.allow_leftovers()
    assert bench.fill(spool) == LEFTOVER_BYTES


def test_a_disk_that_cannot_be_looked_at_has_no_room(tmp_path: Path) -> None:
    """The little that is everybody's remains."""

    def gone(_folder: Path) -> int:
        raise FileNotFoundError

    loop = Loop(lambda: 0.0)
    assert Budget(loop, tmp_path, free=gone).room() < 0
    loop.close()
