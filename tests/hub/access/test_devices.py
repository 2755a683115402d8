"""A program is signed in by a code that somebody approves, once, in time, and by nobody else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from arborlink.hub.access import Identity
from arborlink.hub.access import devices as module
from arborlink.hub.access.devices import (
    CODES_PER_MINUTE,
    DEVICE_SECONDS,
    POLL_SECONDS,
    SLOW_DOWN_SECONDS,
    DeviceRequest,
    Granted,
    NewDevice,
)
from arborlink.protocol.errors import (
    InvalidInput,
    NotAllowed,
    NotFound,
    SignInUnfinished,
    TooManyRequests,
    Unavailable,
)
from arborlink.protocol.resources import Scope

from .conftest import World

ASKED: list[Scope] = ["tasks:read", "tasks:write"]


def start(world: World, address: str = "10.0.0.1", seconds: float | None = None) -> NewDevice:
    """A program asks to be signed in."""
    return world.access.devices.start(
        DeviceRequest("arbor on lab", "arbor", "lab", address, ASKED, seconds)
    )


async def browser(world: World) -> Identity:
    """The owner, signed in with a browser."""
    link = await world.access.create_sign_in_link()
    return (await world.access.browsers.sign_in_with_link(link.secret)).identity


def fresh_devices(world: World) -> module.Devices:
    """Sign-ins that wait, with the limits as they are now."""
    access = world.access
    return module.Devices(access.accounts, access.environment, access.confirmations)


async def refusal(world: World, device_code: str) -> str:
    """The code with which the program does not get its token now."""
    with pytest.raises(SignInUnfinished) as caught:
        await world.access.devices.collect(device_code)
    return caught.value.code


async def test_an_approved_program_gets_one_token(world: World) -> None:
    owner, device = await browser(world), start(world, seconds=60.0)
    waiting = world.access.devices.waiting(owner, device.user_code.lower().replace("-", " "))
    assert (waiting.request.hostname, waiting.request.address) == ("lab", "10.0.0.1")
    assert await refusal(world, device.device_code) == "authorization_pending"
    world.access.devices.decide(owner, device.user_code, True, None)
    attempts = await asyncio.gather(
        *(world.access.devices.collect(device.device_code) for _ in range(5)),
        return_exceptions=True,
    )
    (granted,) = [each for each in attempts if isinstance(each, Granted)]
    assert [type(each) for each in attempts].count(SignInUnfinished) == 4
    identity = world.access.authenticate_token(granted.secret)
    assert (identity.user_id, identity.scopes) == (owner.user_id, frozenset(ASKED))
    (listed,) = await world.store.tokens(owner.user_id)
    assert (listed.name, listed.id) == ("arbor on lab", granted.row.id)
    assert listed.expires_at == world.access.environment.after(60)
    assert await refusal(world, device.device_code) == "expired_token"


async def test_a_denied_program_gets_nothing(world: World) -> None:
    owner, device = await browser(world), start(world)
    world.access.devices.decide(owner, device.user_code, False, None)
    assert await refusal(world, device.device_code) == "access_denied"
    assert await refusal(world, device.device_code) == "expired_token"
    assert await world.store.tokens(owner.user_id) == []


async def test_a_code_is_decided_once(world: World) -> None:
    owner, device = await browser(world), start(world)
    world.access.devices.decide(owner, device.user_code, True, None)
    for approve in (True, False):
        with pytest.raises(NotFound) as caught:
            world.access.devices.decide(owner, device.user_code, approve, None)
        assert caught.value.code == "unknown_code"
    with pytest.raises(NotFound):
        world.access.devices.waiting(owner, device.user_code)
    assert await world.access.devices.collect(device.device_code)


async def test_everything_ends_after_ten_minutes(world: World) -> None:
    owner, device, approved = await browser(world), start(world), start(world)
    world.access.devices.decide(owner, approved.user_code, True, None)
    world.pass_time(DEVICE_SECONDS)
    for each in (device, approved):
        assert await refusal(world, each.device_code) == "expired_token"
    with pytest.raises(NotFound):
        world.access.devices.decide(owner, device.user_code, True, None)


async def test_only_a_browser_approves(world: World) -> None:
    device = start(world)
    with pytest.raises(NotAllowed) as caught:
        world.access.devices.decide(world.owner(), device.user_code, True, None)
    assert caught.value.code == "browser_only"
    with pytest.raises(NotAllowed):
        world.access.devices.waiting(world.owner(), device.user_code)
    assert await refusal(world, device.device_code) == "authorization_pending"


async def test_scopes_can_be_fewer_and_never_more(world: World) -> None:
    owner, device = await browser(world), start(world)
    with pytest.raises(InvalidInput):
        world.access.devices.decide(owner, device.user_code, True, ["admin"])
    world.access.devices.decide(owner, device.user_code, True, ["tasks:read", "admin"])
    granted = await world.access.devices.collect(device.device_code)
    assert granted.row.scopes == ["tasks:read"]


async def test_a_program_that_asks_too_often_has_to_wait_longer(world: World) -> None:
    device = start(world)
    assert await refusal(world, device.device_code) == "authorization_pending"
    assert await refusal(world, device.device_code) == "slow_down"
    world.pass_time(POLL_SECONDS)
    assert await refusal(world, device.device_code) == "slow_down"
    world.pass_time(POLL_SECONDS + 2 * SLOW_DOWN_SECONDS)
    assert await refusal(world, device.device_code) == "authorization_pending"
    world.access.devices.decide(await browser(world), device.user_code, True, None)
    assert await world.access.devices.collect(device.device_code)


async def test_an_address_gets_so_many_codes_and_the_hub_holds_so_many(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(CODES_PER_MINUTE):
        start(world)
    with pytest.raises(TooManyRequests):
        start(world)
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    monkeypatch.setattr(world.access, "devices", fresh_devices(world))
    start(world, "10.0.0.2")
    start(world, "10.0.0.3")
    with pytest.raises(TooManyRequests):
        start(world, "10.0.0.4")
    world.pass_time(DEVICE_SECONDS)
    assert start(world, "10.0.0.4")


@pytest.mark.parametrize(
    "flood",
    [
        [f"2001:db8:0:0::{number:x}" for number in range(400)],
        [f"2001:db8:0:{number:x}::1" for number in range(400)],
        [f"2001:db8:{number:x}::1" for number in range(400)],
        [f"192.0.2.{number % 256}" for number in range(400)],
        [f"192.0.{number % 256}.{number // 256}" for number in range(400)],
    ],
    ids=["a /64", "a /48", "a /32", "a /24", "a /16"],
)
async def test_no_network_stops_a_sign_in_from_elsewhere(
    world: World, monkeypatch: pytest.MonkeyPatch, flood: list[str]
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 40)
    monkeypatch.setattr(world.access, "devices", fresh_devices(world))
    owner = await browser(world)
    early = start(world, "203.0.113.7")
    for address in flood:
        with suppress(TooManyRequests, Unavailable):
            start(world, address)
        world.pass_time(0.1)
    late = start(world, "2001:db8:ffff::1" if "." in flood[0] else "203.0.114.7")
    for device in (early, late):
        world.access.devices.decide(owner, device.user_code, True, None)
        assert await world.access.devices.collect(device.device_code)


async def test_a_neighbour_finds_a_place_where_one_customer_holds_most(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", CODES_PER_MINUTE)
    monkeypatch.setattr(world.access, "devices", fresh_devices(world))
    crowd = [start(world, "2001:db8::1") for _ in range(CODES_PER_MINUTE)]
    start(world, "2001:db8:0:1::1")
    assert await refusal(world, crowd[0].device_code) == "expired_token"
    assert await refusal(world, crowd[1].device_code) == "authorization_pending"


async def test_a_user_approves_so_many_that_nobody_collects(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_APPROVED_PER_USER", 2)
    owner = await browser(world)
    for _ in range(2):
        world.access.devices.decide(owner, start(world).user_code, True, None)
    one_more = start(world)
    with pytest.raises(TooManyRequests):
        world.access.devices.decide(owner, one_more.user_code, True, None)
    world.access.devices.decide(owner, one_more.user_code, False, None)


async def test_what_is_approved_and_not_collected_dies_with_the_session(world: World) -> None:
    owner, device = await browser(world), start(world)
    world.access.devices.decide(owner, device.user_code, True, None)
    await world.access.sign_out_everywhere(owner)
    assert await refusal(world, device.device_code) == "expired_token"
    assert await world.store.tokens(owner.user_id) == []


async def test_a_failing_disk_does_not_use_the_approval_up(world: World, tmp_path: Path) -> None:
    owner, device = await browser(world), start(world)
    world.access.devices.decide(owner, device.user_code, True, None)
    await world.store._write(lambda connection: connection.set_busy_timeout(0))
    other = apsw.Connection(str(tmp_path / "hub.sqlite3"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        await world.access.devices.collect(device.device_code)
    other.close()
    assert await world.access.devices.collect(device.device_code)


async def test_no_code_is_kept_as_it_is(world: World) -> None:
    device = start(world)
    kept = repr((world.access.devices._grants, world.access.devices._undecided))
    assert device.device_code not in kept and device.user_code not in kept
