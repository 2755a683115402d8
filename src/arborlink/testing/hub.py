"""A real hub in this process and event loop: real SQLite, real sockets, in a folder of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import argon2

from arborlink.hub.composition import Hub, application, compose
from arborlink.hub.server import HubServer
from arborlink.hub.settings import load_settings

TOKEN = "in-process-hub-owner-token-0123456789abcdef"


class HubInProcess:
    """`url` and `token` are what a client needs; `hub` is the hub itself, for assertions."""

    def __init__(self, hub: Hub, port: int) -> None:
        self.hub = hub
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.token = TOKEN


@asynccontextmanager
async def hub_in_process(
    data_dir: Path,
    *,
    port: int = 0,
    hasher: argon2.PasswordHasher | None = None,
    **settings: object,
) -> AsyncIterator[HubInProcess]:
    """Serve while inside; drains and stops at the end.

    Args:
        data_dir: where its data is; the same one again is a restart.
        port: 0 lets the system choose.
        hasher: of passwords, if it is to be a cheaper one than the hub's own.
        settings: any other of the hub's settings.
    """
    flags = {"port": port, "data_dir": str(data_dir), "bootstrap_token": TOKEN, **settings}
    loaded = load_settings(flags, {})
    hub = await compose(loaded, hasher=hasher)
    await hub.access.bootstrap(loaded.bootstrap_token)
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = HubServer(
        application(hub),
        loaded,
        drain=hub.drain,
        on_listening=listening.set_result,
        own_signals=False,
    )
    async with hub.running(), asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        try:
            yield HubInProcess(hub, await listening)
        finally:
            server.should_exit = True
