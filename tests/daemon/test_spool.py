"""What reaches the disk: with a hub that keeps up marks only, without one everything, in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arborlink.daemon.budget import Budget
from arborlink.daemon.exposure import SYNC_BYTES, SYNC_SECONDS, Exposure
from arborlink.daemon.loop import Loop
from arborlink.daemon.spool import Spool
from arborlink.daemon.syncer import Syncer
from arborlink.outputlog import OutputLog
from arborlink.outputlog.files import LogFile
from arborlink.protocol import limits

MIB = limits.MIB
LOG_ID = "0" * 32


class Bench:
    """A spool on a disk that counts, and a clock of ours."""

    def __init__(self, folder: Path) -> None:
        self.synced: list[str] = []
        self.open: set[Path] = set()
        self.stem = folder / "t"
        self.now = 0.0
        self.loop = Loop(lambda: self.now)
        self.syncer = Syncer(self.loop)
        log = OutputLog.create(self.stem, LOG_ID, opener=self.opener)
        budget = Budget(self.loop, folder, free=lambda _: 1 << 40)
        self.spool = Spool(self.stem, log, self.loop, self.syncer, budget=budget)

    def opener(self, path: Path, flags: int) -> LogFile:
        """Notes what is open, and what is synced."""
        bench = self

        class File(LogFile):
            def sync(self) -> None:
                bench.synced.append(path.suffix)
                super().sync()

            def close(self) -> None:
                bench.open.discard(path)
                super().close()

        self.open.add(path)
        return File(path, flags)

    def write(self, size: int = MIB) -> None:
        """The command writes."""
        self.spool.write(memoryview(bytes(size)), is_error=False, time_us=0)

    def waits(self) -> bool:
        """Whether nothing more should be written."""
        return self.spool.must_wait

    def turn(self, seconds: float = 0.0) -> None:
        """Let time pass, then do what is due."""
        self.now += seconds
        self.loop.call_later(0.0, lambda: None)
        self.loop.turn()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the thread that syncs."""
        while not condition():
            self.loop.turn()

    def settle(self) -> None:
        """Wait until nothing runs."""
        self.until(lambda: not self.spool.is_syncing)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A fresh one, closed afterwards."""
    made = Bench(tmp_path)
    yield made
    made.settle()
    made.spool.close()
    made.syncer.close()
    made.loop.close()


def test_what_the_hub_has_in_time_is_never_written(bench: Bench) -> None:
    """Of the data nothing is synced, and what is not needed any more is given back."""
    for _ in range(100):
        bench.write()
        bench.spool.acknowledge(bench.spool.end - 2 * MIB)
        bench.turn(0.005)
        bench.settle()
        assert not bench.waits()
    assert ".log" not in bench.synced
    assert 10 < len(bench.synced) <= 35
    assert bench.stem.with_suffix(".log").stat().st_blocks * 512 < 12 * MIB


def test_what_the_hub_does_not_have_is_written_in_time(bench: Bench) -> None:
    """Not before its time, and not again."""
    bench.write(10)
    bench.turn(SYNC_SECONDS * 0.9)
    assert bench.synced == []
    bench.write(10)
    bench.turn(SYNC_SECONDS * 0.2)
    bench.settle()
    assert sorted(bench.synced) == [".idx", ".log"]
    bench.turn(2 * SYNC_SECONDS)
    assert len(bench.synced) == 2


def test_an_acknowledgement_in_time_spares_the_sync(bench: Bench) -> None:
    """Of what came later the time counts from when it came."""
    bench.write(10)
    bench.turn(SYNC_SECONDS / 2)
    bench.write(10)
    bench.spool.acknowledge(10)
    bench.turn(SYNC_SECONDS * 0.6)
    assert bench.synced == []
    bench.turn(SYNC_SECONDS / 2)
    bench.settle()
    assert ".log" in bench.synced


def test_a_flood_waits_for_the_hub_and_then_for_the_disk(bench: Bench) -> None:
    """A hub that answers lets it go on; if none does, the spool fills as fast as the disk can."""
    relieved: list[bool] = []
    bench.spool.on_relief = lambda: relieved.append(bench.waits())
    for _ in range(SYNC_BYTES // MIB + 1):
        bench.write()
    assert bench.waits()
    bench.spool.acknowledge(2 * MIB)
    assert not bench.waits()
    bench.write()
    bench.write()
    assert bench.waits()
    assert bench.synced == []
    bench.turn(SYNC_SECONDS * 1.1)
    assert relieved[0] is False
    bench.settle()
    assert ".log" in bench.synced
    for _ in range(20):
        bench.write()
        assert not bench.waits()


def test_the_end_waits_for_what_is_not_acknowledged(bench: Bench) -> None:
    """For a sync, or for the hub, whoever is first; for nothing if there is nothing."""
    ended: list[str] = []
    bench.write(10)
    bench.spool.acknowledge(10)
    bench.spool.when_synced(lambda: ended.append("nothing to do"))
    assert (ended, bench.synced) == (["nothing to do"], [])
    bench.write(10)
    bench.spool.when_synced(lambda: ended.append("disk"))
    assert len(ended) == 1
    bench.until(lambda: len(ended) == 2)
    bench.write(10)
    bench.spool.when_synced(lambda: ended.append("hub"))
    bench.spool.acknowledge(30)
    assert ended[2:] == ["hub"]
    bench.settle()
    assert len(ended) == 3


def test_a_sealed_spool_has_no_file_open(bench: Bench) -> None:
    """What it knows stays known; a sync under way keeps the files until it is over."""
    bench.write(100)
    bench.spool.when_synced(lambda: None)
    bench.spool.seal()
    assert len(bench.open) == 2
    bench.settle()
    assert not bench.open
    assert (bench.spool.start, bench.spool.end, bench.spool.announce()) == (0, 100, 100)
    bench.spool.acknowledge(60)
    assert (bench.spool.start, bench.spool.acked) == (60, 60)
    assert not bench.open
    bench.spool.discard()
    assert list(bench.stem.parent.iterdir()) == []


def test_discarding_waits_for_a_sync(bench: Bench) -> None:
    """The files go once nobody uses them."""
    bench.write(100)
    bench.spool.when_synced(lambda: None)
    bench.spool.acknowledge(100)
    bench.spool.discard()
    assert bench.open
    bench.settle()
    assert list(bench.stem.parent.iterdir()) == []


def test_a_hiccup_of_a_fast_hub_does_not_fill_the_disk() -> None:
    """It counts as slow only when it was so for a while, and as fast again once it is."""
    exposure, now = Exposure(0), 0.0
    for number in range(1, 101):  # 100 MiB in half a second
        now += 0.005
        exposure.grown(number * MIB, now)
        exposure.acknowledged(max(0, number - 2) * MIB, now)
    exposure.grown(120 * MIB, now)
    exposure.overdue(now + 0.3)
    assert exposure.must_wait
    exposure.overdue(now + 2.0)
    assert exposure.must_sync
    exposure.acknowledged(99 * MIB, now + 2.1)
    assert exposure.must_sync
    exposure.acknowledged(111 * MIB, now + 2.35)
    assert exposure.must_wait
