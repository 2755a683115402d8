"""What a password costs to guess: as the hub is put together, and not as the tests' hubs are."""

from __future__ import annotations

from pathlib import Path

import argon2
import pytest

from tests.hub.live.bench import QUICK_HASHER, running_bench

KIB_64_MIB = 65_536


@pytest.mark.parametrize(("hasher", "memory"), [(None, KIB_64_MIB), (QUICK_HASHER, 8_192)])
async def test_a_hub_hashes_as_rfc_9106_recommends_unless_it_is_given_another_hasher(
    tmp_path: Path, hasher: argon2.PasswordHasher | None, memory: int
) -> None:
    """Section 4, second choice: argon2id, t=3, m=64 MiB. One lane: threads are the hub's own."""
    async with running_bench(tmp_path, hasher=hasher) as bench:
        owner = bench.hub.store.owner()
        assert owner is not None
        path = f"/api/users/{owner.id}"
        answer = await bench.client.patch(path, json={"password": "a long enough password"})
        assert answer.status_code == 200
        owner = bench.hub.store.owner()
    assert owner is not None
    stored = owner.password_hash
    assert stored is not None
    assert stored.startswith(f"$argon2id$v=19$m={memory},t=3,p=1$")
