"""One hub a module, and a workspace of its own for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub with the default settings; tests that would disturb others run one of their own."""
    async with running_bench(tmp_path_factory.mktemp("hub")) as bench:
        yield bench


@pytest_asyncio.fixture(loop_scope="module")
async def identity(bench: Bench) -> DaemonIdentity:
    """A daemon's identity in a workspace of its own."""
    return await bench.enrolled()
