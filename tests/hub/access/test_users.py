"""Accounts: who may change what, and what ends when somebody does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import argon2
import pytest

from arborlink.hub.access import Access, Identity
from arborlink.hub.settings import HubSettings
from arborlink.hub.store.base_access import UserRow
from arborlink.protocol.errors import Conflict, InvalidInput, NotAllowed, NotAuthenticated, NotFound
from tests.bounds import HANG_SECONDS

from .conftest import World, identity_of

PASSWORD = "correct horse"


async def member(world: World, name: str = "mia") -> Identity:
    """A member with a password, signed in with a browser."""
    await world.access.users.create(world.owner(), name, "member", PASSWORD)
    return (await world.access.browsers.sign_in_with_password(name, PASSWORD)).identity


async def test_only_owners_manage_accounts(world: World) -> None:
    mia, users = await member(world), world.access.users
    owner_id = world.owner().user_id
    one = await world.add_workspace("one", world.owner())
    for identity in (mia, world.owner(one)):
        with pytest.raises(NotAllowed):
            users.all(identity)
        with pytest.raises(NotAllowed):
            await users.create(identity, "eve", "owner", None)
        with pytest.raises(NotAllowed):
            await users.change(identity, mia.user_id, role="owner")
        with pytest.raises(NotAllowed):
            await users.remove(identity, owner_id)
    # Whether somebody is there is not said to those who may not know.
    for user_id in (owner_id, "usr_nobody"):
        with pytest.raises(NotAllowed):
            await users.change(mia, user_id, password="another horse")
    assert [row.username for row in users.all(world.owner())] == ["mia", "owner"]


async def test_a_password_of_ones_own_needs_the_one_before(world: World) -> None:
    mia, users = await member(world), world.access.users
    for wrong in (None, "", "wrong horse"):
        with pytest.raises(NotAllowed) as caught:
            await users.change(mia, mia.user_id, password="another horse", current_password=wrong)
        assert caught.value.code == "wrong_password"
    await users.change(mia, mia.user_id, password="another horse", current_password=PASSWORD)
    with pytest.raises(NotAuthenticated):
        await world.access.browsers.sign_in_with_password("mia", PASSWORD)
    assert await world.access.browsers.sign_in_with_password("mia", "another horse")


class Gated(argon2.PasswordHasher):
    """Hashes as soon as the gate is open; `waits` is set once something waits for that."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.waits, self.gate = threading.Event(), threading.Event()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """As the base, later."""
        self.waits.set()
        assert self.gate.wait(HANG_SECONDS)
        return super().hash(password, salt=salt)


@pytest.mark.parametrize("made", ["a password", "an account"])
async def test_who_is_signed_out_while_a_password_waits_for_its_turn_changes_nothing(
    world: World, made: str
) -> None:
    mia = await member(world)
    hasher = Gated()
    access = Access(world.store, HubSettings(), world.access.environment, hasher=hasher)
    link = await access.create_sign_in_link()
    thief = (await access.browsers.sign_in_with_link(link.secret)).identity
    before = world.store.user(mia.user_id), len(world.store.users())
    async with asyncio.TaskGroup() as group:
        work: Coroutine[Any, Any, UserRow]
        if made == "a password":
            work = access.users.change(thief, mia.user_id, password="stolen horse")
        else:
            work = access.users.create(thief, "eve", "owner", "stolen horse")
        change = group.create_task(refused(work))
        while not hasher.waits.is_set():
            await asyncio.sleep(0)
        await access.sign_out_everywhere(thief)
        hasher.gate.set()
        await change
    assert (world.store.user(mia.user_id), len(world.store.users())) == before


async def refused(work: Coroutine[Any, Any, UserRow]) -> None:
    with pytest.raises(NotAuthenticated):
        await work


async def test_without_a_password_the_first_one_is_free(world: World) -> None:
    link = await world.access.create_sign_in_link()
    owner = (await world.access.browsers.sign_in_with_link(link.secret)).identity
    assert not world.access.users.has_password(owner.user_id)
    with pytest.raises(InvalidInput):
        await world.access.users.change(owner, owner.user_id, password="short")
    await world.access.users.change(owner, owner.user_id, password=PASSWORD)
    assert world.access.users.has_password(owner.user_id)
    with pytest.raises(NotAllowed):
        await world.access.users.change(owner, owner.user_id, password="another horse")


async def test_a_new_password_ends_all_other_sessions(world: World) -> None:
    heard: list[str] = []
    world.access.on_revoked(heard.append)
    mia = await member(world)
    other = await world.access.browsers.sign_in_with_password("mia", PASSWORD)
    await world.access.users.change(
        mia, mia.user_id, password="another horse", current_password=PASSWORD
    )
    assert heard == [other.identity.token_id]
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_session(other.secret)
    assert [row.id for row in world.access.browsers.sessions(mia)] == [mia.token_id]
    await world.access.users.change(world.owner(), mia.user_id, password="owner's horse")
    assert heard == [other.identity.token_id, mia.token_id]
    assert world.access.browsers.sessions(mia) == []


async def test_a_role_counts_at_once(world: World) -> None:
    changed: list[str] = []
    world.access.on_changed(changed.append)
    owner_id = world.owner().user_id
    mia, users = await member(world), world.access.users
    ticket = world.access.issue_ticket(mia).ticket
    await users.change(world.owner(), mia.user_id, role="owner", username="Mia")
    assert changed == [mia.user_id]
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_viewer(ticket)
    promoted = identity_of(world.store.user(mia.user_id), None)
    assert promoted.username == "Mia" and len(users.all(promoted)) == 2
    await users.change(promoted, owner_id, role="member")
    with pytest.raises(Conflict) as caught:
        await users.change(promoted, promoted.user_id, role="member")
    assert caught.value.code == "last_owner"
    with pytest.raises(NotFound):
        await users.change(promoted, "usr_nobody", role="member")


async def test_who_is_removed_has_nothing_left(world: World) -> None:
    heard: list[str] = []
    world.access.on_revoked(heard.append)
    mia = await member(world)
    workspace_id = await world.add_workspace("hers", mia)
    token, secret = await world.access.create_token(mia, "n", ["tasks:read"])
    ticket = world.access.issue_ticket(mia).ticket
    with pytest.raises(Conflict) as caught:
        await world.access.users.remove(world.owner(), world.owner().user_id)
    assert caught.value.code == "own_account"
    removed = await world.access.users.remove(world.owner(), mia.user_id)
    assert removed.passed_on == [workspace_id]
    assert sorted(heard) == sorted([mia.user_id, str(mia.token_id), token.id])
    for credential in (secret, ticket):
        with pytest.raises(NotAuthenticated):
            await world.access.authenticate_viewer(credential)
    with pytest.raises(NotAuthenticated):
        await world.access.browsers.sign_in_with_password("mia", PASSWORD)
    assert world.access.visibility.workspace(world.owner(), workspace_id)


async def test_sessions_are_told_apart_and_ended(world: World) -> None:
    heard: list[str] = []
    world.access.on_revoked(heard.append)
    mia = await member(world)
    world.pass_time(60)
    other = await world.access.browsers.sign_in_with_password("mia", PASSWORD)
    listed = world.access.browsers.sessions(mia)
    assert [row.id for row in listed] == [other.identity.token_id, mia.token_id]
    link = await world.access.create_sign_in_link()
    owner = (await world.access.browsers.sign_in_with_link(link.secret)).identity
    with pytest.raises(NotFound):
        await world.access.end_session(owner, listed[0].id)
    await world.access.end_session(mia, listed[0].id)
    assert heard == [other.identity.token_id]
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_session(other.secret)
    await world.access.sign_out_everywhere(mia)
    assert heard == [other.identity.token_id, mia.token_id]
    assert [row.id for row in world.access.browsers.sessions(owner)] == [owner.token_id]


async def test_use_of_a_session_is_noted_once_a_minute(world: World) -> None:
    await member(world)
    world.pass_time(1)
    signed_in = await world.access.browsers.sign_in_with_password("mia", PASSWORD)
    first = signed_in.identity.session_expires_at

    async def seen() -> int | None:
        await world.store.check_writable()
        return world.access.browsers.sessions(signed_in.identity)[0].last_seen_at

    begun = await seen()
    world.pass_time(59)
    again = world.access.authenticate_session(signed_in.secret)
    assert (await seen(), again.session_expires_at) == (begun, first)
    world.pass_time(1)
    again = world.access.authenticate_session(signed_in.secret)
    assert first is not None and again.session_expires_at == first + 60_000_000
    assert begun is not None and await seen() == begun + 60_000_000
