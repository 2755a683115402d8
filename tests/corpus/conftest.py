"""The arena, once for all cases that a process runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.corpus.arena import Arena
from tests.corpus.http_wire import Wire


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Up and running; when all cases are over, nobody may have come to harm."""
    made = Arena(tmp_path_factory.mktemp("arena"))
    try:
        made.start()
        yield made
        assert made.verdict() == {}
    finally:
        made.stop()


@pytest.fixture
def wire(arena: Arena) -> Iterator[Wire]:
    """A connection to the hub, over which nothing has been sent yet."""
    with Wire(arena.port) as wire:
        yield wire
