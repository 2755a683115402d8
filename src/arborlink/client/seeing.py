"""Asks a hub which workspaces an account sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from arborlink.client.selection import Seen
from arborlink.protocol.errors import NotAllowed
from arborlink.protocol.resources import WorkspaceOwner

if TYPE_CHECKING:
    from arborlink.client.hub import Hub


async def see(hub: Hub) -> Seen:
    """Return the account of the token, and all workspaces that it sees.

    A hub of a release without `owner` of workspaces shows its owners those of all accounts. Where
    there is no other account, all belong to this one.

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
