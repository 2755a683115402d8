"""Hundreds of daemons without tasks in one event loop, each with an address of its own.

What they share with real ones is what matters here: the link, the back-off and how hints are read.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from arborlink.daemon.dialing import (
    CLOSE_SECONDS,
    DEFAULT_PATH,
    DIAL_ERRORS,
    retry_after,
)
from arborlink.dialing import connecting
from arborlink.hub.store.base import WorkspaceRow
from arborlink.hub.store.base_access import EnrolmentRow, UserRow
from arborlink.hub.store.sqlite import DATABASE_FILE, SqliteStore
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.backoff import Backoff
from arborlink.protocol.codec import Codec
from arborlink.protocol.errors import may_reconnect
from arborlink.protocol.link import Close, LinkState, PeerLink
from arborlink.protocol.messages import PROTOCOL_VERSION, DaemonAuth, HostInfo
from tests.bounds import HANG_SECONDS

CODEC = Codec(json=False)
HOST = HostInfo(hostname="h", platform="linux", user="u", path="/w")
FAR_FUTURE = 2**62


async def enrol_herd(data_dir: Path, count: int) -> list[DaemonAuth]:
    """Workspaces with a daemon each, in the database of a hub that does not run yet."""
    store = await SqliteStore.open(data_dir / DATABASE_FILE, lambda: "hub_herd")
    owner = await store.ensure_owner(
        UserRow(id="usr_herd", username="owner", role="owner", created_at=1)
    )

    async def enrol(number: int) -> DaemonAuth:
        token, code = f"d_{number}_{'x' * 40}", hashlib.sha256(b"%d" % number).digest()
        workspace_id, daemon_id = f"ws_{number:04}", f"dmn_{number:04}"
        await store.add_workspace(
            WorkspaceRow(
                id=workspace_id,
                name=workspace_id,
                owner_id=owner.id,
                owner_name=owner.username,
                created_at=1,
            )
        )
        await store.add_enrolment(
            EnrolmentRow(
                code_hash=code,
                workspace_id=workspace_id,
                created_by=owner.id,
                expires_at=FAR_FUTURE,
            ),
            1,
        )
        await store.redeem_enrolment(code, daemon_id, hashlib.sha256(token.encode()).digest(), 1)
        return DaemonAuth(
            daemon_id=daemon_id,
            auth_token=token,
            workspace_id=workspace_id,
            instance_id=f"i{number}",
            protocol=PROTOCOL_VERSION,
            version="1",
            host=HOST,
        )

    auths = await asyncio.gather(*(enrol(number) for number in range(count)))
    await store.close()
    return auths


@dataclass
class HerdDaemon:
    """One of them. `refusals`: how often the hub said no; `hints`: how long it asked to wait."""

    auth: DaemonAuth
    address: str
    url: str
    random: random.Random
    refusals: int = 0
    hints: list[float | None] = field(default_factory=list)
    welcomed_at: float | None = None

    def __post_init__(self) -> None:
        self.known = KnownHub(self.url.replace("ws", "http", 1).removesuffix(DEFAULT_PATH))

    async def serve(self) -> None:
        """Connect, and connect again, for ever."""
        backoff = Backoff(self.random.random)
        while True:
            hint = await self._once(backoff)
            self.hints.append(hint)
            await asyncio.sleep(backoff.next_delay(hint))

    async def _once(self, backoff: Backoff) -> float | None:
        """One attempt, and the connection if it was one; how long the hub wants it to wait."""
        try:
            connection = await self._dial()
        except InvalidStatus as error:
            self.refusals += 1
            return retry_after(error, None, "")
        except DIAL_ERRORS as error:
            return retry_after(error, None, "")
        link = PeerLink(self.auth, time.monotonic())
        try:
            while True:
                await self._turn(connection, link)
                if link.state is LinkState.OPEN and self.welcomed_at is None:
                    self.welcomed_at = time.monotonic()
                    backoff.succeeded()
        except ConnectionClosed:
            self.refusals += self.welcomed_at is None
            self.welcomed_at = None
            assert may_reconnect(connection.close_code or 1006), connection.close_reason
            return retry_after(None, connection.close_code, connection.close_reason or "")

    async def _dial(self) -> ClientConnection:
        return await connecting(
            self.url,
            self.known,
            ping_interval=None,
            # All are in one process, which is slow at a thousand handshakes on a busy machine.
            open_timeout=HANG_SECONDS,
            close_timeout=CLOSE_SECONDS,
            local_addr=(self.address, 0),
        )

    async def _turn(self, connection: ClientConnection, link: PeerLink) -> None:
        """Send what there is, then wait for something."""
        for message in link.to_send():
            assert not isinstance(message, Close), link.failure
            await connection.send(CODEC.encode(message))
        deadline = link.next_deadline()
        assert deadline is not None
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                frame = await connection.recv()
        except TimeoutError:
            link.on_deadline(time.monotonic())
        else:
            link.receive(CODEC.hub_to_daemon.decode(frame), time.monotonic())
            link.events()


@asynccontextmanager
async def herd(url: str, auths: list[DaemonAuth], seed: int) -> AsyncIterator[list[HerdDaemon]]:
    """The daemons, at work while inside. 127.1.0.1 and so on are this machine, too."""
    seeds = random.Random(seed)
    daemons = [
        HerdDaemon(
            auth,
            f"127.1.{number // 250}.{number % 250 + 1}",
            url,
            random.Random(seeds.random()),
        )
        for number, auth in enumerate(auths)
    ]
    async with asyncio.TaskGroup() as group:
        serving = [group.create_task(daemon.serve()) for daemon in daemons]
        try:
            yield daemons
        finally:
            for task in serving:
                task.cancel()
