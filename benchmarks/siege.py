"""What strangers cost those who are known: how late a line is, and the memory of the hub."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.e2e.siege import KINDS

from benchmarks.bench import Bench, Faulty, Scenario
from benchmarks.figures import Measure, Round, Row, Target
from benchmarks.line import watched_by_sdk
from benchmarks.processes import memory_bytes

MIB: Final = 1024 * 1024
LOOK_SECONDS: Final = 0.05
# Until those who were sent away are forgotten and what they took is given back.
CALM_SECONDS: Final = 15.0
TITLES: Final = {
    "before": "before",
    "silent": "2,000 silent connections",
    "slow": "200 slow ones",
    "flood": "a flood of 1 MiB frames",
    "guesses": "1,000 failed sign-ins",
    "together": "all of them together",
    "after": "afterwards",
}


def run(bench: Bench) -> Round:
    """One round: in peace, under each attack alone, under all, and in peace again."""
    # The first task warms up what is there from the second on.
    watched_by_sdk(bench)
    found = {"before": _watched(bench, ())}
    for kind in KINDS:
        found[kind] = _watched(bench, (kind,))
        time.sleep(CALM_SECONDS)
    found["together"] = _watched(bench, KINDS)
    time.sleep(CALM_SECONDS)
    found["after"] = _watched(bench, ())
    return found


def _watched(bench: Bench, kinds: Sequence[str]) -> Measure:
    """Ten seconds of lines, from the beginning of these attacks."""
    (hub,) = bench.groups()["hub"]
    with _highest_memory(hub) as highest, ExitStack() as attacks:
        for kind in kinds:
            attacks.enter_context(_attack(bench, kind))
        measure = watched_by_sdk(bench)
    return Measure({**measure.figures, "memory": max(highest)}, measure.processor)


@contextmanager
def _attack(bench: Bench, kind: str) -> Iterator[None]:
    """By a process of the lowest priority: a stranger's own work is done on the stranger's machine.

    Raises:
        Faulty: it ended by itself with an error.
    """
    words = [sys.executable, "-m", "tests.e2e.siege", str(bench.arbor.port), kind]
    process = subprocess.Popen(["nice", "-n", "19", *words], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        if process.poll():
            raise Faulty(f"the attack {kind} ended with {process.returncode}")
    finally:
        process.kill()
        process.communicate()


@contextmanager
def _highest_memory(pid: int) -> Iterator[list[float]]:
    """The process's memory, in MiB, again and again while this is inside."""
    found: list[float] = []
    over = threading.Event()

    def look() -> None:
        while True:
            found.append(memory_bytes(pid)["rss"] / MIB)
            if over.wait(LOOK_SECONDS):
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


LATE = Target("≤ 100 ms", limit=100.0)

SCENARIO = Scenario(
    "siege",
    "how late a line is while strangers besiege the hub, 10 s each",
    tuple(
        row
        for leg, title in TITLES.items()
        for row in (
            Row(f"{title}: p50", leg, "p50", "ms"),
            Row(f"{title}: p99", leg, "p99", "ms", target=LATE),
            Row(f"{title}: latest", leg, "max", "ms"),
            Row(f"{title}: hub's memory, highest", leg, "memory", "MiB"),
        )
    ),
    run,
)
