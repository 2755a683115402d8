"""T1: from the request of a task to the first byte of its output at a viewer."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from arborlink.client import Hub
from benchmarks.bench import Bench, Faulty, Scenario, bytes_of, seconds_to_first_byte
from benchmarks.figures import Measure, Round, Row, Target, spread
from benchmarks.processes import cost, metered

TASKS: Final = 150
PROCESSES: Final = 20
WARM_UP: Final = 5
# Below the hub's default rate of requests, which would otherwise be what is measured.
PAUSE_SECONDS: Final = 0.025
COMMAND: Final = ("/bin/echo", "x")
SHELL_COMMAND: Final = ("sh", "-c", "echo x")
MILLISECONDS: Final = 1_000


def run(bench: Bench) -> Round:
    """One round: SDK, the command line, ssh."""
    found = {
        "sdk": _sdk(bench, COMMAND),
        "sdk shell": _sdk(bench, SHELL_COMMAND),
        "cli": _processes(bench.cli("run", "--", *COMMAND), bench.environment),
    }
    if bench.ssh is not None:
        found["ssh"] = _processes(bench.ssh.command(COMMAND))
    return found


def _sdk(bench: Bench, words: tuple[str, ...]) -> Measure:
    answered: list[float] = []
    first: list[float] = []
    over: list[float] = []

    async def one(hub: Hub) -> None:
        began = time.perf_counter()
        task = await bench.start(hub, words)
        answered.append(time.perf_counter() - began)
        seen = b""
        async for item in task.output():
            if not seen:
                first.append(time.perf_counter() - began)
            seen += bytes_of(item)
        over.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE_SECONDS)
        if seen != b"x\n":
            raise Faulty(f"echo's output was {seen!r}")

    async def all_of_them(hub: Hub) -> dict[str, float]:
        # The first ones open the live connection and the HTTP pool.
        for _ in range(WARM_UP):
            await one(hub)
        for times in (answered, first, over):
            times.clear()
        with metered(bench.groups()) as spent:
            for _ in range(TASKS):
                await one(hub)
        return spent

    spent = bench.with_hub(all_of_them)
    figures = _milliseconds(first)
    figures["answered p50"] = _milliseconds(answered)["p50"]
    figures["over p50"] = _milliseconds(over)["p50"]
    figures["over p99"] = _milliseconds(over)["p99"]
    figures["cost"] = cost(spent) * MILLISECONDS / TASKS
    return Measure(figures, spent)


def _processes(words: list[str], environment: dict[str, str] | None = None) -> Measure:
    seconds_to_first_byte(words, environment)
    return Measure(
        _milliseconds([seconds_to_first_byte(words, environment) for _ in range(PROCESSES)])
    )


def _milliseconds(seconds: list[float]) -> dict[str, float]:
    return spread([each * MILLISECONDS for each in seconds])


T1_MEDIAN = Target("T1: ≤ 3 ms, ≤ 1/20 of ssh", limit=3.0, ratio=1 / 20)
T1_TAIL = Target("T1: ≤ 10 ms", limit=10.0)

SCENARIO = Scenario(
    "dispatch",
    "task request → first byte at a viewer",
    (
        Row("SDK, echo: p50", "sdk", "p50", "ms", "ssh", T1_MEDIAN),
        Row("SDK, echo: p99", "sdk", "p99", "ms", "ssh", T1_TAIL),
        Row("SDK, sh -c echo: p50", "sdk shell", "p50", "ms", "ssh", T1_MEDIAN),
        Row("SDK, sh -c echo: p99", "sdk shell", "p99", "ms", "ssh", T1_TAIL),
        Row("SDK, echo: POST answered, p50", "sdk", "answered p50", "ms"),
        Row("SDK, echo: task over, p50", "sdk", "over p50", "ms"),
        Row("SDK, echo: processor time a task", "sdk", "cost", "ms"),
        Row("arbor run, a process: p50", "cli", "p50", "ms", "ssh"),
        Row("arbor run, a process: p99", "cli", "p99", "ms", "ssh"),
    ),
    run,
)
