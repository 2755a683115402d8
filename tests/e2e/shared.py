"""One hub and one daemon for all tests of a module, which may break them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.arbor import Arbor, wait_until


@contextmanager
def running(
    folder: Path, *, with_daemon: bool = True, settings: Mapping[str, float] | None = None
) -> Iterator[Arbor]:
    """A hub, and a daemon unless it is to be without, in an empty home below `folder`.

    `settings`: the hub's, if not those that it comes with.
    """
    pair = Arbor(folder / "home", folder / "workspace")
    if settings:
        pair.configure(**settings)
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


def mend(arbor: Arbor) -> None:
    """Start what a test before has killed, end what it left running, and empty the logs.

    So a test finds what it would find in a home of its own, but for tasks that are over.
    """
    if arbor.hub is None or arbor.hub.poll() is not None:
        arbor.start_hub()
    if arbor.daemon is None or arbor.daemon.poll() is not None:
        arbor.start_daemon()
    wait_until(lambda: arbor.state() == "connected", "the daemon to connect")
    end_all(arbor)
    for log in arbor.home.glob("*.log"):
        # Processes append to them, and go on at the new end.
        os.truncate(log, 0)


@pytest.fixture
def mended(one_for_all: Arbor) -> Arbor:
    """The module's hub and daemon, for a module that says `arbor = mended` and breaks them."""
    mend(one_for_all)
    return one_for_all


def one_with(**settings: float) -> Callable[[pytest.TempPathFactory], Iterator[Arbor]]:
    """A fixture: a hub with these settings and a daemon for a module.

    A module that needs other settings than the hub comes with says `one_for_all = one_with(…)`.
    """

    @pytest.fixture(scope="module")
    def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arbor]:
        with running(tmp_path_factory.mktemp("arbor"), settings=settings) as found:
            yield found

    return pair


# For a module that breaks neither and says `arbor = one_for_all`.
one_for_all = one_with()
