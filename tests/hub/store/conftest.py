"""A store with an owner and a workspace in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from arborlink.hub.store.sqlite import SqliteStore

from . import rows


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open SQLite store with workspace 1."""
    store = await SqliteStore.open(tmp_path / "hub.sqlite3", lambda: "hub_1")
    await store.ensure_owner(rows.OWNER)
    await store.add_workspace(rows.workspace(1))
    yield store
    await store.close()
