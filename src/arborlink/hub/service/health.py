"""The last hour of the hub in points, one every five seconds, in memory and bounded.

A machine with a clock, like those of the protocol: `next_deadline`, `on_deadline`. It also finds
out how late the event loop is: whatever blocks the loop makes the next deadline come late.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from arborlink.hub.live.durations import Durations
from arborlink.hub.service.gauges import Gauges, Reading
from arborlink.hub.service.process import Disk
from arborlink.hub.service.retention import Removals
from arborlink.protocol.figures import ConnectionCounts, HealthPoints, RoundTrips

INTERVAL_SECONDS: Final = 5
POINTS: Final = 3_600 // INTERVAL_SECONDS
ROUND_TRIPS: Final = 60
# A stall of the loop that is longer than this is always seen, most shorter ones are.
PROBE_SECONDS: Final = 0.1
MILLISECONDS: Final = 1_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Point:
    """One moment; rates are over the time since the point before it."""

    time: int
    reading: Reading
    bytes_in_per_second: float | None = None
    bytes_out_per_second: float | None = None
    cpu_percent: float | None = None
    loop_lag_ms: float | None = None


class Sampler:
    """`read` takes everything that is measured; `unix_time` is for people."""

    def __init__(
        self, read: Callable[[float], Reading], unix_time: Callable[[], float] = time.time
    ) -> None:
        self.loop_lag = Durations()
        self._read = read
        self._unix_time = unix_time
        self._points: deque[Point] = deque(maxlen=POINTS)
        self._round_trips: dict[str, deque[float | None]] = {}
        self._probe_at = 0.0
        self._sample_at = 0.0
        self._sampled_at = 0.0

    def start(self, now: float) -> None:
        """From now on; the first point is due at once. `now` is in monotonic seconds."""
        self._probe_at = self._sample_at = self._sampled_at = now

    def next_deadline(self) -> float:
        """When `on_deadline` is due, in monotonic seconds."""
        return self._probe_at

    def on_deadline(self, now: float) -> None:
        """Note how late this is, and take a point if it is time for one."""
        self.loop_lag.add(now - self._probe_at)
        self._probe_at = now + PROBE_SECONDS
        if now >= self._sample_at:
            # After a long stall there is a hole, not a burst.
            missed = (now - self._sample_at) // INTERVAL_SECONDS
            self._sample_at += (missed + 1) * INTERVAL_SECONDS
            self._sample(now)

    def points(self, since: int = 0) -> HealthPoints:
        """The points after `since`, in seconds since 1970."""
        return _columns([point for point in self._points if point.time > since])

    def round_trips(self, workspace_ids: Iterable[str]) -> list[RoundTrips]:
        """Of those of the workspaces that were connected lately."""
        return [
            RoundTrips(workspace_id=workspace_id, round_trip_ms=list(found))
            for workspace_id in workspace_ids
            if (found := self._round_trips.get(workspace_id)) is not None
        ]

    def _sample(self, now: float) -> None:
        reading = self._read(now)
        longest_lag = self.loop_lag.take().longest
        previous = self._points[-1].reading if self._points else None
        seconds = now - self._sampled_at
        self._sampled_at = now
        point = Point(round(self._unix_time()), reading)
        if previous is not None and seconds > 0:
            point = Point(
                point.time,
                reading,
                bytes_in_per_second=round((reading.bytes_in - previous.bytes_in) / seconds),
                bytes_out_per_second=round((reading.bytes_out - previous.bytes_out) / seconds),
                cpu_percent=round(100 * (reading.cpu_seconds - previous.cpu_seconds) / seconds, 1),
                loop_lag_ms=_milliseconds(longest_lag),
            )
        self._points.append(point)
        self._note_round_trips(reading.round_trips)

    def _note_round_trips(self, now: dict[str, float | None]) -> None:
        for workspace_id in now.keys() - self._round_trips.keys():
            self._round_trips[workspace_id] = deque(maxlen=ROUND_TRIPS)
        for workspace_id, series in list(self._round_trips.items()):
            series.append(_milliseconds(now.get(workspace_id), 3))
            gone = workspace_id not in now and all(each is None for each in series)
            if gone:
                del self._round_trips[workspace_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the routes show of the hub's health. `started_at` is in µs since 1970."""

    gauges: Gauges
    sampler: Sampler
    disk: Disk
    started_at: int
    sqlite_version: str
    removals: Removals


async def sample_for_ever(sampler: Sampler, clock: Callable[[], float] = time.monotonic) -> None:
    """Serve the sampler's deadlines, until cancelled."""
    sampler.start(clock())
    while True:
        await asyncio.sleep(max(0.0, sampler.next_deadline() - clock()))
        try:
            sampler.on_deadline(clock())
        except Exception:
            # A disk that fails, say. A hub that cannot be measured still works.
            logger.exception("a point of the hub's health could not be taken")


def _columns(points: Sequence[Point]) -> HealthPoints:
    readings = [point.reading for point in points]
    return HealthPoints(
        time=[point.time for point in points],
        connections=ConnectionCounts(
            daemons=[each.daemons for each in readings],
            viewers=[each.viewers for each in readings],
        ),
        running_tasks=[each.running_tasks for each in readings],
        bytes_in_per_second=[point.bytes_in_per_second for point in points],
        bytes_out_per_second=[point.bytes_out_per_second for point in points],
        fsync_ms_p50=[_milliseconds(each.fsyncs.median) for each in readings],
        fsync_ms_max=[_milliseconds(each.fsyncs.longest) for each in readings],
        loop_lag_ms_max=[point.loop_lag_ms for point in points],
        commit_queue=[each.most_writes_waiting for each in readings],
        unflushed_bytes=[each.unflushed_bytes for each in readings],
        memory_bytes=[each.memory_bytes for each in readings],
        descriptors=[each.descriptors for each in readings],
        cpu_percent=[point.cpu_percent for point in points],
    )


def _milliseconds(seconds: float | None, digits: int = 2) -> float | None:
    return None if seconds is None else round(seconds * MILLISECONDS, digits)
