"""What any store must do for workspaces, accounts and daemons."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from arborlink.hub.store.base import Store
from arborlink.hub.store.base_access import (
    DaemonChange,
    EnrolmentRow,
    OfferedTokenRow,
    RemovedUser,
    SessionRow,
    SignInLinkRow,
    UsedLink,
    UserRow,
)
from arborlink.protocol.errors import (
    Conflict,
    NotAuthenticated,
    NotFound,
    WorkspaceQuarantined,
    WorkspaceTaken,
)
from arborlink.protocol.resources import DaemonChangeKind

from . import rows

HASH: Final = b"h" * 32
OTHER: Final = b"o" * 32


MEMBER: Final = UserRow(id="usr_2", username="Member", role="member", created_at=1)


def session(name: str, user_id: str = rows.OWNER.id) -> SessionRow:
    """A session with a secret of its own."""
    return SessionRow(
        id=f"tok_{name}",
        user_id=user_id,
        secret_hash=name.encode() * 32,
        created_at=1,
        expires_at=99,
        ends_at=99,
    )


async def enrol(store: Store, daemon_id: str, *, now: int = 1) -> None:
    """Give workspace 1 a daemon, whose token's hash is HASH."""
    row = EnrolmentRow(
        code_hash=OTHER, workspace_id=rows.workspace_id(1), created_by="u", expires_at=now + 1
    )
    await store.add_enrolment(row, now)
    await store.redeem_enrolment(OTHER, daemon_id, HASH, now)


def change(what: DaemonChangeKind, at: int) -> DaemonChange:
    """What the owner did with a workspace's daemon."""
    return DaemonChange(what=what, at=at, user="owner")


def offer(number: int, at: int) -> OfferedTokenRow:
    """A token that daemon 1 may have."""
    return OfferedTokenRow(
        rotation_id=f"rot_{number}",
        daemon_id="dmn_1",
        token_hash=str(number).encode() * 32,
        offered_at=at,
    )


