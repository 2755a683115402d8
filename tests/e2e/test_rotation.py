"""Daemons' tokens are replaced while they work, and while either side is killed."""

from __future__ import annotations

import asyncio
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from arborlink.client import Chunk, Hub, NotAuthenticated
from arborlink.protocol.resources import Scope
from arborlink.testing.cell_reader import CellReader
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, wait_until
from tests.e2e.shared import mended, one_with
from tests.plain_http import HTTP

ROTATIONS = 20
SCOPES: list[Scope] = ["tasks:read"]
BYTES_PER_SECOND = 8 << 20
# More than sockets hold.
DOWNLOADED_BYTES = 64 << 20
# Until a token ends by itself. The first of them in which a download has begun is the one.
EXPIRY_SECONDS = (3.0, 12.0, 48.0)

# All tests together show more tokens that are good no more than may be guessed in a minute.
one_for_all = one_with(failed_authentications_per_minute=1_000)
arbor = mended


def endless(key: str) -> list[str]:
    """A child that writes cells until it is ended."""
    return [
        *(sys.executable, "-m", "arborlink.testing.cells", "--key", key),
        *("--rate", str(BYTES_PER_SECOND)),
    ]


def token(arbor: Arbor) -> str:
    """The daemon's, as it is on disk."""
    (file,) = (arbor.home / "daemons").glob("*/identity.toml")
    return str(tomllib.loads(file.read_text())["auth_token"])


def connection(arbor: Arbor) -> dict[str, Any]:
    """The daemon's, as the hub sees it."""
    body = arbor.api("/api/connections")
    assert isinstance(body, dict)
    (found,) = (each for each in body["items"] if each["kind"] == "daemon")
    return dict(found)


def daemon_id(arbor: Arbor) -> str:
    """The daemon's id."""
    workspace = arbor.api(f"/api/workspaces/{arbor.workspace_id}")
    assert isinstance(workspace, dict)
    return str(workspace["daemonId"])


def is_refused(arbor: Arbor, auth_token: str) -> bool:
    """Whether nobody is let in as this daemon with this token."""
    identity = {"daemonId": daemon_id(arbor), "workspaceId": arbor.workspace_id}
    host = {"hostname": "h", "platform": "p", "user": "u", "path": "/"}
    message = {"type": "auth", "authToken": auth_token, "instanceId": "i", "protocol": 1}
    message |= {**identity, "version": "1", "host": host, "tasks": []}
    with connect(
        arbor.url.replace("http", "ws") + "/api/ws", proxy=None, open_timeout=HANG_SECONDS
    ) as socket:
        socket.send(httpx2.Request("POST", "http://x", json=message).content.decode())
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=HANG_SECONDS)
        return socket.close_code == 4501


def expired(arbor: Arbor, secret: str) -> bool:
    """Whether the API token is not good any more."""
    headers = {"Authorization": f"Bearer {secret}"}
    return HTTP.get(f"{arbor.url}/api/me", headers=headers).status_code == 401


