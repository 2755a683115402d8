"""A credential ends with what made it: by time, by revocation, over all generations, for good."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from arborlink.hub.access import Access, Environment, Identity
from arborlink.hub.access.browsers import LINK_SECONDS
from arborlink.hub.access.enrolments import ENROLMENT_SECONDS
from arborlink.hub.settings import HubSettings
from arborlink.hub.store.sqlite import SqliteStore
from arborlink.hub.store.sqlite_accounts import MAX_GENERATIONS
from arborlink.protocol.errors import (
    Conflict,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    SignInUnfinished,
)

from .conftest import CHEAP_HASHER, World, identity_of
from .test_devices import start

ROOT: Final = "root-" + "x" * 32
PASSWORD: Final = "correct horse"
T = TypeVar("T")


@dataclass(eq=False)
class Made:
    """A credential as the model knows it. `ends_at` in seconds; `secret` of a token or session."""

    id: str
    secret: str
    maker: Made | None = None
    ends_at: float | None = None
    is_session: bool = False
    is_revoked: bool = False
    children: list[Made] = field(default_factory=list)

    def is_good(self, now: float) -> bool:
        """Whether it and all that made it are good."""
        own = not self.is_revoked and (self.ends_at is None or now < self.ends_at)
        return own and (self.maker is None or self.maker.is_good(now))

    def family(self) -> list[Made]:
        """This one and all that was made with it."""
        return [self, *(each for child in self.children for each in child.family())]


class Lineage(RuleBasedStateMachine):
    """Random trees of tokens and sessions, whose makers expire and are revoked, by a clock that
    goes back now and then and a hub that is restarted."""

    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.all: list[Made] = []
        self.heard: set[str] = set()
        # What the model goes by, the machine's clock, and the one since its start.
        self.now = self.wall = 1_000_000.0
        self.monotonic = 0.0
        self.open()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine."""
        return self.loop.run_until_complete(work)

    def open(self) -> None:
        """Start the hub's access."""
        path = Path(self.folder.name) / "hub.sqlite3"
        self.store = self.run(SqliteStore.open(path, lambda: "hub_1"))
        environment = Environment(
            unix_us=lambda: round(self.wall * 1_000_000), monotonic=lambda: self.monotonic
        )
        self.access = Access(self.store, HubSettings(), environment, hasher=CHEAP_HASHER)
        self.access.on_revoked(self.heard.add)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    def identity(self, made: Made) -> Identity | None:
        """Who a credential signs in as; None: it does not."""
        try:
            if made.is_session:
                return self.access.authenticate_session(made.secret)
            return self.access.authenticate_token(made.secret)
        except NotAuthenticated:
            return None

    def keep(self, made: Made) -> Made:
        """Add it to the model."""
        self.all.append(made)
        if made.maker is not None:
            made.maker.children.append(made)
        return made

    @initialize(target=made)
    def begin(self) -> Made:
        self.run(self.access.bootstrap(ROOT))
        return self.keep(Made(self.access.authenticate_token(ROOT).token_id or "", ROOT))

    @rule(target=made, maker=made, seconds=st.none() | st.integers(1, 100))
    def make_token(self, maker: Made, seconds: int | None) -> Made:
        identity = self.identity(maker)
        if identity is None:
            return maker
        row, secret = self.run(self.access.create_token(identity, "n", ["admin"], seconds=seconds))
        ends_at = None if seconds is None else self.now + seconds
        return self.keep(Made(row.id, secret, maker, ends_at))

    @rule(target=made, maker=made)
    def sign_in(self, maker: Made) -> Made:
        identity = self.identity(maker)
        if identity is None:
            return maker
        link = self.run(self.access.create_link(identity))
        session = self.run(self.access.browsers.sign_in_with_link(link.secret))
        # A session that a session made belongs to what made the first: it outlives that one.
        while maker.is_session and maker.maker is not None:
            maker = maker.maker
        session_id = session.identity.token_id or ""
        return self.keep(Made(session_id, session.secret, maker, is_session=True))

    @rule(one=made)
    def revoke(self, one: Made) -> None:
        owner = self.store.owner()
        if one.is_revoked or one.is_session or not one.is_good(self.now):
            return
        self.heard.clear()
        self.run(self.access.revoke_token(identity_of(owner, None), one.id))
        still_there = {each.id for each in one.family() if not each.is_revoked}
        assert self.heard >= still_there - self.forgotten()
        for each in one.family():
            each.is_revoked = True

    def forgotten(self) -> set[str]:
        """Those whose time is over: the hub may have deleted them before."""
        return {each.id for each in self.all if not each.is_good(self.now)}

    @rule(seconds=st.integers(1, 60))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        self.wall += seconds
        self.monotonic += seconds
        self.now = max(self.now, self.wall)

    @rule(seconds=st.integers(1, 1_000))
    def set_the_clock_back(self, seconds: int) -> None:
        self.wall -= seconds

    @rule(back=st.integers(0, 1_000))
    def restart(self, back: int) -> None:
        self.run(self.access.note_time())
        self.run(self.store.close())
        self.wall -= back
        self.monotonic = 0.0
        self.open()

    @invariant()
    def nothing_is_alive_whose_maker_is_not(self) -> None:
        for each in self.all:
            assert (self.identity(each) is not None) == each.is_good(self.now), each


