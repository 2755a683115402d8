"""The hub that every cell of a module's matrix is tried at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from arborlink.testing.hub import TOKEN
from tests.hub.live.bench import running_bench
from tests.hub.matrix.world import RATES, World


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One hub for all of them."""
    folder: Path = tmp_path_factory.mktemp("hub")
    async with running_bench(folder, **RATES) as bench:
        world = World(bench, folder)
        await world.fill(TOKEN)
        yield world
        await world.close()
