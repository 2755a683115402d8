"""A hub double and a real daemon: one each for a test, or shared by a module's tests."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from .daemon_process import DaemonProcess, daemon_process
from .hub_double import HubDouble, HubTask, running_hub


@dataclass
class Arena:
    """A hub and a daemon that is connected to it. `run` gives every task an id of its own."""

    hub: HubDouble
    daemon: DaemonProcess
    workspace: Path
    numbers: Iterator[int]

    def task_id(self) -> str:
        """One that was not used yet."""
        return f"tsk_{next(self.numbers)}"

    async def run(self, command: str, *args: str, **more: object) -> HubTask:
        """Run a command to its end."""
        return await self.hub.run(command, *args, task_id=self.task_id(), **more)

    async def start(self, command: str, *args: str, **more: object) -> HubTask:
        """Start a command."""
        return await self.hub.start(command, *args, task_id=self.task_id(), **more)

    async def printed(self, task: HubTask, text: bytes) -> None:
        """Wait for output."""
        await self.hub.until(lambda: text in task.stdout)


@asynccontextmanager
async def make_arena(
    folder: Path, *options: str, hub: HubDouble | None = None, env: dict[str, str] | None = None
) -> AsyncIterator[Arena]:
    """A hub and a daemon below `folder`."""
    workspace = folder / "workspace"
    workspace.mkdir()
    hub = hub or HubDouble()
    async with (
        running_hub(hub),
        daemon_process(folder / "home", workspace, hub.port, *options, env=env) as daemon,
    ):
        await hub.until(lambda: hub.connection is not None)
        yield Arena(hub, daemon, workspace, itertools.count())


@pytest_asyncio.fixture
async def arena(tmp_path: Path) -> AsyncIterator[Arena]:
    """One of the test's own."""
    async with make_arena(tmp_path) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    """One for all tests of a module."""
    async with make_arena(tmp_path_factory.mktemp("arena")) as made:
        yield made
