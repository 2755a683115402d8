"""One hub and one daemon for all tests of a module that breaks neither."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
