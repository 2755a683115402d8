"""Asks a hub what an account sees of its workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from arborlink.client.selection import Seen
from arborlink.protocol.errors import NotAllowed
from arborlink.protocol.resources import WorkspaceOwner

if TYPE_CHECKING:
    from arborlink.client.hub import Hub


async def see(hub: Hub) -> Seen:
    """Return whose the token is, and all workspaces that it may see.

    A hub from before workspaces had an `owner` shows its owners those of all accounts. Where there
    is no other account, all are one's own.

    Raises:
        ArborError: the hub's answer, or `Unavailable`.
    """
    # One after the other: a command uses one connection.
    me = await hub.me()
    workspaces = await hub.workspaces()
    is_old = any(each.owner is None for each in workspaces)
    if is_old and me.role == "owner" and await _is_only_account(hub):
        owner = WorkspaceOwner(me.user_id, me.username)
        workspaces = [msgspec.structs.replace(each, owner=owner) for each in workspaces]
    return Seen(me, workspaces)


async def _is_only_account(hub: Hub) -> bool:
    try:
        return len(await hub.users()) == 1
    except NotAllowed:
        return False
