"""The sampler as a machine: points, rates, round trips and lateness, by a clock that is ours."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from arborlink.hub.live.durations import Spread
from arborlink.hub.service.gauges import Reading
from arborlink.hub.service.health import (
    INTERVAL_SECONDS,
    POINTS,
    PROBE_SECONDS,
    ROUND_TRIPS,
    Sampler,
    sample_for_ever,
)
from arborlink.protocol.errors import Unavailable
from arborlink.testing.clock import FakeClock

UNIX_START = 1_700_000_000
IDLE = Reading(
    daemons=0,
    viewers=0,
    running_tasks=0,
    bytes_in=0,
    bytes_out=0,
    fsyncs=Spread(None, None),
    most_writes_waiting=0,
    unflushed_bytes=0,
    memory_bytes=None,
    descriptors=None,
    cpu_seconds=0.0,
    round_trips={},
)


class Scene:
    """A sampler that is served in time unless told otherwise, and what it will read next."""

    def __init__(self) -> None:
        self.clock = FakeClock(100.0)
        self.reading = IDLE
        self.reads: list[float] = []
        self.sampler = Sampler(self._read, lambda: UNIX_START + self.clock() - 100.0)
        self.sampler.start(self.clock())
        self.sampler.on_deadline(self.clock())

    def _read(self, now: float) -> Reading:
        self.reads.append(now)
        return self.reading

    def serve(self, seconds: float) -> None:
        """Serve every deadline in time for so long."""
        end = self.clock() + seconds
        while (deadline := self.sampler.next_deadline()) <= end:
            self.clock.advance(deadline - self.clock())
            self.sampler.on_deadline(self.clock())

    def stall(self, seconds: float) -> None:
        """The deadline that is due next is served so much too late."""
        self.clock.advance(self.sampler.next_deadline() + seconds - self.clock())
        self.sampler.on_deadline(self.clock())

    def series(self, workspace_id: str) -> list[float | None]:
        """A workspace's round trips."""
        (found,) = self.sampler.round_trips([workspace_id])
        return found.round_trip_ms


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_there_is_a_point_at_once_and_then_one_every_interval(scene: Scene) -> None:
    assert scene.sampler.points().time == [UNIX_START]
    scene.serve(3 * INTERVAL_SECONDS + 1)
    expected = [UNIX_START + INTERVAL_SECONDS * n for n in range(4)]
    assert scene.sampler.points().time == pytest.approx(expected, abs=1)
    assert len(scene.reads) == 4


def test_a_point_has_what_was_read_and_nothing_where_nothing_is_known(scene: Scene) -> None:
    scene.reading = replace(
        IDLE,
        daemons=2,
        viewers=3,
        running_tasks=4,
        fsyncs=Spread(0.001234, 0.25),
        most_writes_waiting=5,
        unflushed_bytes=6,
        memory_bytes=7,
        descriptors=8,
    )
    scene.serve(INTERVAL_SECONDS + 1)
    points = scene.sampler.points()
    assert points.connections.daemons == [0, 2]
    assert points.connections.viewers == [0, 3]
    assert points.running_tasks == [0, 4]
    assert points.fsync_ms_p50 == [None, 1.23]
    assert points.fsync_ms_max == [None, 250.0]
    assert points.commit_queue == [0, 5]
    assert points.unflushed_bytes == [0, 6]
    assert points.memory_bytes == [None, 7]
    assert points.descriptors == [None, 8]


def test_rates_are_over_the_time_between_two_points(scene: Scene) -> None:
    scene.reading = replace(IDLE, bytes_in=50_000, bytes_out=1_000, cpu_seconds=2.5)
    scene.serve(INTERVAL_SECONDS + 1)
    points = scene.sampler.points()
    assert points.bytes_in_per_second[0] is None
    assert points.cpu_percent[0] is None
    assert points.bytes_in_per_second[1] == pytest.approx(10_000, rel=0.03)
    assert points.bytes_out_per_second[1] == pytest.approx(200, rel=0.03)
    assert points.cpu_percent[1] == pytest.approx(50.0, rel=0.03)


