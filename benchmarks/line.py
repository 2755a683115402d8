"""T3: how late a line is at a viewer, from the time that its writer put into it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from arborlink.client import Hub, TaskHandle
from arborlink.testing.cells import CELL_BYTES
from benchmarks.bench import READ_BYTES, Bench, Faulty, Scenario, bytes_of, piped
from benchmarks.figures import Measure, Round, Row, Target, spread
from benchmarks.processes import cost, metered

INTERVAL_SECONDS: Final = 0.005
LINES: Final = 2_000
# The first ones come while interpreter, subscription and caches are still getting warm.
WARM_UP_LINES: Final = 40
MICROSECONDS_PER_SECOND: Final = 1_000_000
NANOSECONDS_PER_MILLISECOND: Final = 1_000_000
FLOOD: Final = ("yes", "a line of text that is repeated for as long as anybody lets it be")

WRITER: Final = (
    *(sys.executable, "-m", "arborlink.testing.cells", "--key", "line", "--lines"),
    *("--bytes", str(CELL_BYTES * LINES), "--rate", str(CELL_BYTES / INTERVAL_SECONDS)),
)


def run(bench: Bench) -> Round:
    """One round: alone, and beside a task that floods, by SDK, command line and ssh."""
    found = {
        "sdk": watched_by_sdk(bench),
        "cli": _piped(bench.cli("run", "--", *WRITER), bench.environment, bench.groups),
    }
    with _flooding(bench):
        found["sdk flooded"] = watched_by_sdk(bench)
    with _flooding(bench), _watching(bench):
        found["sdk flooded, watched"] = watched_by_sdk(bench)
    if bench.ssh is not None:
        found["ssh"] = _piped(bench.ssh.command(WRITER), None, bench.ssh.groups)
        with _draining(bench.ssh.command(FLOOD)):
            found["ssh flooded"] = _piped(bench.ssh.command(WRITER), None, bench.ssh.groups)
    return found


class Lateness:
    """Splits what arrives into lines, and notes how late each is, in ms."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Something has arrived just now."""
        now = time.monotonic_ns()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            written = int(line.rpartition(b" ")[2])
            self.late.append((now - written) / NANOSECONDS_PER_MILLISECOND)

    def figures(self) -> dict[str, float]:
        """Without the warm-up.

        Raises:
            Faulty: lines are missing.
        """
        if len(self.late) != LINES:
            raise Faulty(f"{len(self.late)} lines of {LINES} arrived")
        return spread(self.late[WARM_UP_LINES:])


def watched_by_sdk(bench: Bench) -> Measure:
    """The lines of a task that the SDK runs and watches."""
    lateness = Lateness()

    async def read(hub: Hub) -> dict[str, float]:
        with metered(bench.groups()) as spent:
            task = await bench.start(hub, WRITER)
            async for item in task.output():
                lateness.feed(bytes_of(item))
        return spent

    spent = bench.with_hub(read)
    return _measure(lateness, spent)


def _piped(
    words: list[str],
    environment: dict[str, str] | None,
    groups: Callable[[], dict[str, list[int]]],
) -> Measure:
    lateness = Lateness()
    with metered(groups()) as spent, piped(words, environment) as descriptor:
        while data := os.read(descriptor, READ_BYTES):
            lateness.feed(data)
    return _measure(lateness, spent)


def _measure(lateness: Lateness, spent: Mapping[str, float]) -> Measure:
    figures = lateness.figures()
    figures["cost"] = cost(spent) / LINES * MICROSECONDS_PER_SECOND
    return Measure(figures, spent)


@contextmanager
def _flooding(bench: Bench) -> Iterator[TaskHandle]:
    """A task that writes as fast as it may."""

    async def start(hub: Hub) -> TaskHandle:
        return await bench.start(hub, FLOOD)

    async def end(hub: Hub) -> None:
        handle = await hub.task(task.id)
        await handle.cancel(grace_seconds=1.0)
        await handle.wait()

    task = bench.with_hub(start)
    try:
        yield task
    finally:
        bench.with_hub(end)


@contextmanager
def _watching(bench: Bench) -> Iterator[None]:
    """A viewer, in a process of its own, of the newest task."""
    (newest,) = bench.with_hub(lambda hub: hub.tasks(limit=1))
    with _draining(bench.cli("logs", "-f", newest.id), bench.environment):
        yield


@contextmanager
def _draining(words: list[str], environment: dict[str, str] | None = None) -> Iterator[None]:
    """A process whose output nobody keeps, until it is not needed any more."""
    process = subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


T3_MEDIAN = Target("T3: ≤ twice ssh", ratio=2.0)
T3_TAIL = Target("T3: ≤ 2 ms", limit=2.0)
T3_FLOOD = Target("T3: ≤ 20 ms", limit=20.0)

SCENARIO = Scenario(
    "line",
    "a line every 5 ms, how late at a viewer",
    (
        Row("SDK: p50", "sdk", "p50", "ms", "ssh", T3_MEDIAN),
        Row("SDK: p99", "sdk", "p99", "ms", "ssh", T3_TAIL),
        Row("SDK: processor time a line", "sdk", "cost", "µs", "ssh"),
        Row("arbor run, a process: p50", "cli", "p50", "ms", "ssh"),
        Row("arbor run, a process: p99", "cli", "p99", "ms", "ssh"),
        Row("beside a flood: p50", "sdk flooded", "p50", "ms", "ssh flooded"),
        Row("beside a flood: p99", "sdk flooded", "p99", "ms", "ssh flooded", T3_FLOOD),
        Row("beside a watched flood: p50", "sdk flooded, watched", "p50", "ms", "ssh flooded"),
        Row(
            "beside a watched flood: p99",
            "sdk flooded, watched",
            "p99",
            "ms",
            "ssh flooded",
            T3_FLOOD,
        ),
    ),
    run,
)