def ask(arbor: Arbor) -> None:
    """For another token, without waiting for it."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    path = f"{arbor.url}/api/daemons/{daemon_id(arbor)}/rotate"
    assert HTTP.post(path, headers=headers).status_code == 202


def settled(arbor: Arbor) -> bool:
    """Whether the daemon is connected and has what was asked for."""
    try:
        found = arbor.api(f"/api/daemons/{daemon_id(arbor)}")
    except httpx2.TransportError:
        return False
    assert isinstance(found, dict)
    return bool(found["connected"]) and found["rotationRequestedAt"] is None


async def test_a_task_runs_through_twenty_rotations(arbor: Arbor) -> None:
    before = connection(arbor)
    used = [token(arbor)]
    reader = CellReader("rotated")
    received = asyncio.Event()
    async with Hub(arbor.url, TOKEN) as hub:
        task = await hub.run(*endless("rotated"))

        async def read() -> None:
            async for piece in task.output():
                assert isinstance(piece, Chunk), piece
                reader.feed(piece.data)
                received.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            for _ in range(ROTATIONS):
                received.clear()
                await received.wait()
                if not await hub.rotate(arbor.workspace_id):
                    await asyncio.to_thread(wait_until, lambda: settled(arbor), "the new token")
                used.append(await asyncio.to_thread(token, arbor))
            await task.cancel()
        ended = await task.wait()
    assert (ended.status, ended.gaps) == ("cancelled", [])
    assert reader.finish(ended.output_size) == []
    assert len(set(used)) == ROTATIONS + 1
    after = connection(arbor)
    assert (after["id"], after["reconnects"]) == (before["id"], before["reconnects"])
    assert all(is_refused(arbor, used[each]) for each in (0, ROTATIONS // 2, ROTATIONS - 1))
    assert after["id"] == connection(arbor)["id"], "nor did guessing disturb it"


@pytest.mark.parametrize("victim", ["hub", "connector", "supervisor"])
def test_whoever_is_killed_in_a_rotation_the_daemon_comes_back(arbor: Arbor, victim: str) -> None:
    old = token(arbor)
    kill: dict[str, Callable[[], None]] = {
        "hub": arbor.kill_hub,
        "connector": arbor.kill_connector,
        "supervisor": arbor.kill_supervisor,
    }
    for _ in range(3):
        ask(arbor)
        kill[victim]()
        if victim == "hub":
            arbor.start_hub()
        if victim == "supervisor":
            arbor.start_daemon()
        wait_until(lambda: settled(arbor), "the daemon to be back with another token")
    assert token(arbor) != old
    assert is_refused(arbor, old)
    done = arbor.run("run", "--", "echo", "works")
    assert (done.stdout, done.returncode) == (b"works\n", 0)


def test_a_hub_from_a_backup_before_a_rotation_lets_its_daemon_in(arbor: Arbor) -> None:
    old = token(arbor)
    copy = str(arbor.home / "copy.tar")
    assert arbor.run("hub", "backup", copy).returncode == 0
    assert arbor.run("rotate", "test").returncode == 0
    assert token(arbor) != old
    arbor.kill_hub()
    (arbor.home / "hub").rename(arbor.home / "hub-before")
    assert arbor.run("hub", "restore", copy).returncode == 0
    arbor.start_hub()
    wait_until(lambda: arbor.state() == "connected", "the daemon to be back")
    wait_until(lambda: token(arbor) == old, "it to know which token is good")
    assert b"the old one no longer works" in arbor.run("rotate", "test").stderr
    assert is_refused(arbor, old)


def test_the_command_says_whether_it_is_done(arbor: Arbor) -> None:
    old = token(arbor)
    done = arbor.run("rotate", "test")
    assert done.returncode == 0 and b"the old one no longer works" in done.stderr, done.stderr
    assert token(arbor) != old
    assert token(arbor).encode() not in done.stdout + done.stderr
    assert arbor.daemon is not None
    arbor.daemon.terminate()
    arbor.daemon.wait()
    away = arbor.run("rotate", "test")
    assert away.returncode == 0 and b"when it is back" in away.stderr, away.stderr
    before = token(arbor)
    arbor.start_daemon()
    wait_until(lambda: settled(arbor), "the daemon to have its token")
    assert token(arbor) != before
    assert arbor.run("rotate", "nothing").returncode == 1


async def test_a_revoked_token_ends_what_it_watches(arbor: Arbor) -> None:
    async with Hub(arbor.url, TOKEN) as owner:
        given = await owner.create_token("watching", scopes=["tasks:read", "tasks:write"])
        async with Hub(arbor.url, given.secret) as watching:
            task = await watching.run("sh", "-c", "echo begun; exec sleep 1000")
            output = task.output()
            first = await anext(output)
            assert isinstance(first, Chunk) and first.data == b"begun\n"
            await owner.revoke_token(given.id)
            with took("the end of what a revoked token watches"), pytest.raises(NotAuthenticated):
                await anext(output)
        running = await owner.task(task.id)
        assert running.info.status == "running", "it was not the task that ended"
        await running.cancel()


async def test_so_do_the_outputs_that_are_downloaded_with_it(arbor: Arbor) -> None:
    """Also for a reader that takes nothing, and when a token ends by itself."""
    async with Hub(arbor.url, TOKEN) as owner, AsyncExitStack() as stack:
        task = await owner.run("head", "-c", str(DOWNLOADED_BYTES), "/dev/zero")
        await task.wait()
        revoked = await owner.create_token("revoked", scopes=SCOPES)
        one = await stack.enter_async_context(Hub(arbor.url, revoked.secret))
        first = await stack.enter_async_context(one.stored_output(task.id))
        own = await stack.enter_async_context(owner.stored_output(task.id))
        secret, second = await begun_in_time(owner, stack, task.id)
        await owner.revoke_token(revoked.id)
        with took("the end of a download with a revoked token"):
            await broken_off(first)
        await asyncio.to_thread(wait_until, lambda: expired(arbor, secret), "its end")
        await broken_off(second)
        assert len(await own.aread()) == DOWNLOADED_BYTES


async def begun_in_time(
    owner: Hub, stack: AsyncExitStack, task_id: str
) -> tuple[str, httpx2.Response]:
    """A token that ends by itself, and a download that began before."""
    for seconds in EXPIRY_SECONDS:
        short = await owner.create_token("short", scopes=SCOPES, expires_in=seconds)
        hub = await stack.enter_async_context(Hub(owner.url, short.secret))
        with suppress(NotAuthenticated):
            return short.secret, await stack.enter_async_context(hub.stored_output(task_id))
    raise AssertionError(f"no download began within {EXPIRY_SECONDS[-1]:g} s")


@contextmanager
def took(what: str) -> Iterator[None]:
    """Print how long it took. It is no limit: a machine without time for the hub is slow."""
    began = time.monotonic()
    yield
    print(f"{what}: {(time.monotonic() - began) * 1_000:.0f} ms")


async def broken_off(response: httpx2.Response) -> None:
    """Read what has arrived: the rest never comes."""
    with pytest.raises(httpx2.TransportError):
        async with asyncio.timeout(HANG_SECONDS):
            await response.aread()