def test_only_points_after_a_time_if_so_wished(scene: Scene) -> None:
    scene.serve(4 * INTERVAL_SECONDS + 1)
    times = scene.sampler.points().time
    later = scene.sampler.points(times[2])
    assert later.time == times[3:]
    assert len(later.running_tasks) == len(later.connections.viewers) == 2
    assert scene.sampler.points(times[-1]).time == []


def test_an_hour_is_kept_and_no_more(scene: Scene) -> None:
    for day in range(POINTS + 10):
        scene.reading = replace(IDLE, running_tasks=day)
        scene.stall(INTERVAL_SECONDS)
    tasks = scene.sampler.points().running_tasks
    assert len(tasks) == POINTS
    assert tasks[-1] == POINTS + 9 and tasks[0] == 10


def test_a_loop_that_was_late_shows_in_the_next_point_alone(scene: Scene) -> None:
    scene.serve(1)
    scene.stall(0.75)
    scene.serve(2 * INTERVAL_SECONDS)
    lags = scene.sampler.points().loop_lag_ms_max
    assert lags == [None, pytest.approx(750.0), pytest.approx(0.0, abs=0.01)]
    assert dict(scene.sampler.loop_lag.buckets())["+Inf"] > 2 * INTERVAL_SECONDS / PROBE_SECONDS / 2


def test_a_long_stall_leaves_a_hole_and_the_rate_is_over_all_of_it(scene: Scene) -> None:
    scene.reading = replace(IDLE, bytes_in=6_000)
    scene.stall(60.0)
    scene.reading = replace(IDLE, bytes_in=6_000)
    scene.serve(INTERVAL_SECONDS)
    points = scene.sampler.points()
    assert points.time[:2] == [UNIX_START, UNIX_START + 60]
    assert points.bytes_in_per_second[1] == 100
    assert len(points.time) == 3
    assert points.loop_lag_ms_max[1] == pytest.approx(60_000.0)


def test_a_workspaces_round_trips_begin_when_it_comes_and_have_holes_while_it_is_away(
    scene: Scene,
) -> None:
    assert scene.sampler.round_trips(["ws_1"]) == []
    for round_trip in (0.0012345, None, 0.002):
        scene.reading = replace(IDLE, round_trips={"ws_1": round_trip})
        scene.stall(INTERVAL_SECONDS)
    scene.reading = IDLE
    scene.stall(INTERVAL_SECONDS)
    assert scene.series("ws_1") == [1.234, None, 2.0, None]
    assert scene.sampler.round_trips(["ws_2"]) == []


def test_round_trips_are_bounded_and_forgotten_when_all_are_holes(scene: Scene) -> None:
    for number in range(ROUND_TRIPS + 5):
        scene.reading = replace(IDLE, round_trips={"ws_1": number / 1_000})
        scene.stall(INTERVAL_SECONDS)
    assert scene.series("ws_1") == [float(number) for number in range(5, ROUND_TRIPS + 5)]
    scene.reading = IDLE
    for _ in range(ROUND_TRIPS - 1):
        scene.stall(INTERVAL_SECONDS)
    assert scene.series("ws_1")[0] == ROUND_TRIPS + 4
    scene.stall(INTERVAL_SECONDS)
    assert scene.sampler.round_trips(["ws_1"]) == []


async def test_a_reading_that_fails_costs_its_point_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    read_twice = asyncio.Event()
    reads = 0

    def read(_now: float) -> Reading:
        nonlocal reads
        reads += 1
        if reads == 1:
            clock.advance(INTERVAL_SECONDS)
            raise Unavailable("the disk is gone")
        read_twice.set()
        return IDLE

    sampler = Sampler(read, clock)
    async with asyncio.TaskGroup() as group:
        sampling = group.create_task(sample_for_ever(sampler, clock))
        # The loop waits for real; the clock moves with it, so that each deadline is due at once.
        while not read_twice.is_set():
            clock.advance(PROBE_SECONDS)
            await asyncio.sleep(0)
        sampling.cancel()
    assert sampler.points().time != []
    assert "could not be taken" in caplog.text
