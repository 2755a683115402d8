"""T2: how fast the text of a file goes from a `cat` to a viewer that only counts it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from arborlink.client import Hub
from arborlink.protocol import limits
from benchmarks.bench import Bench, Faulty, Scenario, bytes_of, count_bytes, piped
from benchmarks.figures import GIGABYTE, MEGABYTE, Measure, Round, Row, Target
from benchmarks.processes import cost, metered

MIB: Final = 1024 * 1024
SIZES_MIB: Final = (100, 512)
LARGE: Final = SIZES_MIB[-1]
LINES_AT_ONCE: Final = 20_000
# What `arbor run` asks for; the SDK's default is smaller, for a viewer on a slow line.
WINDOW_BYTES: Final = 4 * MIB


def run(bench: Bench) -> Round:
    """One round: each size by SDK, ssh, the SDK's default window, and the command line."""
    found: dict[str, Measure] = {}
    for size in SIZES_MIB:
        words = ["cat", str(_text(bench.folder, size * MIB))]
        found[f"sdk {size}"] = _sdk(bench, words, size * MIB, WINDOW_BYTES)
        if bench.ssh is not None:
            found[f"ssh {size}"] = _ssh(bench, words, size * MIB)
        found[f"cli {size}"] = _cli(bench, words, size * MIB)
    size = SIZES_MIB[0]
    words = ["cat", str(_text(bench.folder, size * MIB))]
    found[f"sdk default {size}"] = _sdk(bench, words, size * MIB, limits.SUBSCRIPTION_WINDOW_BYTES)
    return found


def _text(folder: Path, size: int) -> Path:
    """A file of numbered lines, made once; then it is in the page cache."""
    file = folder / f"{size}.txt"
    if file.exists():
        return file
    with file.open("wb") as out:
        first = 0
        while out.tell() < size:
            numbers = range(first, first + LINES_AT_ONCE)
            out.write(b"".join(b"%012d the quick brown fox jumps over it\n" % n for n in numbers))
            first += LINES_AT_ONCE
        out.truncate(size)
        out.flush()
        # Otherwise it would be on its way to the disk while the first leg is measured.
        os.fsync(out.fileno())
    return file


def _sdk(bench: Bench, words: list[str], size: int, window: int) -> Measure:
    async def read(hub: Hub) -> Measure:
        await (await bench.start(hub, ["true"])).wait()  # opens the live connection
        total = 0
        with metered(bench.groups()) as spent:
            began = time.perf_counter()
            task = await bench.start(hub, words)
            async for item in task.output(window=window):
                total += len(bytes_of(item))
            took = time.perf_counter() - began
        _check(total, size)
        return _measure(size, took, spent)

    return bench.with_hub(read)


def _ssh(bench: Bench, words: list[str], size: int) -> Measure:
    assert bench.ssh is not None
    with metered(bench.ssh.groups()) as spent:
        began = time.perf_counter()
        with piped(bench.ssh.command(words)) as descriptor:
            total = count_bytes(descriptor)
            took = time.perf_counter() - began
    _check(total, size)
    return _measure(size, took, spent)


def _cli(bench: Bench, words: list[str], size: int) -> Measure:
    with metered(bench.groups()) as spent:
        began = time.perf_counter()
        subprocess.run(
            bench.cli("run", "--", *words),
            env=bench.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        took = time.perf_counter() - began
    return _measure(size, took, spent)


def _check(found: int, size: int) -> None:
    if found != size:
        raise Faulty(f"{found} bytes of {size} arrived")


def _measure(size: int, seconds: float, spent: Mapping[str, float]) -> Measure:
    rate = {"MB/s": size / seconds / MEGABYTE, "cost": cost(spent) / size * GIGABYTE}
    return Measure({**rate, "seconds": seconds}, spent)


T2 = Target("T2: as fast as ssh", ratio=1.0, more_is_better=True)


def _row(way: str, measure: str, size: int, target: Target | None) -> Row:
    title = f"{way}, {size} MiB"
    return Row(title, measure, "MB/s", "MB/s", f"ssh {size}", target, more_is_better=True)


SCENARIO = Scenario(
    "bulk",
    "`cat FILE` → viewer",
    (
        *(_row("SDK", f"sdk {size}", size, T2) for size in SIZES_MIB),
        Row("SDK: processor time a GB", f"sdk {LARGE}", "cost", "s", f"ssh {LARGE}"),
        _row("SDK, default window", f"sdk default {SIZES_MIB[0]}", SIZES_MIB[0], None),
        *(_row("arbor run > /dev/null", f"cli {size}", size, None) for size in SIZES_MIB),
    ),
    run,
)
