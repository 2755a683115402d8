"""One hub and one daemon for all tests of a module that breaks neither."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.arbor import Arbor


@contextmanager
def running(folder: Path, *, with_daemon: bool = True) -> Iterator[Arbor]:
    """A hub, and a daemon unless it is to be without, in an empty home below `folder`."""
    pair = Arbor(folder / "home", folder / "workspace")
    try:
        pair.start_hub()
        if with_daemon:
            pair.start_daemon()
        yield pair
    finally:
        pair.stop()


def end_all(arbor: Arbor) -> None:
    """Whatever runs is cancelled."""
    body = arbor.api("/api/tasks?status=running")
    assert isinstance(body, dict)
    ids = [str(task["id"]) for task in body["items"]]
    if ids:
        arbor.run("cancel", *ids)


@pytest.fixture(scope="module")
def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arbor]:
    """A hub and a daemon for a module, which says `arbor = one_for_all`."""
    with running(tmp_path_factory.mktemp("arbor")) as pair:
        yield pair
        end_all(pair)