TestLineage = Lineage.TestCase
# Each example writes to a database on disk, a few hundred times.
TestLineage.settings = settings(max_examples=max(10, settings().max_examples // 8))


async def expiring(world: World, seconds: float) -> Identity:
    """A token of the owner's with all rights, for so long."""
    _, secret = await world.access.create_token(world.owner(), "n", ["admin"], seconds=seconds)
    return world.access.authenticate_token(secret)


async def test_a_code_ends_with_the_token_that_made_it(world: World) -> None:
    workspace_id = await world.add_workspace("one", world.owner())
    for ending in ("time", "revocation"):
        maker = await expiring(world, 3)
        code = await world.access.enrolments.create_code(maker, workspace_id)
        assert code.expires_at == world.access.environment.after(3)
        if ending == "time":
            world.pass_time(3)
        else:
            await world.access.revoke_token(world.owner(), maker.token_id or "")
        assert ENROLMENT_SECONDS > 3
        with pytest.raises(NotFound):
            await world.access.enrolments.redeem(code.code)


async def test_a_link_ends_with_the_token_that_made_it(world: World) -> None:
    for ending in ("time", "revocation"):
        maker = await expiring(world, 3)
        link = await world.access.create_link(maker)
        assert link.expires_at == world.access.environment.after(3) and LINK_SECONDS > 3
        if ending == "time":
            world.pass_time(3)
        else:
            await world.access.revoke_token(world.owner(), maker.token_id or "")
        with pytest.raises(NotAuthenticated):
            await world.access.browsers.sign_in_with_link(link.secret)


async def test_an_approved_program_ends_with_what_made_the_approver(world: World) -> None:
    maker = await expiring(world, 30)
    link = await world.access.create_link(maker)
    session = await world.access.browsers.sign_in_with_link(link.secret)
    device, late = start(world), start(world)
    for each in (device, late):
        world.access.devices.decide(session.identity, each.user_code, True, None)
    granted = await world.access.devices.collect(device.device_code)
    assert granted.row.expires_at == maker.expires_at and granted.row.made_by == maker.token_id
    await world.access.revoke_token(world.owner(), maker.token_id or "")
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_token(granted.secret)
    with pytest.raises(SignInUnfinished):
        await world.access.devices.collect(late.device_code)


async def test_a_ticket_ends_with_the_maker_of_its_session(world: World) -> None:
    maker = await expiring(world, 30)
    link = await world.access.create_link(maker)
    session = await world.access.browsers.sign_in_with_link(link.secret)
    ticket = world.access.issue_ticket(session.identity)
    await world.access.revoke_token(world.owner(), maker.token_id or "")
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_viewer(ticket.ticket)


async def test_tokens_end_with_a_workspace_and_so_does_what_they_made(world: World) -> None:
    heard: list[str] = []
    world.access.on_revoked(heard.append)
    workspace_id = await world.add_workspace("one", world.owner())
    limited, secret = await world.access.create_token(
        world.owner(), "n", ["admin"], workspace_id=workspace_id
    )
    child, _ = await world.access.create_token(
        world.access.authenticate_token(secret), "n", ["admin"], workspace_id=workspace_id
    )
    await world.store.delete_workspace(workspace_id)
    assert set(heard) == {limited.id, child.id}


async def test_what_ends_makes_no_account_password_or_role(world: World) -> None:
    owner = world.owner()
    mia = await world.access.users.create(owner, "mia", "member", PASSWORD)
    maker = await expiring(world, 3)
    link = await world.access.create_link(maker)
    session = (await world.access.browsers.sign_in_with_link(link.secret)).identity
    users = world.access.users
    for identity in (maker, session):
        for attempt in (
            users.create(identity, "eve", "owner", None),
            users.change(identity, mia.id, password="another horse"),
            users.change(identity, mia.id, role="owner"),
            users.change(identity, identity.user_id, password="another horse"),
        ):
            with pytest.raises(NotAllowed) as caught:
                await attempt
            assert caught.value.code == "credential_ends"
    await users.change(maker, mia.id, username="zoe")
    _, lasting = await world.access.create_token(owner, "n", ["admin"])
    made = await users.create(world.access.authenticate_token(lasting), "eve", "owner", None)
    assert made.role == "owner"


async def test_a_chain_of_makers_is_bounded_so_that_the_first_can_be_revoked(world: World) -> None:
    first, secret = await world.access.create_token(world.owner(), "n", ["admin"])
    identity = world.access.authenticate_token(secret)
    for _ in range(MAX_GENERATIONS - 1):
        _, secret = await world.access.create_token(identity, "n", ["admin"])
        identity = world.access.authenticate_token(secret)
    with pytest.raises(Conflict) as caught:
        await world.access.create_token(identity, "n", ["admin"])
    assert caught.value.code == "too_many_generations"
    link = await world.access.create_link(identity)
    session = await world.access.browsers.sign_in_with_link(link.secret)
    await world.access.revoke_token(world.owner(), first.id)
    assert await world.store.tokens(world.owner().user_id) == []
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_session(session.secret)


async def test_a_maker_that_is_revoked_meanwhile_makes_nothing(world: World) -> None:
    workspace_id = await world.add_workspace("one", world.owner())
    maker = await expiring(world, 30)
    await world.access.revoke_token(world.owner(), maker.token_id or "")
    for attempt in (
        world.access.create_token(maker, "n", ["admin"]),
        world.access.create_link(maker),
        world.access.enrolments.create_code(maker, workspace_id),
    ):
        with pytest.raises(NotFound):
            await attempt
