"""When a process of `arbor up` is started again, what is passed on of it, how it is stopped."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from arborlink.cli.up_children import MOST_LINES, StartedChild, stop
from arborlink.cli.up_processes import MOST_QUICK_ENDS, Keeper
from arborlink.daemon.app import REFUSED_EXIT_CODE

from .conftest import clean_environment


def keeper(base: Path, said: list[str], *, is_ready: bool, words: str = "--version") -> Keeper:
    """One of a command that ends at once."""
    made = Keeper(
        "hub",
        words.split(),
        clean_environment(base),
        said.append,
        on_give_up=lambda _: said.append("given up"),
        random=lambda: 0.0,
    )
    made.is_ready = is_ready
    return made


async def test_one_that_was_never_ready_is_not_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    one = keeper(tmp_path, said, is_ready=False, words="nonsense")
    await one.run()
    assert one.gave_up.is_set() and said[-1] == "given up"
    assert "nonsense" in said[-2] and not any("again" in line for line in said)


async def test_one_that_ends_again_and_again_is_given_up(tmp_path: Path) -> None:
    said: list[str] = []
    await keeper(tmp_path, said, is_ready=True).run()
    again = [line for line in said if line.endswith("is started again")]
    assert len(again) == MOST_QUICK_ENDS and said[-1] == "given up"
    assert again[0] == "arbor: the hub ended (exit code 0) and is started again"


def test_the_daemons_exit_code_is_the_one_that_is_not_started_again() -> None:
    from arborlink.cli import up_processes

    assert up_processes.REFUSED_EXIT_CODE == REFUSED_EXIT_CODE


async def start(program: str, say: Callable[[str], None]) -> StartedChild:
    return await StartedChild.start([sys.executable, "-c", program], os.environ, (), say)


async def test_a_flood_of_errors_is_cut() -> None:
    said: list[str] = []
    child = await start(
        "import sys; sys.stderr.write('line\\n' * 100_000); sys.exit(3)", said.append
    )
    assert await child.wait() == 3
    assert said == ["line"] * MOST_LINES


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
async def test_one_that_does_not_listen_is_killed(number: str) -> None:
    ready = asyncio.Event()
    late: list[str] = []
    program = (
        f"import signal, sys; signal.signal(signal.{number}, signal.SIG_IGN);"
        "sys.stderr.write('ready\\n'); sys.stderr.flush(); signal.pause()"
    )
    child = await start(program, lambda _line: ready.set())
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(child.wait())
        await ready.wait()
        await stop(child, 0.1, lambda: late.append("late"))
        assert await ended == (-9 if number == "SIGTERM" else -15)
    assert late == (["late"] if number == "SIGTERM" else [])
