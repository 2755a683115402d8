"""A browser's session makes credentials only while its user proved lately who they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from arborlink.hub.access import Identity
from arborlink.hub.access.browsers import SESSION_SECONDS, NewSession
from arborlink.protocol.errors import NotAllowed, NotAuthenticated

from .conftest import World
from .test_devices import start

PASSWORD = "correct horse"
HOUR = 3_600.0
DAY = 86_400.0

Making = Callable[[World, Identity], Awaitable[object]]


async def make_token(world: World, identity: Identity) -> object:
    return await world.access.create_token(identity, "n", ["tasks:read"])


async def make_link(world: World, identity: Identity) -> object:
    return await world.access.create_link(identity)


async def make_user(world: World, identity: Identity) -> object:
    return await world.access.users.create(identity, "new", "member", None)


async def set_password_of_another(world: World, identity: Identity) -> object:
    other = world.store.user_by_name("mia")
    assert other is not None
    return await world.access.users.change(identity, other.id, password="another horse")


async def change_role(world: World, identity: Identity) -> object:
    other = world.store.user_by_name("mia")
    assert other is not None
    return await world.access.users.change(identity, other.id, role="owner")


async def set_first_password(world: World, identity: Identity) -> object:
    return await world.access.users.change(identity, identity.user_id, password=PASSWORD)


async def approve_program(world: World, identity: Identity) -> object:
    device = start(world)
    world.access.devices.decide(identity, device.user_code, True, None)
    return device


MAKINGS = (
    make_token,
    make_link,
    make_user,
    set_password_of_another,
    change_role,
    set_first_password,
    approve_program,
)


async def sign_in(world: World) -> NewSession:
    """The owner's browser, by a link that belongs to the account."""
    link = await world.access.create_sign_in_link()
    return await world.access.browsers.sign_in_with_link(link.secret)


def now(world: World, session: NewSession) -> Identity:
    """The session as its next request finds it."""
    return world.access.authenticate_session(session.secret)


@pytest.mark.parametrize("making", MAKINGS)
async def test_what_makes_a_credential_needs_a_proof_of_the_last_hour(
    world: World, making: Making
) -> None:
    await world.access.users.create(world.owner(), "mia", "member", None)
    session = await sign_in(world)
    world.pass_time(HOUR + 1)
    with pytest.raises(NotAllowed) as caught:
        await making(world, now(world, session))
    assert caught.value.code == "confirmation_needed"
    link = await world.access.create_sign_in_link()
    await world.access.confirmations.confirm(now(world, session), link=link.secret)
    world.pass_time(HOUR)
    await making(world, now(world, session))


async def test_a_session_that_has_just_begun_is_proven(world: World) -> None:
    session = await sign_in(world)
    await make_token(world, now(world, session))


async def test_a_password_confirms_and_a_wrong_one_does_not(world: World) -> None:
    await world.access.users.set_password(world.owner().user_id, PASSWORD)
    session = await sign_in(world)
    world.pass_time(2 * HOUR)
    for password in ("wrong horse", ""):
        with pytest.raises(NotAllowed) as caught:
            await world.access.confirmations.confirm(now(world, session), password=password)
        assert caught.value.code == "wrong_password"
    with pytest.raises(NotAllowed):
        await make_token(world, now(world, session))
    await world.access.confirmations.confirm(now(world, session), password=PASSWORD)
    await make_token(world, now(world, session))


async def test_an_account_without_a_password_is_not_confirmed_by_one(world: World) -> None:
    session = await sign_in(world)
    for password in ("", "anything at all"):
        with pytest.raises(NotAllowed) as caught:
            await world.access.confirmations.confirm(now(world, session), password=password)
        assert caught.value.code == "wrong_password"


async def test_the_current_password_is_proof_enough_for_ones_own(world: World) -> None:
    owner_id = world.owner().user_id
    await world.access.users.set_password(owner_id, PASSWORD)
    session = await sign_in(world)
    world.pass_time(2 * HOUR)
    changed = await world.access.users.change(
        now(world, session), owner_id, password="another horse", current_password=PASSWORD
    )
    assert changed.id == owner_id


async def test_another_accounts_link_and_a_used_one_confirm_nothing(world: World) -> None:
    mia = await world.access.users.create(world.owner(), "mia", "member", None)
    session = await sign_in(world)
    foreign = await world.access.create_sign_in_link(mia.id)
    for link in (foreign.secret, foreign.secret, "guess"):
        with pytest.raises(NotAllowed) as caught:
            await world.access.confirmations.confirm(now(world, session), link=link)
        assert caught.value.code == "wrong_link"


async def test_a_token_is_not_confirmed(world: World) -> None:
    with pytest.raises(NotAllowed) as caught:
        await world.access.confirmations.confirm(world.owner(), password=PASSWORD)
    assert caught.value.code == "browser_only"


async def test_a_session_belongs_to_what_it_was_last_proven_with(world: World) -> None:
    owner = world.owner()
    await world.access.users.set_password(owner.user_id, PASSWORD)
    row, secret = await world.access.create_token(owner, "n", ["admin"], seconds=HOUR)
    link = await world.access.create_link(world.access.authenticate_token(secret))
    session = await world.access.browsers.sign_in_with_link(link.secret)
    heard: list[str] = []
    world.access.on_changed(heard.append)
    assert now(world, session).maker_id == row.id
    await world.access.confirmations.confirm(now(world, session), password=PASSWORD)
    assert heard == [session.identity.token_id], "what it holds open comes back with the other end"
    await world.access.revoke_token(owner, row.id)
    identity = now(world, session)
    assert (identity.maker_id, identity.maker_ends_at) == (None, None)
    made, _ = await world.access.create_token(identity, "n", ["tasks:read"])
    assert (made.made_by, made.expires_at) == (None, None)


async def test_a_session_confirmed_by_a_tokens_link_ends_with_that_token(world: World) -> None:
    owner, session = world.owner(), await sign_in(world)
    row, secret = await world.access.create_token(owner, "n", ["admin"])
    link = await world.access.create_link(world.access.authenticate_token(secret))
    await world.access.confirmations.confirm(now(world, session), link=link.secret)
    await world.access.revoke_token(owner, row.id)
    with pytest.raises(NotAuthenticated):
        now(world, session)


async def test_no_use_keeps_a_session_beyond_its_lifetime(world: World) -> None:
    session = await sign_in(world)
    lifetime = world.access.settings.session_lifetime_seconds
    assert lifetime == 90 * DAY and lifetime > SESSION_SECONDS
    for _ in range(89):
        world.pass_time(DAY)
        identity = now(world, session)
        assert identity.session_expires_at is not None
        await world.store.check_writable()
    assert identity.session_expires_at == identity.expires_at
    world.pass_time(DAY - 1)
    now(world, session)
    world.pass_time(1)
    with pytest.raises(NotAuthenticated):
        now(world, session)


async def test_confirming_does_not_make_a_session_live_longer(world: World) -> None:
    session = await sign_in(world)
    await world.access.users.set_password(world.owner().user_id, PASSWORD)
    session = await world.access.browsers.sign_in_with_password("owner", PASSWORD)
    ends_at = now(world, session).expires_at
    world.pass_time(20 * DAY)
    await world.access.confirmations.confirm(now(world, session), password=PASSWORD)
    assert now(world, session).expires_at == ends_at
