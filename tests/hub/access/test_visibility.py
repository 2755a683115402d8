"""Somebody else's thing is not found."""

from __future__ import annotations

import pytest

from arborlink.hub.access import Identity
from arborlink.hub.store.base import TaskQuery
from arborlink.protocol.errors import NotFound

from ..store import rows
from .conftest import World


async def _two_of_each(world: World) -> tuple[Identity, str, str]:
    member = await world.add_member("member")
    mine = await world.add_workspace("mine", member)
    theirs = await world.add_workspace("theirs", world.owner())
    await world.store.add_task(rows.task(1, workspace_id=mine))
    await world.store.add_task(rows.task(2, workspace_id=theirs))
    return member, mine, theirs


async def test_a_member_sees_what_is_theirs_and_the_owner_everything(world: World) -> None:
    member, mine, theirs = await _two_of_each(world)
    visibility = world.access.visibility
    assert visibility.workspace(member, mine).id == mine
    assert visibility.task(member, rows.task_id(1)).workspace_id == mine
    assert [row.id for row in await visibility.workspaces(member)] == [mine]
    assert visibility.workspace_ids(member) == [mine]
    for missing in (theirs, "ws_other", "../../x"):
        with pytest.raises(NotFound):
            visibility.workspace(member, missing)
    for missing in (rows.task_id(2), "tsk_other"):
        with pytest.raises(NotFound):
            visibility.task(member, missing)
    assert {row.id for row in await visibility.workspaces(world.owner())} == {mine, theirs}
    assert set(visibility.workspace_ids(world.owner())) == {mine, theirs}
    assert visibility.task(world.owner(), rows.task_id(1)).workspace_id == mine


async def test_a_limited_credential_sees_one_workspace(world: World) -> None:
    _, mine, theirs = await _two_of_each(world)
    limited = world.owner(mine)
    visibility = world.access.visibility
    assert [row.id for row in await visibility.workspaces(limited)] == [mine]
    assert visibility.workspace_ids(limited) == [mine]
    assert visibility.workspace_ids(world.owner("ws_other")) == []
    with pytest.raises(NotFound):
        world.access.visibility.workspace(limited, theirs)


async def test_queries_are_narrowed_to_what_may_be_seen(world: World) -> None:
    member, mine, theirs = await _two_of_each(world)
    narrow = world.access.visibility.narrow
    assert narrow(world.owner(), TaskQuery()) == TaskQuery()
    assert narrow(member, TaskQuery()).workspace_ids == frozenset({mine})
    both = TaskQuery(workspace_ids=frozenset({mine, theirs}))
    assert narrow(member, both).workspace_ids == frozenset({mine})
    assert narrow(world.owner(theirs), both).workspace_ids == frozenset({theirs})
    other = narrow(member, TaskQuery(workspace_ids=frozenset({theirs})))
    assert (await world.store.tasks(other)).rows == []


async def test_codes_and_daemons_of_others_are_not_found(world: World) -> None:
    member, _, theirs = await _two_of_each(world)
    with pytest.raises(NotFound):
        await world.access.enrolments.create_code(member, theirs)
    code = (await world.access.enrolments.create_code(world.owner(), theirs)).code
    daemon = await world.access.enrolments.redeem(code)
    with pytest.raises(NotFound):
        await world.access.remove_daemon(member, daemon.daemon_id)
    assert world.access.enrolments.daemon(world.owner(), daemon.daemon_id).id == daemon.daemon_id
