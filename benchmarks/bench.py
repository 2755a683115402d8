"""What every scenario is given: hub and daemon that run, perhaps ssh, and a folder."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from tests.e2e.arbor import TOKEN, Arbor, command

from arborlink.client import Chunk, Gap, Hub, TaskHandle
from benchmarks.figures import Round, Row
from benchmarks.ssh import Ssh

READ_BYTES: Final = 256 * 1024

T = TypeVar("T")


class Faulty(Exception):
    """What was measured did not do what it should: its time means nothing."""


@dataclass(frozen=True, slots=True)
class Bench:
    """`folder` is for files, and goes in the end."""

    arbor: Arbor
    ssh: Ssh | None
    folder: Path

    def groups(self) -> dict[str, list[int]]:
        """Arbor's processes by their names."""
        hub, supervisor, connector = self.arbor.hub, self.arbor.daemon, self.arbor.connector_pid()
        if hub is None or supervisor is None or connector is None:
            raise Faulty("hub and daemon do not run")
        return {"hub": [hub.pid], "supervisor": [supervisor.pid], "connector": [connector]}

    def with_hub(self, work: Callable[[Hub], Awaitable[T]]) -> T:
        """Do something with the SDK, in an event loop of its own."""

        async def main() -> T:
            async with Hub(self.arbor.url, TOKEN) as hub:
                return await work(hub)

        return asyncio.run(main())

    async def start(self, hub: Hub, words: Sequence[str]) -> TaskHandle:
        """Run a command without input in the workspace."""
        workspace = self.arbor.workspace_id
        return await hub.run(words[0], *words[1:], workspace=workspace, stdin="empty")

    def cli(self, *arguments: str) -> list[str]:
        """The command line of `arbor …`; give `environment` to the process."""
        return command(arguments)

    @property
    def environment(self) -> dict[str, str]:
        """What `arbor` needs."""
        return self.arbor.environment()


@dataclass(frozen=True, slots=True)
class Scenario:
    """`run` is one round of it; `rows` is what becomes of the rounds."""

    name: str
    title: str
    rows: tuple[Row, ...]
    run: Callable[[Bench], Round]


def bytes_of(item: Chunk | Gap) -> bytes:
    """Output that is all there.

    Raises:
        Faulty: a gap.
    """
    if isinstance(item, Gap):
        raise Faulty(f"a gap of {item.end - item.start} bytes: {item.reason}")
    return item.data


@contextmanager
def piped(words: Sequence[str], environment: dict[str, str] | None = None) -> Iterator[int]:
    """A process's standard output, as a descriptor; the process must succeed.

    Raises:
        Faulty: it failed.
    """
    with subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        yield process.stdout.fileno()
        complaint = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise Faulty(f"{words[0]} ended with {process.returncode}: {complaint}")


def count_bytes(descriptor: int) -> int:
    """Read everything, and keep nothing of it."""
    buffer = memoryview(bytearray(READ_BYTES))
    total = 0
    while count := os.readv(descriptor, [buffer]):
        total += count
    return total


def seconds_to_first_byte(words: Sequence[str], environment: dict[str, str] | None = None) -> float:
    """From before the process is started until its first byte of output is here."""
    began = time.perf_counter()
    with piped(words, environment) as descriptor:
        if not os.read(descriptor, 1):
            raise Faulty(f"{words[0]} wrote nothing")
        took = time.perf_counter() - began
        count_bytes(descriptor)
    return took
