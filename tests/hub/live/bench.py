"""A hub in this process with what a test asks of it over HTTP, and peers that dial it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import argon2
import httpx2

from arborlink.hub.composition import Hub
from arborlink.hub.live.clock import now_us
from arborlink.hub.live.session import Session
from arborlink.hub.service.retention import Retention, RetentionLimits
from arborlink.hub.service.shortening import Shortening
from arborlink.hub.store.base import TaskRow
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.link import LinkState
from arborlink.protocol.messages import SpooledTask
from arborlink.testing.hub import TOKEN, hub_in_process
from tests.bounds import HANG_SECONDS, NEVER_SECONDS
from tests.hub.live.peers import (
    DaemonIdentity,
    Peer,
    ScriptedDaemon,
    ScriptedViewer,
    connected_daemon,
    connected_viewer,
)

POLL_SECONDS = 0.005
# Whoever is not the subject of a test has all the time it needs; a test of one of these times, or
# of one of these rates, sets it.
PATIENT: dict[str, object] = {
    "requests_burst": 10_000,
    "user_requests_burst": 10_000,
    "address_requests_burst": 10_000,
    "request_head_seconds": NEVER_SECONDS,
    "request_body_seconds": NEVER_SECONDS,
    "response_stall_seconds": NEVER_SECONDS,
    "authentication_seconds": NEVER_SECONDS,
}
# Of the hub's own kind, for a tenth of its cost: what a password costs is the subject of few tests.
QUICK_HASHER = argon2.PasswordHasher(memory_cost=8_192, parallelism=1)


class Bench:
    """The hub, and a client that is signed in with the owner's token."""

    def __init__(self, hub: Hub, port: int, client: httpx2.AsyncClient) -> None:
        self.hub = hub
        self.port = port
        self.client = client
        self._workspaces = 0

    # ── over HTTP ────────────────────────────────────────────────────────────────────────────

    async def post(self, path: str, body: Any = None, status: int = 201, **options: Any) -> Any:
        """POST; the answer, which must have this status."""
        response = await self.client.post(path, json=body, **options)
        assert response.status_code == status, response.text
        return response.json()

    async def enrolled(self) -> DaemonIdentity:
        """A new workspace with a daemon's identity."""
        self._workspaces += 1
        workspace = await self.post("/api/workspaces", {"name": f"w{self._workspaces}"})
        code = await self.post(f"/api/workspaces/{workspace['id']}/enrollment")
        given = await self.post("/api/enroll", {"code": code["code"]})
        return DaemonIdentity(given["workspaceId"], given["daemonId"], given["authToken"])

    async def create(self, workspace_id: str, command: str = "true", **fields: Any) -> str:
        """The id of a new task, which waits if it has to."""
        body = {"command": command, "ifOffline": "queue", **fields}
        return str((await self.post(f"/api/workspaces/{workspace_id}/tasks", body))["id"])

    async def token(self, scopes: Sequence[str], workspace_id: str | None = None) -> Any:
        """A new API token."""
        body = {"name": "n", "scopes": scopes, "workspaceId": workspace_id}
        return await self.post("/api/tokens", body)

    async def task(self, task_id: str) -> dict[str, Any]:
        """A task as the API shows it."""
        response = await self.client.get(f"/api/tasks/{task_id}")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def stored(self, task_id: str, **parameters: str) -> bytes:
        """A task's output as it is downloaded."""
        response = await self.client.get(f"/api/tasks/{task_id}/output", params=parameters)
        assert response.status_code == 200, response.text
        return response.content

    def retention(self, limits: RetentionLimits, unix_us: Callable[[], int] = now_us) -> Retention:
        """As the hub's own, with other limits and another clock."""
        store, daemons = self.hub.store, self.hub.daemons
        shortening = Shortening(store, daemons.outputs, daemons.flusher)
        return Retention(store, daemons.outputs, daemons.facts, limits, shortening, unix_us=unix_us)

    # ── inside ───────────────────────────────────────────────────────────────────────────────

    def row(self, task_id: str) -> TaskRow:
        """A task as it is stored."""
        row = self.hub.store.task(task_id)
        assert row is not None
        return row

    async def until(self, predicate: Callable[[], bool], what: str = "a state") -> None:
        """Wait for a state of the hub."""
        try:
            async with asyncio.timeout(HANG_SECONDS):
                while not predicate():
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}") from None

    async def becomes(self, task_id: str, status: TaskStatus) -> TaskRow:
        """Wait until a task has a status."""
        await self.until(lambda: self.row(task_id).status is status, f"{task_id} to be {status}")
        return self.row(task_id)

    def connected(self, workspace_id: str) -> bool:
        """Whether the workspace's daemon is connected."""
        return self.hub.daemons.presence.state(workspace_id).connected

    def session_of(self, peer: Peer) -> Session:
        """Find the hub's end of a peer's connection."""
        port = peer.socket.local_address[1]
        (session,) = [
            each
            for each in self.hub.sockets.sessions
            if each._websocket.client is not None and each._websocket.client.port == port
        ]
        return session

    @contextmanager
    def closing(self, *peers: Peer) -> Iterator[None]:
        """Assert that what is awaited inside closes these connections before it is over.

        "At once" as an order of events: when a request that takes a right away is answered, the
        hub has done with the connections that had it, and will send nothing more but the close.
        """
        sessions = [self.session_of(peer) for peer in peers]
        assert all(each.link.state is LinkState.OPEN for each in sessions)
        yield
        assert all(each.link.state is LinkState.CLOSED for each in sessions)

    def stop_time_for_budgets(self) -> None:
        """Give nothing back any more to who asks too often, however long the test takes."""
        access = self.hub.access
        for limiter in (*access.budgets.limiters(), access.devices._starts):
            now = limiter._monotonic()
            limiter._monotonic = lambda now=now: now  # type: ignore[misc]

    def start_time_for_budgets(self) -> None:
        """Let what has passed since `stop_time_for_budgets` count."""
        access = self.hub.access
        for limiter in (*access.budgets.limiters(), access.devices._starts):
            limiter._monotonic = time.monotonic

    # ── peers ────────────────────────────────────────────────────────────────────────────────

    def daemon(
        self,
        identity: DaemonIdentity,
        *,
        instance: str = "i1",
        tasks: Sequence[SpooledTask] = (),
        json: bool = False,
        capabilities: Sequence[str] = (),
    ) -> AbstractAsyncContextManager[ScriptedDaemon]:
        """A daemon that the hub has welcomed."""
        return connected_daemon(
            self.port,
            identity,
            instance=instance,
            tasks=tasks,
            json=json,
            capabilities=capabilities,
        )

    def viewer(
        self, token: str = TOKEN, *, json: bool = False, max_queue: int | None = 16
    ) -> AbstractAsyncContextManager[ScriptedViewer]:
        """A viewer that the hub has welcomed."""
        return connected_viewer(self.port, token, json=json, max_queue=max_queue)


@asynccontextmanager
async def running_bench(
    data_dir: Path,
    *,
    port: int = 0,
    hasher: Any = QUICK_HASHER,
    **settings: object,
) -> AsyncIterator[Bench]:
    """A hub that runs while inside; the same folder again is a restart.

    `hasher`: an `argon2.PasswordHasher`; None: the hub's own.
    """
    given = {**PATIENT, **settings}
    async with (
        hub_in_process(data_dir, port=port, hasher=hasher, **given) as running,
        httpx2.AsyncClient(
            verify=False,
            base_url=running.url,
            headers={"Authorization": f"Bearer {running.token}"},
            timeout=HANG_SECONDS,
        ) as client,
    ):
        yield Bench(running.hub, running.port, client)
