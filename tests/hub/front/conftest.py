"""A hub with small limits for all that is sent to it, and one that waits for nobody as well."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
# Only for tests of what is late: on a busy machine everything is.
TIMES: dict[str, Any] = {
    "request_head_seconds": 0.4,
    "request_body_seconds": 0.4,
    "response_stall_seconds": 0.4,
    "authentication_seconds": 0.6,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub, and a client that is signed in."""
    async with running_bench(tmp_path_factory.mktemp("hub"), **LIMITS) as bench:
        yield bench


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hasty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """A hub that gives nobody much time."""
    async with running_bench(tmp_path_factory.mktemp("hasty"), **LIMITS, **TIMES) as bench:
        yield bench
