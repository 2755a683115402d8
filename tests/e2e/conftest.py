"""A running pair of hub and daemon for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.arbor import Arbor
from tests.e2e.shared import mended, one_for_all

__all__ = ["arbor", "mended", "one_for_all"]


@pytest.fixture
def arbor(tmp_path: Path) -> Iterator[Arbor]:
    """Hub and daemon, started in an empty home."""
    pair = Arbor(tmp_path / "home", tmp_path / "workspace")
    try:
        pair.start_hub()
        pair.start_daemon()
        yield pair
    finally:
        pair.stop()
