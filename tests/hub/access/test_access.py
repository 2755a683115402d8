"""Who somebody is, until they are not."""

from __future__ import annotations

import logging

import pytest

from arborlink.hub.access.browsers import SESSION_SECONDS
from arborlink.protocol.errors import (
    InvalidInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    WorkspaceTaken,
)

from .conftest import World

BOOTSTRAP = "a plain text of at least 32 chars".replace(" ", "-")


async def test_the_first_bootstrap_token_is_the_owners(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    owner = await world.access.bootstrap(BOOTSTRAP + "\n")
    identity = world.access.authenticate_token(BOOTSTRAP)
    assert (identity.user_id, identity.role, identity.kind) == (owner.id, "owner", "token")
    identity.require("admin")
    assert await world.access.bootstrap(BOOTSTRAP) == owner
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        await world.access.bootstrap("another-" + BOOTSTRAP)
    assert "ignored" in caplog.text and BOOTSTRAP not in caplog.text
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_token("another-" + BOOTSTRAP)


async def test_a_revoked_bootstrap_token_does_not_come_back(world: World) -> None:
    await world.access.bootstrap(BOOTSTRAP)
    identity = world.access.authenticate_token(BOOTSTRAP)
    assert identity.token_id is not None
    await world.access.revoke_token(identity, identity.token_id)
    await world.access.bootstrap(BOOTSTRAP)
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_token(BOOTSTRAP)


@pytest.mark.parametrize("token", ["short", "x" * 31, "x" * 513, "with space " * 4, "ü" * 32, ""])
async def test_a_bad_bootstrap_token_stops_the_start(world: World, token: str) -> None:
    with pytest.raises(InvalidInput, match="ARBOR_BOOTSTRAP_TOKEN"):
        await world.access.bootstrap(token)


async def test_tokens_expire_and_are_revoked(world: World) -> None:
    heard: list[str] = []
    world.access.on_revoked(heard.append)
    row, secret = await world.access.create_token(world.owner(), "ci", ["tasks:read"], seconds=10.0)
    assert row.prefix == secret[:10]
    identity = world.access.authenticate_token(secret)
    assert identity.token_id == row.id and identity.expires_at == row.expires_at
    with pytest.raises(NotAllowed):
        identity.require("tasks:write")
    world.pass_time(10)
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_token(secret)
    row, secret = await world.access.create_token(world.owner(), "ci", ["tasks:read"])
    await world.access.revoke_token(world.owner(), row.id)
    assert heard == [row.id]
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_token(secret)
    with pytest.raises(NotFound):
        await world.access.revoke_token(world.owner(), row.id)


async def test_use_of_a_token_is_noted_once_a_minute(world: World) -> None:
    _, secret = await world.access.create_token(world.owner(), "ci", ["tasks:read"])

    async def last_used() -> int | None:
        await world.store.check_writable()
        return (await world.store.tokens(world.owner().user_id))[0].last_used_at

    assert await last_used() is None
    world.access.authenticate_token(secret)
    first = await last_used()
    assert first is not None
    world.pass_time(59)
    world.access.authenticate_token(secret)
    assert await last_used() == first
    world.pass_time(1)
    world.access.authenticate_token(secret)
    assert await last_used() == first + 60_000_000


async def test_a_limited_token_makes_nothing_wider(world: World) -> None:
    one = await world.add_workspace("one", world.owner())
    two = await world.add_workspace("two", world.owner())
    limited = world.owner(one)
    _, secret = await world.access.create_token(limited, "n", ["admin"], workspace_id=one)
    assert world.access.authenticate_token(secret).workspace_id == one
    with pytest.raises(NotAllowed):
        await world.access.create_token(limited, "n", ["admin"])
    with pytest.raises(NotFound):
        await world.access.create_token(limited, "n", ["admin"], workspace_id=two)
    with pytest.raises(NotAllowed):
        limited.require_everywhere("admin")
    with pytest.raises(NotAllowed):
        limited.require("tasks:read", two)
    limited.require("tasks:read", one)


@pytest.mark.parametrize("secret", ["", "x", "arb_u_", "x" * 10_000_000, "\udcff", "\0"])
async def test_whatever_else_is_given_is_no_token(world: World, secret: str) -> None:
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_viewer(secret)
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_session(secret)
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_daemon("dmn_1", secret, "ws_1")


async def test_a_link_signs_in_once_and_in_time(world: World) -> None:
    link = await world.access.create_sign_in_link()
    session = await world.access.browsers.sign_in_with_link(link.secret)
    assert session.identity.kind == "session"
    assert world.access.authenticate_session(session.secret) == session.identity
    with pytest.raises(NotAuthenticated):
        await world.access.browsers.sign_in_with_link(link.secret)
    late = await world.access.create_sign_in_link()
    world.pass_time(600)
    with pytest.raises(NotAuthenticated):
        await world.access.browsers.sign_in_with_link(late.secret)


async def test_a_session_lives_while_it_is_used(world: World) -> None:
    heard: list[str] = []
    world.access.on_revoked(heard.append)
    link = await world.access.create_sign_in_link()
    session = await world.access.browsers.sign_in_with_link(link.secret)
    for _ in range(3):
        world.pass_time(SESSION_SECONDS - 1)
        identity = world.access.authenticate_session(session.secret)
        await world.store.check_writable()
    await world.access.sign_out(identity)
    assert heard == [identity.token_id]
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_session(session.secret)
    link = await world.access.create_sign_in_link()
    session = await world.access.browsers.sign_in_with_link(link.secret)
    world.pass_time(SESSION_SECONDS)
    with pytest.raises(NotAuthenticated):
        world.access.authenticate_session(session.secret)


async def test_a_password_signs_in_once_one_is_set(world: World) -> None:
    browsers = world.access.browsers
    with pytest.raises(NotAuthenticated):
        await browsers.sign_in_with_password("owner", "correct horse")
    await world.access.users.set_password(world.owner().user_id, "correct horse")
    session = await browsers.sign_in_with_password("Owner", "correct horse")
    assert session.identity.username == "owner"
    for name, password in (("owner", "wrong horse"), ("nobody", "correct horse")):
        with pytest.raises(NotAuthenticated):
            await browsers.sign_in_with_password(name, password)


async def test_a_ticket_is_used_once_in_half_a_minute_and_dies_with_its_owner(
    world: World,
) -> None:
    row, secret = await world.access.create_token(world.owner(), "n", ["tasks:read"])
    identity = world.access.authenticate_token(secret)
    ticket = world.access.issue_ticket(identity).ticket
    assert await world.access.authenticate_viewer(ticket) == identity
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_viewer(ticket)
    late = world.access.issue_ticket(identity).ticket
    world.pass_time(30)
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_viewer(late)
    revoked = world.access.issue_ticket(identity).ticket
    await world.access.revoke_token(world.owner(), row.id)
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_viewer(revoked)


async def test_a_daemon_is_admitted_by_a_code_and_ends_with_its_removal(world: World) -> None:
    heard: list[str] = []
    world.access.on_revoked(heard.append)
    one = await world.add_workspace("one", world.owner())
    two = await world.add_workspace("two", world.owner())
    code = (await world.access.enrolments.create_code(world.owner(), one)).code
    daemon = await world.access.enrolments.redeem(code.lower().replace("-", ""))
    assert daemon.workspace_id == one
    identity = await world.access.authenticate_daemon(daemon.daemon_id, daemon.auth_token, one)
    assert (identity.kind, identity.workspace_id, identity.scopes) == ("daemon", one, frozenset())
    for daemon_id, workspace_id in (("dmn_other", one), (daemon.daemon_id, two)):
        with pytest.raises(NotAllowed):
            await world.access.authenticate_daemon(daemon_id, daemon.auth_token, workspace_id)
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_daemon(daemon.daemon_id, "arb_d_wrong", one)
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_viewer(daemon.auth_token)
    with pytest.raises(NotFound):
        await world.access.enrolments.redeem(code)
    second = (await world.access.enrolments.create_code(world.owner(), one)).code
    with pytest.raises(WorkspaceTaken):
        await world.access.enrolments.redeem(second)
    await world.access.remove_daemon(world.owner(), daemon.daemon_id)
    assert heard == [daemon.daemon_id]
    with pytest.raises(NotAuthenticated):
        await world.access.authenticate_daemon(daemon.daemon_id, daemon.auth_token, one)
    assert (await world.access.enrolments.redeem(second)).daemon_id != daemon.daemon_id


async def test_a_code_lives_ten_minutes(world: World) -> None:
    one = await world.add_workspace("one", world.owner())
    code = (await world.access.enrolments.create_code(world.owner(), one)).code
    world.pass_time(600)
    with pytest.raises(NotFound):
        await world.access.enrolments.redeem(code)
