"""From a command to the hub: one event loop, one `Hub`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from arborlink import home
from arborlink.cli.console import complain, say
from arborlink.cli.notices import Notices
from arborlink.cli.references import WORKSPACE_VARIABLE
from arborlink.client import Hub, InvalidInput, TaskHandle
from arborlink.client.credentials import load_for
from arborlink.client.seeing import see
from arborlink.client.selection import address, is_own, pick_workspace, workspace_here
from arborlink.folders import served_folders
from arborlink.private_files import ensure_private_file
from arborlink.protocol.resources import Principal, Workspace

# Long enough for a hub to restart, short enough for a person to wait.
RETRY_SECONDS: Final = 8.0

T = TypeVar("T")


def with_hub(work: Callable[[Hub], Awaitable[T]]) -> T:
    """What `work` returns.

    Raises:
        InvalidInput: `credentials.toml` is another user's, who could name another hub in it.
    """
    with suppress(FileNotFoundError):
        ensure_private_file(home.credentials_file(), complain)
    notices = Notices()

    async def inside() -> T:
        async with Hub(
            retry_seconds=RETRY_SECONDS,
            on_connection=notices.connection,
            on_wait=notices.wait,
            on_hub_key=notices.hub_key,
        ) as hub:
            return await work(hub)

    return asyncio.run(inside())


async def choose_workspace(hub: Hub, ref: str | None, *, doing: str) -> Workspace:
    """Return the workspace of `-w`; or without it that of ARBOR_WORKSPACE, of the current folder,
    of `arbor use -w`, or the only one. Says where it is if it is another account's, after `doing`,
    such as "running in".

    Raises:
        NotFound: there is none.
        InvalidInput: there are several, or it is another account's and was not named as such.
    """
    seen = await see(hub)
    ref = ref or os.environ.get(WORKSPACE_VARIABLE) or None
    if ref is None:
        found = workspace_here(seen, served_folders(), _here(), hub.url, _chosen_id(hub.url))
    else:
        found = pick_workspace(seen, ref)
    say_whose(found, seen.me, doing)
    return found


async def choose_task(hub: Hub, ref: str, *, doing: str) -> TaskHandle:
    """Return the task that `ref` means; says where it runs if that is another account's workspace.

    Raises:
        NotFound: there is none.
        InvalidInput: there are several, or it is another account's and was not named as such.
    """
    task = await hub.task(ref)
    me = await hub.me()
    workspace = await hub.workspace(task.info.workspace_id)
    say_whose(workspace, me, doing)
    return task


def _chosen_id(hub_url: str) -> str | None:
    """Return the id of the workspace that `arbor use -w` chose; None where the file is damaged."""
    try:
        stored = load_for(hub_url)
    except InvalidInput:
        return None
    return None if stored is None else stored.workspace


def folder_in(workspace: Workspace, cwd: str | None) -> str:
    """Return where in the workspace `--cwd` is: below the current folder, if that lies in it.

    What a daemon says of its folder does not count; its identity, which lies on this machine, does.
    """
    here = _here()
    for folder in served_folders():
        is_it = folder.workspace_id == workspace.id and folder.daemon_id == workspace.daemon_id
        if is_it and here is not None and here.is_relative_to(folder.path):
            return os.path.normpath(here.relative_to(folder.path) / (cwd or "."))
    return cwd or "."


def say_whose(workspace: Workspace, me: Principal, doing: str) -> None:
    """Say on stderr where a workspace is that belongs to another account."""
    if is_own(workspace, me):
        return
    place = "" if workspace.host is None else f" on {workspace.host}:{workspace.path}"
    say(f"{doing} {address(workspace)}{place}")


def _here() -> Path | None:
    try:
        return Path(os.path.realpath(os.getcwd()))
    except FileNotFoundError:
        return None
