"""The arena, once for all cases that a process runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import MEASURED
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


@pytest.fixture(autouse=True)
def slowest_answer(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """Record a test's slowest answer and the neighbour's longest silence, for the summary."""
    yield
    if "arena" not in request.fixturenames:
        return
    arena: Arena = request.getfixturevalue("arena")
    if arena.seconds:
        name = max(arena.seconds, key=arena.seconds.__getitem__)
        record_property(f"{MEASURED}the slowest answer, to {name}", round(arena.seconds[name], 3))
        arena.seconds.clear()
    silence = round(arena.neighbour.new_silence(), 3)
    if silence:
        record_property(f"{MEASURED}the neighbour's longest silence", silence)


@pytest.fixture
def wire(arena: Arena) -> Iterator[Wire]:
    """A connection to the hub, over which nothing has been sent yet."""
    with Wire(arena.port) as wire:
        yield wire
