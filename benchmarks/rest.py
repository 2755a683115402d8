"""T13: what hub and daemon cost while nothing happens, and how soon the command line is there."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Final

from benchmarks.bench import Bench, Scenario
from benchmarks.figures import Measure, Round, Row, Target, spread
from benchmarks.processes import memory_bytes, metered, wakeups

REST_SECONDS: Final = 20.0
STARTS: Final = 10
MIB: Final = 1024 * 1024
IMPORT: Final = """\
import time
began = time.perf_counter()
import arborlink.client
print((time.perf_counter() - began) * 1000)
"""


def run(bench: Bench) -> Round:
    """One round."""
    found = _at_rest(bench)
    found["import"] = Measure(spread([_import_milliseconds() for _ in range(STARTS)]))
    found["bare"] = Measure(spread([_start([sys.executable, "-c", ""]) for _ in range(STARTS)]))
    found["help"] = Measure(spread([_start(bench.cli("--help")) for _ in range(STARTS)]))
    return found


def _at_rest(bench: Bench) -> dict[str, Measure]:
    groups = bench.groups()
    pids = {name: pid for name, (pid,) in groups.items()}
    before = {name: wakeups(pid) for name, pid in pids.items()}
    with metered(groups) as spent:
        time.sleep(REST_SECONDS)
    found: dict[str, Measure] = {}
    for name, pid in pids.items():
        memory = memory_bytes(pid)
        figures = {
            "rss": memory["rss"] / MIB,
            "pss": memory["pss"] / MIB,
            "percent": spent[name] / REST_SECONDS * 100,
            "wakeups": (wakeups(pid) - before[name]) / REST_SECONDS,
        }
        found[name] = Measure(figures)
    both = [found["supervisor"].figures, found["connector"].figures]
    sums = {name: sum(each[name] for each in both) for name in both[0]}
    found["daemon"] = Measure(sums)
    return found


def _import_milliseconds() -> float:
    words = [sys.executable, "-c", IMPORT]
    return float(subprocess.run(words, capture_output=True, check=True).stdout)


def _start(words: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(words, capture_output=True, check=True)
    return (time.perf_counter() - began) * 1000


SCENARIO = Scenario(
    "rest",
    "nothing happens; starting the command line",
    (
        Row("daemon, RSS", "daemon", "rss", "MiB", target=Target("T13: ≤ 60 MiB", limit=60.0)),
        Row("daemon, PSS", "daemon", "pss", "MiB"),
        Row("daemon, processor", "daemon", "percent", "%", target=Target("T13: 0 %", limit=0.05)),
        Row("daemon, wake-ups per second", "daemon", "wakeups", ""),
        Row("hub, RSS", "hub", "rss", "MiB"),
        Row("hub, processor", "hub", "percent", "%"),
        Row("hub, wake-ups per second", "hub", "wakeups", ""),
        Row(
            "import arborlink.client",
            "import",
            "p50",
            "ms",
            target=Target("T13: ≤ 120 ms", limit=120.0),
        ),
        Row("arbor --help", "help", "p50", "ms", target=Target("T13: ≤ 150 ms", limit=150.0)),
        Row("python -c '', for comparison", "bare", "p50", "ms"),
    ),
    run,
)
