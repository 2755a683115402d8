"""A hub that may have few descriptors: nobody takes those of the others."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from arborlink.protocol.messages import ViewerAuth, ViewerWelcome
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, command
from tests.hub.front.wire import wire_to
from tests.hub.live.peers import dialled_viewer

DESCRIPTORS = 256
# What the hub divides them into: viewers have an eighth, and one user a quarter of that.
VIEWERS, PER_USER = 32, 8
TOKENS = 6


class Poor(Arbor):
    """A hub that may have DESCRIPTORS open files, and not raise that."""

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        if arguments[0] != "hub":
            return super()._start(*arguments)
        limited = ["sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh", *command(arguments)]
        with (self.home / "hub.log").open("ab") as log:
            return subprocess.Popen(
                limited,
                env=self.environment({"ARBOR_BOOTSTRAP_TOKEN": TOKEN}),
                cwd=self.workspace,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


@pytest.fixture
def poor(tmp_path: Path) -> Iterator[Arbor]:
    arbor = Poor(tmp_path / "home", tmp_path / "workspace")
    try:
        arbor.start_hub()
        yield arbor
    finally:
        arbor.stop()


async def tokens(arbor: Arbor, client: httpx2.AsyncClient, name: str) -> list[str]:
    """Tokens of a new member that may only read."""
    owner = {"Authorization": f"Bearer {TOKEN}"}
    made = await client.post("/api/users", json={"username": name, "role": "member"}, headers=owner)
    link = made.json()["link"]["link"]
    page = {"Origin": arbor.url}
    await client.post("/api/session", json={"link": link}, headers=page)
    body = {"name": "n", "scopes": ["tasks:read"]}
    answers = [await client.post("/api/tokens", json=body, headers=page) for _ in range(TOKENS)]
    client.cookies.clear()
    return [str(each.json()["secret"]) for each in answers]


async def opened(arbor: Arbor, stack: AsyncExitStack, secret: str) -> int:
    """Open WebSockets with this token until one is refused; how many there are."""
    count = 0
    while True:
        viewer = await stack.enter_async_context(
            dialled_viewer(arbor.port, ViewerAuth(auth_token=secret))
        )
        try:
            await viewer.expect(ViewerWelcome)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            assert closed.rcvd.code in (1013, 4429) and "connections" in closed.rcvd.reason
            assert "retry in 5 seconds" in closed.rcvd.reason
            return count
        count += 1


async def besieged(arbor: Arbor) -> None:
    async with (
        AsyncExitStack() as stack,
        httpx2.AsyncClient(verify=False, base_url=arbor.url, timeout=HANG_SECONDS) as client,
    ):
        secrets = {name: await tokens(arbor, client, name) for name in ("mia", "noa", "ole", "pia")}
        counts = {
            name: [await opened(arbor, stack, secret) for secret in found]
            for name, found in secrets.items()
        }
        assert counts["mia"] == counts["noa"] == counts["ole"] == [PER_USER] + [0] * (TOKENS - 1)
        # Members together leave a quarter of the places to owners.
        assert sum(map(sum, counts.values())) == VIEWERS * 3 // 4
        # Requests that take long, of the same tokens: they hold places for HTTP, and not all.
        for number, secret in enumerate(secrets["mia"]):
            for _ in range(DESCRIPTORS // TOKENS):
                address = f"127.0.0.{number + 2}"
                wire = await stack.enter_async_context(wire_to(arbor.port, address=address))
                await wire.send(unfinished(secret))
        await asyncio.to_thread(arbor.start_daemon)
        done = await asyncio.to_thread(arbor.run, "run", "--", "echo", "here")
        assert (done.returncode, done.stdout) == (0, b"here\n"), done.stderr
        assert await opened(arbor, stack, TOKEN) >= 1


def unfinished(secret: str) -> bytes:
    """A request whose body the hub waits for once it knows who sent it."""
    return (
        b"POST /api/device/approve HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %b\r\n"
        b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n" % secret.encode()
    )


def test_one_read_only_token_leaves_room_for_a_daemon_and_the_owner(poor: Arbor) -> None:
    asyncio.run(besieged(poor))