class WorkspaceContract:
    """Workspaces and the daemon of each."""

    async def test_a_workspace_comes_back_as_it_was_stored(self, store: Store) -> None:
        row = rows.workspace(7, host=rows.HOST, version="1", epoch=3, last_seen_at=4)
        assert await store.add_workspace(row) == row
        assert store.workspace(row.id) == row
        assert store.workspace("ws_other") is None

    async def test_names_are_unique_for_each_owner(self, store: Store) -> None:
        await store.add_workspace(rows.workspace(2))
        with pytest.raises(Conflict) as caught:
            await store.add_workspace(rows.workspace(3, name="workspace 2"))
        assert caught.value.code == "name_taken"
        with pytest.raises(Conflict):
            await store.rename_workspace(rows.workspace_id(1), "workspace 2")
        await store.add_user(UserRow(id="usr_2", username="m", role="member", created_at=1))
        await store.add_workspace(rows.workspace(3, name="workspace 2", owner_id="usr_2"))
        with pytest.raises(NotFound):
            await store.add_workspace(rows.workspace(4, owner_id="usr_9"))
        with pytest.raises(NotFound):
            await store.rename_workspace("ws_other", "x")

    async def test_workspaces_are_listed_by_name(self, store: Store) -> None:
        await store.add_workspace(rows.workspace(2, name="a"))
        renamed = await store.rename_workspace(rows.workspace_id(1), "b")
        assert renamed.name == "b"
        assert [row.name for row in await store.workspaces()] == ["a", "b"]

    async def test_all_that_hangs_on_a_workspace_goes_with_it(self, store: Store) -> None:
        await store.add_task(rows.task(1))
        await enrol(store, "dmn_1")
        await store.add_token(rows.token(1, workspace_id=rows.workspace_id(1)))
        await store.delete_workspace(rows.workspace_id(1))
        assert await store.workspaces() == []
        assert (store.workspace_names(), store.count_workspaces()) == ({}, 0)
        assert store.task(rows.task_id(1)) is None
        assert store.daemon("dmn_1") is None
        assert await store.tokens(rows.OWNER.id) == []
        with pytest.raises(NotFound):
            await store.delete_workspace(rows.workspace_id(1))

    async def test_every_connection_gets_a_higher_epoch(self, store: Store) -> None:
        await enrol(store, "dmn_1")
        workspace_id = rows.workspace_id(1)

        async def accept(instance: str, now: int) -> tuple[int, str | None]:
            accepted = await store.accept_daemon(
                workspace_id, "dmn_1", instance, rows.HOST, "1.0", now
            )
            return accepted.epoch, accepted.previous_instance_id

        assert await accept("i1", 10) == (1, None)
        assert await accept("i1", 20) == (2, "i1")
        assert await accept("i2", 30) == (3, "i1")
        row = store.workspace(workspace_id)
        assert row is not None
        assert (row.epoch, row.instance_id, row.host, row.version) == (3, "i2", rows.HOST, "1.0")
        assert (row.last_connected_at, row.last_seen_at) == (30, None)
        await store.daemon_disconnected(workspace_id, 2, 40)
        await store.daemon_disconnected(workspace_id, 3, 41)
        await store.daemon_disconnected(workspace_id, 2, 42)
        row = store.workspace(workspace_id)
        assert row is not None and row.last_seen_at == 41

    async def test_only_its_own_daemon_serves_a_workspace(self, store: Store) -> None:
        arguments = ("i", rows.HOST, "1", 1)
        with pytest.raises(NotFound):
            await store.accept_daemon("ws_other", "dmn_1", *arguments)
        with pytest.raises(NotAuthenticated):
            await store.accept_daemon(rows.workspace_id(1), "dmn_1", *arguments)
        await enrol(store, "dmn_1")
        with pytest.raises(WorkspaceTaken):
            await store.accept_daemon(rows.workspace_id(1), "dmn_2", *arguments)

    async def test_a_quarantined_daemon_is_refused_until_it_is_released(self, store: Store) -> None:
        workspace_id, arguments = rows.workspace_id(1), ("i", rows.HOST, "1", 1)
        await enrol(store, "dmn_1")
        await store.quarantine_daemon(workspace_id, "dmn_other", 4)
        await store.accept_daemon(workspace_id, "dmn_1", *arguments)
        for now in (5, 6):
            await store.quarantine_daemon(workspace_id, "dmn_1", now)
        row = store.workspace(workspace_id)
        assert row is not None and row.quarantined_at == 5
        with pytest.raises(WorkspaceQuarantined):
            await store.accept_daemon(workspace_id, "dmn_1", *arguments)
        await store.release_daemon(workspace_id, change("released", 6))
        await store.accept_daemon(workspace_id, "dmn_1", *arguments)
        await store.quarantine_daemon(workspace_id, "dmn_1", 7)
        await store.delete_daemon("dmn_1", change("removed", 8))
        row = store.workspace(workspace_id)
        assert row is not None and row.quarantined_at is None


