"""From a command to the hub: one event loop, one `Hub`."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from arborlink.cli.notices import Notices
from arborlink.client import Hub
from arborlink.client.selection import default_workspace
from arborlink.protocol.resources import Workspace

# Long enough for a hub to restart, short enough for a person to wait.
RETRY_SECONDS: Final = 8.0

T = TypeVar("T")


def with_hub(work: Callable[[Hub], Awaitable[T]]) -> T:
    """What `work` returns."""
    notices = Notices()

    async def inside() -> T:
        async with Hub(
            retry_seconds=RETRY_SECONDS, on_connection=notices.connection, on_wait=notices.wait
        ) as hub:
            return await work(hub)

    return asyncio.run(inside())


async def choose_workspace(hub: Hub, ref: str | None) -> Workspace:
    """The workspace of `-w`, or without it the one that is meant here.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several.
    """
    if ref is not None:
        return await hub.workspace(ref)
    return default_workspace(await hub.workspaces(), socket.gethostname(), _here())


def _here() -> Path | None:
    try:
        return Path(os.getcwd())
    except FileNotFoundError:
        return None
