"""One hub a module, with the limits as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub.live.bench import Bench, running_bench


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub with the default settings."""
    async with running_bench(tmp_path_factory.mktemp("hub")) as bench:
        yield bench