class AccessContract:
    """Accounts, tokens, sessions, links, codes and daemons."""

    async def test_there_is_one_owner(self, store: Store) -> None:
        other = UserRow(id="usr_9", username="other", role="owner", created_at=2)
        assert await store.ensure_owner(other) == rows.OWNER
        assert store.owner() == rows.OWNER
        assert store.user(rows.OWNER.id) == store.user_by_name("OWNER") == rows.OWNER
        assert store.user("usr_9") is None

    async def test_names_of_accounts_are_unique_whatever_their_case(self, store: Store) -> None:
        with pytest.raises(Conflict):
            await store.add_user(UserRow(id="usr_2", username="Owner", role="member", created_at=1))

    async def test_a_password_ends_links_and_other_sessions(self, store: Store) -> None:
        await store.add_user(MEMBER)
        for row in (session("a"), session("b"), session("c", user_id=MEMBER.id)):
            await store.add_session(row)
        link = SignInLinkRow(code_hash=HASH, user_id=rows.OWNER.id, expires_at=10)
        await store.add_sign_in_link(link, 1)
        await store.set_password(rows.OWNER.id, "hash", "tok_a")
        user = store.owner()
        assert user is not None and user.password_hash == "hash"
        assert await store.take_sign_in_link(HASH, 2) is None
        assert [each.id for each in store.sessions(rows.OWNER.id, 1)] == ["tok_a"]
        assert [each.id for each in store.sessions(MEMBER.id, 1)] == ["tok_c"]
        with pytest.raises(NotFound):
            await store.set_password("usr_9", "hash")

    async def test_a_password_that_was_changed_meanwhile_signs_nobody_in(
        self, store: Store
    ) -> None:
        await store.set_password(rows.OWNER.id, "new")
        with pytest.raises(NotAuthenticated):
            await store.add_session(session("a"), "old")
        with pytest.raises(NotAuthenticated):
            await store.add_session(session("b", user_id="usr_9"))
        await store.add_session(session("c"), "new")
        assert [each.id for each in store.sessions(rows.OWNER.id, 1)] == ["tok_c"]

    async def test_accounts_are_listed_and_changed(self, store: Store) -> None:
        await store.add_user(MEMBER)
        assert [user.username for user in store.users()] == ["Member", "owner"]
        renamed = await store.update_user(MEMBER.id, username="Zoe")
        assert (renamed.username, renamed.role) == ("Zoe", "member")
        assert (await store.update_user(MEMBER.id, role="owner")).username == "Zoe"
        with pytest.raises(Conflict) as taken:
            await store.update_user(MEMBER.id, username="OWNER")
        assert taken.value.code == "name_taken"
        with pytest.raises(NotFound):
            await store.update_user("usr_9", username="x")

    async def test_there_is_always_an_owner(self, store: Store) -> None:
        await store.add_user(MEMBER)
        for change in (
            store.update_user(rows.OWNER.id, role="member"),
            store.delete_user(rows.OWNER.id, MEMBER.id, 5),
        ):
            with pytest.raises(Conflict) as caught:
                await change
            assert caught.value.code == "last_owner"
        assert store.owner() == rows.OWNER
        assert (await store.workspaces())[0].owner_id == rows.OWNER.id
        await store.update_user(rows.OWNER.id, username="renamed")
        assert (await store.workspaces())[0].owner_name == "renamed"
        await store.update_user(MEMBER.id, role="owner")
        both = await asyncio.gather(
            store.delete_user(rows.OWNER.id, MEMBER.id, 5),
            store.delete_user(MEMBER.id, rows.OWNER.id, 5),
            return_exceptions=True,
        )
        assert both[0] == RemovedUser(passed_on=[rows.workspace_id(1)], unserved=[])
        assert isinstance(both[1], NotFound)

    async def test_an_account_goes_with_its_credentials_and_without_its_workspaces(
        self, store: Store
    ) -> None:
        await store.add_user(MEMBER)
        for number, name in ((2, "mine"), (3, "workspace 1"), (4, "workspace 1 (Member)")):
            await store.add_workspace(rows.workspace(number, name=name, owner_id=MEMBER.id))
        await store.add_session(session("a", user_id=MEMBER.id))
        await store.add_token(rows.token(1, user_id=MEMBER.id))
        link = SignInLinkRow(code_hash=HASH, user_id=MEMBER.id, expires_at=10)
        await store.add_sign_in_link(link, 1)
        code = EnrolmentRow(
            code_hash=OTHER, workspace_id=rows.workspace_id(2), created_by=MEMBER.id, expires_at=10
        )
        await store.add_enrolment(code, 1)
        assert await store.delete_user(MEMBER.id, rows.OWNER.id, 5) == RemovedUser(
            passed_on=[rows.workspace_id(number) for number in (2, 3, 4)],
            unserved=[],
        )
        assert store.user(MEMBER.id) is None
        assert store.sessions(MEMBER.id, 1) == [] and await store.tokens(MEMBER.id) == []
        assert await store.take_sign_in_link(HASH, 2) is None
        with pytest.raises(NotFound):
            await store.redeem_enrolment(OTHER, "dmn_1", HASH, 2)
        assert {row.name for row in await store.workspaces() if row.owner_id == rows.OWNER.id} == {
            "mine (Member)",
            "workspace 1",
            "workspace 1 (Member)",
            "workspace 1 (Member) (Member)",
        }
        with pytest.raises(NotFound):
            await store.delete_user(MEMBER.id, rows.OWNER.id, 5)

    async def test_a_token_is_found_by_its_hash_until_it_is_revoked(self, store: Store) -> None:
        row = rows.token(1, expires_at=9, scopes=["tasks:read", "admin"])
        assert await store.add_token(row) == row
        assert store.token_by_hash(row.secret_hash) == row
        assert await store.tokens(rows.OWNER.id) == [row]
        store.note_token_used(row.id, 5)
        await store.check_writable()
        used = store.token_by_hash(row.secret_hash)
        assert used is not None and used.last_used_at == 5
        with pytest.raises(NotFound):
            await store.delete_token(row.id, "usr_9")
        await store.delete_token(row.id, rows.OWNER.id)
        assert store.token_by_hash(row.secret_hash) is None
        with pytest.raises(NotFound):
            await store.delete_token(row.id, rows.OWNER.id)

    async def test_a_token_needs_its_user_and_workspace(self, store: Store) -> None:
        with pytest.raises(NotFound):
            await store.add_token(rows.token(1, workspace_id="ws_other"))
        with pytest.raises(NotFound):
            await store.add_token(rows.token(1, user_id="usr_9"))

    async def test_one_bootstrap_token_ever(self, store: Store) -> None:
        assert await store.add_bootstrap_token(rows.token(1), "one")
        assert await store.add_bootstrap_token(rows.token(2), "one")
        assert not await store.add_bootstrap_token(rows.token(2), "two")
        await store.delete_token("tok_1", rows.OWNER.id)
        assert await store.add_bootstrap_token(rows.token(1), "one")
        assert await store.tokens(rows.OWNER.id) == []

    async def test_a_session_lives_until_it_ends(self, store: Store) -> None:
        row = SessionRow(
            id="tok_s",
            user_id=rows.OWNER.id,
            secret_hash=HASH,
            created_at=1,
            expires_at=5,
            ends_at=60,
            address="::1",
            user_agent="a browser",
        )
        await store.add_session(row)
        assert store.session_by_hash(HASH) == row
        store.note_session_used(row.id, 4, 50)
        await store.check_writable()
        used = store.session_by_hash(HASH)
        assert used is not None and (used.last_seen_at, used.expires_at) == (4, 50)
        assert store.sessions(rows.OWNER.id, 49) == [used]
        assert store.sessions(rows.OWNER.id, 50) == []
        store.note_session_used(row.id, 49, 70)
        await store.check_writable()
        used = store.session_by_hash(HASH)
        assert used is not None and used.expires_at == 60, "no use makes it live longer"
        await store.add_session(
            SessionRow(
                id="tok_t",
                user_id=rows.OWNER.id,
                secret_hash=OTHER,
                created_at=60,
                expires_at=90,
                ends_at=90,
            )
        )
        assert store.session_by_hash(HASH) is None
        await store.delete_session("tok_t")
        await store.delete_session("tok_t")
        assert store.session_by_hash(OTHER) is None

    async def test_all_sessions_of_an_account_end_together(self, store: Store) -> None:
        await store.add_user(MEMBER)
        for row in (session("a"), session("b"), session("c", user_id=MEMBER.id)):
            await store.add_session(row)
        link = SignInLinkRow(code_hash=HASH, user_id=rows.OWNER.id, expires_at=10)
        await store.add_sign_in_link(link, 1)
        await store.delete_sessions(rows.OWNER.id)
        await store.delete_sessions(rows.OWNER.id)
        assert store.sessions(rows.OWNER.id, 1) == []
        assert await store.take_sign_in_link(HASH, 2) is None
        assert len(store.sessions(MEMBER.id, 1)) == 1

    async def test_a_link_is_used_up_by_the_first_of_many(self, store: Store) -> None:
        row = SignInLinkRow(code_hash=HASH, user_id=rows.OWNER.id, expires_at=10)
        await store.add_sign_in_link(row, 1)
        taken = await asyncio.gather(*(store.take_sign_in_link(HASH, 9) for _ in range(5)))
        assert taken == [UsedLink(user=rows.OWNER), None, None, None, None]
        await store.add_sign_in_link(row, 1)
        assert await store.take_sign_in_link(HASH, 10) is None

    async def test_a_code_admits_one_daemon_of_many(self, store: Store) -> None:
        row = EnrolmentRow(
            code_hash=HASH, workspace_id=rows.workspace_id(1), created_by="u", expires_at=10
        )
        await store.add_enrolment(row, 1)
        redeemed = await asyncio.gather(
            *(store.redeem_enrolment(HASH, f"dmn_{n}", bytes([n]) * 32, 9) for n in range(5)),
            return_exceptions=True,
        )
        assert [type(each) for each in redeemed[1:]] == [NotFound] * 4
        daemon = store.daemon("dmn_0")
        assert daemon is not None and daemon == redeemed[0]
        assert store.daemon_by_hash(bytes(32)) == daemon
        workspace = store.workspace(rows.workspace_id(1))
        assert workspace is not None and workspace.daemon_id == "dmn_0"

    async def test_a_code_ends_in_time(self, store: Store) -> None:
        row = EnrolmentRow(
            code_hash=HASH, workspace_id=rows.workspace_id(1), created_by="u", expires_at=10
        )
        await store.add_enrolment(row, 1)
        with pytest.raises(NotFound) as caught:
            await store.redeem_enrolment(HASH, "dmn_1", HASH, 10)
        assert caught.value.code == "unknown_code"

    async def test_a_code_stays_good_while_the_workspace_is_taken(self, store: Store) -> None:
        await enrol(store, "dmn_1")
        row = EnrolmentRow(
            code_hash=HASH, workspace_id=rows.workspace_id(1), created_by="u", expires_at=10
        )
        await store.add_enrolment(row, 1)
        with pytest.raises(WorkspaceTaken):
            await store.redeem_enrolment(HASH, "dmn_2", OTHER, 2)
        assert (await store.delete_daemon("dmn_1", change("removed", 2))).id == "dmn_1"
        assert store.daemon_by_hash(HASH) is None
        assert (await store.redeem_enrolment(HASH, "dmn_2", OTHER, 2)).id == "dmn_2"
        with pytest.raises(NotFound):
            await store.delete_daemon("dmn_1", change("removed", 3))
        with pytest.raises(NotFound):
            await store.add_enrolment(
                EnrolmentRow(
                    code_hash=OTHER, workspace_id="ws_other", created_by="u", expires_at=10
                ),
                1,
            )

    async def test_a_token_that_was_offered_becomes_the_only_one(self, store: Store) -> None:
        await enrol(store, "dmn_1")
        assert (await store.request_rotation("dmn_1", 5)).rotation_requested_at == 5
        assert (await store.request_rotation("dmn_1", 6)).rotation_requested_at == 5
        for number, at in ((1, 10), (2, 20), (3, 30)):
            await store.offer_token(offer(number, at), since=10, kept=1)
        assert store.offered_token(b"1" * 32) is None, "too old"
        assert store.offered_token(b"2" * 32) == offer(2, 20)
        assert not await store.settle_rotation("dmn_1", "rot_2", 40, since=20)
        assert not await store.settle_rotation("dmn_2", "rot_2", 40, since=0)
        assert await store.settle_rotation("dmn_1", "rot_2", 40, since=0)
        row = store.daemon("dmn_1")
        assert row is not None and store.daemon_by_hash(HASH) is None
        assert (row.token_hash, row.rotation_requested_at) == (b"2" * 32, None)
        assert row.token_rotated_at == 40
        assert store.offered_token(b"2" * 32) is None
        assert store.offered_token(b"3" * 32) is not None, "it may have been stored by now"
        await store.delete_daemon("dmn_1", change("removed", 3))
        assert store.offered_token(b"3" * 32) is None
        for call in (
            store.request_rotation("dmn_1", 1),
            store.offer_token(offer(4, 1), since=0, kept=1),
        ):
            with pytest.raises(NotFound):
                await call
