"""A hub with small limits for all that is sent to it, and hubs that are hasty about one thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.hub.live.bench import Bench, running_bench

LIMITS: dict[str, Any] = {
    "http_connections_per_address": 6,
    "message_fragments": 16,
    "pings_per_second": 0.01,
    "pings_burst": 5,
    "control_message_bytes": 64 * 1024,
    "output_frame_bytes": 64 * 1024,
    "unauthenticated_bytes": 64 * 1024,
    "failed_authentications_per_minute": 1_000,
}
SHORT_SECONDS = 0.4

Hasty = Callable[[str], AbstractAsyncContextManager[Bench]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub, and a client that is signed in."""
    async with running_bench(tmp_path_factory.mktemp("hub"), **LIMITS) as bench:
        yield bench


@pytest.fixture
def hasty(tmp_path: Path) -> Hasty:
    """Start a hub for which one of its times is short.

    Only one: on a busy machine everything is late, also what has to come before it.
    """
    return lambda name: running_bench(tmp_path, **{**LIMITS, name: SHORT_SECONDS})
