"""A daemon is given another token: stored before it is confirmed, whatever dies in between."""

from __future__ import annotations

import os
import signal
import stat
import tomllib
from pathlib import Path

from arborlink.daemon.stopping import REFUSED_EXIT_CODE
from arborlink.protocol.messages import Rotate

from .conftest import Arena, make_arena

OLD = "secret-of-the-daemon"


def stored(arena: Arena) -> tuple[str, str | None]:
    """The token on disk, and the one before it."""
    identity = tomllib.loads((arena.daemon.state / "identity.toml").read_text())
    return identity["auth_token"], identity.get("previous_token")


async def rotated(arena: Arena, number: int) -> None:
    """Offer a token, and wait until the daemon says that it has it."""
    await arena.hub.send(Rotate(rotation_id=f"rot_{number}", auth_token=f"new-{number}"))
    await arena.hub.until(lambda: f"rot_{number}" in arena.hub.rotated)


async def reconnected(arena: Arena) -> str:
    """Cut the connection; the token that the next one came with."""
    before = len(arena.hub.auths)
    assert arena.hub.connection is not None
    arena.hub.connection.transport.abort()
    await arena.hub.until(lambda: len(arena.hub.auths) > before)
    return arena.hub.auths[-1].auth_token


async def test_the_token_is_on_disk_before_it_is_confirmed_and_used_from_then_on(
    arena: Arena,
) -> None:
    await rotated(arena, 1)
    assert stored(arena) == ("new-1", OLD)
    assert stat.S_IMODE((arena.daemon.state / "identity.toml").stat().st_mode) == 0o600
    assert len(arena.hub.auths) == 1, "the connection goes on"
    assert await reconnected(arena) == "new-1"
    await rotated(arena, 2)
    assert stored(arena) == ("new-2", "new-1")
    assert (await reconnected(arena), arena.hub.refused_tokens) == ("new-2", [])


async def test_a_killed_connector_comes_back_with_the_new_token(arena: Arena) -> None:
    await rotated(arena, 1)
    before = len(arena.hub.auths)
    os.kill(arena.daemon.connector_pid, signal.SIGKILL)
    await arena.hub.until(lambda: len(arena.hub.auths) > before)
    assert arena.hub.auths[-1].auth_token == "new-1"


async def test_a_killed_supervisor_works_with_whichever_the_hub_knows(tmp_path: Path) -> None:
    """It died between storing and confirming; the hub may have forgotten that it offered one."""
    for name, good in (("forgot", OLD), ("knows", "new-1")):
        (tmp_path / name).mkdir()
        async with make_arena(tmp_path / name) as arena:
            await rotated(arena, 1)
            await arena.daemon.stop(signal.SIGKILL)
            await arena.hub.until(lambda a=arena: a.hub.connection is None)  # type: ignore[misc]
            arena.hub.tokens = {good}
            before = len(arena.hub.auths)
            await arena.daemon.start()
            await arena.hub.until(lambda a=arena, n=before: len(a.hub.auths) > n)  # type: ignore[misc]
            assert arena.hub.auths[-1].auth_token == good
            assert arena.hub.refused_tokens == ([] if good == "new-1" else ["new-1"])
            # Told in order: with the next thing that it does, the file is settled.
            await arena.run("true")
            assert stored(arena) == (good, OLD if good == "new-1" else "new-1")


async def test_a_hub_that_knows_neither_is_believed(arena: Arena) -> None:
    await rotated(arena, 1)
    arena.hub.tokens = set()
    assert arena.hub.connection is not None
    arena.hub.connection.transport.abort()
    assert await arena.daemon.wait() == REFUSED_EXIT_CODE
    assert arena.hub.refused_tokens == ["new-1", OLD]


async def test_a_token_that_cannot_be_stored_is_not_confirmed(arena: Arena) -> None:
    before = stored(arena)
    (arena.daemon.state / "identity.toml.new").mkdir()
    await arena.hub.send(Rotate(rotation_id="rot_1", auth_token="new-1"))
    # In order: once this has run, the daemon has made up its mind about the token.
    await arena.run("true")
    assert (stored(arena), arena.hub.rotated) == (before, [])
    assert b"cannot be stored" in arena.daemon.stderr
    (arena.daemon.state / "identity.toml.new").rmdir()
    assert await reconnected(arena) == OLD
    await rotated(arena, 2)
    assert stored(arena) == ("new-2", OLD)
