"""Which of a daemon's tokens are good while it is given another one."""

from __future__ import annotations

import pytest

from arborlink.hub.access.enrolments import Enrolled
from arborlink.hub.access.rotations import MAX_OFFERS, OVERLAP_SECONDS, Offer
from arborlink.protocol.errors import NotAllowed, NotAuthenticated, NotFound

from .conftest import World


async def enrolled(world: World) -> Enrolled:
    """A daemon in a workspace of the owner's."""
    workspace_id = await world.add_workspace("one", world.owner())
    code = (await world.access.enrolments.create_code(world.owner(), workspace_id)).code
    return await world.access.enrolments.redeem(code)


async def offered(world: World, daemon: Enrolled) -> Offer:
    """A token that it may have."""
    world.pass_time(1)
    await world.access.rotations.request(world.owner(), daemon.daemon_id)
    offer = await world.access.rotations.offer(daemon.daemon_id)
    assert offer is not None
    return offer


async def is_good(world: World, daemon: Enrolled, token: str) -> bool:
    """Whether the daemon may come with it; coming with one that was offered settles it."""
    try:
        await world.access.authenticate_daemon(daemon.daemon_id, token, daemon.workspace_id)
    except NotAuthenticated:
        return False
    return True


def requested(world: World, daemon: Enrolled) -> bool:
    """Whether it is still to have another one."""
    row = world.store.daemon(daemon.daemon_id)
    assert row is not None
    return row.rotation_requested_at is not None


async def test_both_are_good_until_the_daemon_confirms(world: World) -> None:
    daemon = await enrolled(world)
    assert await world.access.rotations.offer(daemon.daemon_id) is None, "nobody asked"
    offer = await offered(world, daemon)
    assert offer.auth_token.startswith("arb_d_")
    assert await is_good(world, daemon, daemon.auth_token)
    assert requested(world, daemon)

    assert await world.access.rotations.settle(daemon.daemon_id, offer.rotation_id)
    assert not await is_good(world, daemon, daemon.auth_token)
    assert await is_good(world, daemon, offer.auth_token)
    assert not requested(world, daemon)
    assert not await world.access.rotations.settle(daemon.daemon_id, offer.rotation_id), "twice"
    row = world.store.daemon(daemon.daemon_id)
    assert row is not None and row.token_rotated_at == round(world.seconds * 1_000_000)


async def test_who_comes_with_the_new_one_has_confirmed_it(world: World) -> None:
    daemon = await enrolled(world)
    offer = await offered(world, daemon)
    assert await is_good(world, daemon, offer.auth_token)
    assert not await is_good(world, daemon, daemon.auth_token)


async def test_an_offer_is_for_its_daemon_alone(world: World) -> None:
    daemon = await enrolled(world)
    offer = await offered(world, daemon)
    other = await world.add_workspace("two", world.owner())
    for daemon_id, workspace_id in (("dmn_x", daemon.workspace_id), (daemon.daemon_id, other)):
        with pytest.raises(NotAllowed):
            await world.access.authenticate_daemon(daemon_id, offer.auth_token, workspace_id)
    assert not await world.access.rotations.settle("dmn_x", offer.rotation_id)
    assert await is_good(world, daemon, daemon.auth_token), "none of that has settled it"


async def test_an_offer_that_is_not_taken_up_lapses_and_the_old_one_stays(world: World) -> None:
    daemon = await enrolled(world)
    offer = await offered(world, daemon)
    world.pass_time(OVERLAP_SECONDS)
    assert not await world.access.rotations.settle(daemon.daemon_id, offer.rotation_id)
    assert not await is_good(world, daemon, offer.auth_token)
    assert await is_good(world, daemon, daemon.auth_token)
    assert requested(world, daemon), "it is offered another one when it comes"
    later = await offered(world, daemon)
    assert await is_good(world, daemon, later.auth_token)


async def test_a_daemon_that_took_up_an_earlier_offer_is_let_in(world: World) -> None:
    """The hub was restarted, and has offered another one since."""
    daemon = await enrolled(world)
    first, second = await offered(world, daemon), await offered(world, daemon)
    assert await is_good(world, daemon, first.auth_token)
    assert not await is_good(world, daemon, daemon.auth_token)
    # What was offered later may be on its disk by now.
    assert await world.access.rotations.settle(daemon.daemon_id, second.rotation_id)
    assert await is_good(world, daemon, second.auth_token)
    assert not await is_good(world, daemon, first.auth_token)


async def test_offers_to_a_daemon_that_never_answers_are_bounded(world: World) -> None:
    daemon = await enrolled(world)
    offers = [await offered(world, daemon) for _ in range(MAX_OFFERS + 3)]
    assert not await world.access.rotations.settle(daemon.daemon_id, offers[2].rotation_id)
    assert await world.access.rotations.settle(daemon.daemon_id, offers[3].rotation_id)


async def test_a_daemon_that_is_removed_takes_its_offers_along(world: World) -> None:
    daemon = await enrolled(world)
    offer = await offered(world, daemon)
    await world.access.remove_daemon(world.owner(), daemon.daemon_id)
    assert not await is_good(world, daemon, offer.auth_token)
    assert await world.access.rotations.offer(daemon.daemon_id) is None
    with pytest.raises(NotFound):
        await world.access.rotations.request(world.owner(), daemon.daemon_id)


async def test_only_who_may_change_the_workspace_may_ask(world: World) -> None:
    daemon = await enrolled(world)
    with pytest.raises(NotFound):
        await world.access.rotations.request(await world.add_member("mia"), daemon.daemon_id)
    other = await world.add_workspace("two", world.owner())
    with pytest.raises(NotFound):
        await world.access.rotations.request(world.owner(other), daemon.daemon_id)
    assert not requested(world, daemon)
