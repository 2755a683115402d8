"""An `Access` over a real store, in a world whose clock stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import argon2
import pytest

from arborlink.hub.access import Access, Environment, Identity
from arborlink.hub.settings import HubSettings
from arborlink.hub.store.base import WorkspaceRow
from arborlink.hub.store.base_access import UserRow
from arborlink.hub.store.sqlite import SqliteStore
from arborlink.protocol.resources import ALL_SCOPES

CHEAP_HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class World:
    """The store, the access to it, and a clock that only `pass_time` moves."""

    store: SqliteStore
    access: Access
    seconds: float = 1_000_000.0

    def pass_time(self, seconds: float) -> None:
        """Later."""
        self.seconds += seconds

    def owner(self, workspace_id: str | None = None) -> Identity:
        """The owner, if need be with a credential that is limited to a workspace."""
        return identity_of(self.store.owner(), workspace_id)

    async def add_workspace(self, name: str, owner: Identity) -> str:
        """The id of a new workspace of somebody's."""
        row = WorkspaceRow(
            id=self.access.environment.new_id("ws"),
            name=name,
            owner_id=owner.user_id,
            owner_name=owner.username,
            created_at=1,
        )
        return (await self.store.add_workspace(row)).id

    async def add_member(self, name: str) -> Identity:
        """Somebody who is not the owner."""
        row = UserRow(
            id=self.access.environment.new_id("usr"), username=name, role="member", created_at=1
        )
        return identity_of(await self.store.add_user(row), None)


def identity_of(user: UserRow | None, workspace_id: str | None) -> Identity:
    """Somebody with all scopes."""
    assert user is not None
    return Identity(
        user_id=user.id,
        username=user.username,
        role=user.role,
        kind="token",
        scopes=frozenset(ALL_SCOPES),
        workspace_id=workspace_id,
    )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A hub's access after its first start."""
    store = await SqliteStore.open(tmp_path / "hub.sqlite3", lambda: "hub_1")
    world: World
    environment = Environment(
        unix_us=lambda: round(world.seconds * 1_000_000), monotonic=lambda: world.seconds
    )
    access = Access(store, HubSettings(), environment, hasher=CHEAP_HASHER)
    world = World(store, access)
    await access.bootstrap(None)
    yield world
    await store.close()
