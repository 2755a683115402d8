"""What a member's machines say of themselves, and how a member names things, chooses nothing for
the owner: no command, variable, input, machine or token of the owner's goes there."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from arborlink.cli import up_setup
from arborlink.client import Hub, InvalidInput, NotFound
from arborlink.daemon.identity import Identity, save
from arborlink.protocol.messages import Command, Input
from tests.hub.live.peers import DaemonIdentity
from tests.hub.store import rows

from .hostile_member import MEMBER, MEMBER_ID, TwoAccounts, two_accounts

# More than the newest tasks that a part of an id is looked for in.
FLOOD: Final = 1_100


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[TwoAccounts]:
    async with two_accounts(tmp_path) as two:
        yield two


def keep_identity(
    two: TwoAccounts, daemon: DaemonIdentity, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    """Store, as a daemon does, that `path` of the owner's machine is the daemon's workspace."""
    monkeypatch.setenv("ARBOR_HOME", str(two.home))
    save(
        Identity(
            hub=two.hub.url,
            workspace_id=daemon.workspace_id,
            daemon_id=daemon.daemon_id,
            auth_token=daemon.auth_token,
            path=os.path.realpath(path),
        )
    )


CLAIMS: Final = ["{}", "{}//", "{}/.", "{}/inner", "/", ""]


async def test_no_claimed_folder_gets_a_command(two: TwoAccounts) -> None:
    lab = await two.workspace(two.owner, "lab")
    inner = two.folder / "inner"
    inner.mkdir()
    async with AsyncExitStack() as lures:
        for number, claim in enumerate(CLAIMS):
            path = claim.format(two.folder)
            await lures.enter_async_context(two.lure(f"a{number}", socket.gethostname(), path))
        assert await two.runs_in() == lab
        assert await two.runs_in(here=inner) == lab


async def test_the_folder_of_ones_own_daemon_gets_it_with_its_variables_and_input(
    two: TwoAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two.workspace(two.owner, "elsewhere")
    lab = await two.workspace(two.owner, "lab")
    daemon = await two.enrolled(two.owner, lab)
    keep_identity(two, daemon, monkeypatch, two.folder)
    claimed = socket.gethostname(), f"{two.folder}//"
    async with two.lure("lab", *claimed), two.served(daemon) as own:
        process = await two.start("run", "-e", "SECRET=value", "--", "cat")
        assert process.stdin is not None
        process.stdin.write(b"typed")
        process.stdin.close()
        command = await own.expect(Command)
        assert (command.command, command.env) == ("cat", {"SECRET": "value"})
        await own.running(command.task_id)
        assert (await own.expect(Input, lambda each: each.input != b"")).input == b"typed"
        await own.ended(command.task_id)
        ended = await process.communicate()
        assert (process.returncode, ended) == (0, (b"", b""))


async def test_a_member_is_not_chosen_where_there_is_nothing_else(two: TwoAccounts) -> None:
    async with two.lure("only", socket.gethostname(), str(two.folder)):
        refused = await two.arbor("run", "-e", "SECRET=value", "--", "true")
        assert refused.code == 125 and "-w" in refused.err and f"{MEMBER}/only" in refused.err
        async with Hub(two.hub.url, two.hub.token) as hub:
            with pytest.raises(NotFound):
                await hub.run("true", if_offline="queue")


async def test_names_do_not_come_between(two: TwoAccounts) -> None:
    lab = await two.workspace(two.owner, "lab")
    await two.workspace(two.owner, "other")
    username = (await two.owner.get("/api/me")).json()["username"]
    async with AsyncExitStack() as lures:
        # From before such names were refused.
        for name in ("lab", lab, lab[:6], lab[:-1], f"{username}/lab"):
            await lures.enter_async_context(two.lure(name, "box", "/srv"))
        for ref in ("lab", lab, lab[:-1], f"{username}/lab"):
            assert await two.runs_in("-w", ref) == lab
            async with Hub(two.hub.url, two.hub.token) as hub:
                task = await hub.run("true", workspace=ref, if_offline="queue")
                assert task.info.workspace_id == lab


@pytest.mark.parametrize("name", ["ws_01", "TSK_x", "a/b", "\uff4cab", "la\u3164b", "la\ufe0fb"])
async def test_names_that_mislead_are_not_given(two: TwoAccounts, name: str) -> None:
    refused = await two.member.post("/api/workspaces", json={"name": name})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_name")


async def test_a_name_that_passes_on_with_an_account_does_not_become_ones_own(
    two: TwoAccounts,
) -> None:
    theirs = await two.workspace(two.member, "lab")
    async with two.served(await two.enrolled(two.member, theirs)) as machine:
        assert (await two.owner.delete(f"/api/users/{MEMBER_ID}")).status_code == 204
        # The machine goes with the account, and the workspace stays.
        await machine.closed()
        assert machine.seen(Command) == []
        refused = await two.arbor("run", "-w", "lab", "--queue", "--", "true")
        assert refused.code == 125 and f"lab ({MEMBER}) ({theirs})" in refused.err
        assert await two.tasks(theirs) == []


async def test_a_name_that_only_a_member_has_is_to_be_said_as_theirs(two: TwoAccounts) -> None:
    async with two.lure("theirs", "box", "/srv") as workspace_id:
        for ref in ("theirs", workspace_id[:6], workspace_id[:-12]):
            refused = await two.arbor("run", "-w", ref, "--", "true")
            assert refused.code == 125 and f"{MEMBER}/theirs ({workspace_id})" in refused.err
            async with Hub(two.hub.url, two.hub.token) as hub:
                with pytest.raises(InvalidInput):
                    await hub.run("true", workspace=ref, if_offline="queue")


async def test_where_a_command_goes_that_is_meant_for_a_member_is_said(two: TwoAccounts) -> None:
    theirs = await two.workspace(two.member, "theirs")
    daemon = await two.enrolled(two.member, theirs)
    async with two.served(daemon, "box\x1b[2J", "/srv\n\u202e"):
        for ref in (f"{MEMBER}/theirs", theirs):
            ended = await two.arbor("run", "--detach", "-w", ref, "--", "true")
            assert ended.code == 0, ended.err
            line = rf"running in {MEMBER}/theirs on box\x1b[2J:/srv\n\u202e" + "\n"
            assert ended.err == line
        assert len(await two.tasks(theirs)) == 2
    listed = await two.arbor("workspaces")
    assert f"{MEMBER}/theirs" in listed.out
    shown = json.loads((await two.arbor("workspaces", "--json")).out)
    assert [each["owner"] for each in shown] == [{"id": MEMBER_ID, "username": MEMBER}]


async def test_a_folder_that_is_a_members_workspace_is_none_of_ones_own(
    two: TwoAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member gave the owner a code for a workspace, and may give it to another machine."""
    await two.workspace(two.owner, "lab")
    theirs = await two.workspace(two.member, "theirs")
    keep_identity(two, await two.enrolled(two.member, theirs), monkeypatch, two.folder)
    refused = await two.arbor("run", "--queue", "--", "true")
    assert refused.code == 125 and f"-w {MEMBER}/theirs" in refused.err
    assert await two.runs_in("-w", f"{MEMBER}/theirs") == theirs


async def test_a_folder_whose_workspace_is_gone_is_no_other_one(
    two: TwoAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await two.workspace(two.owner, "lab")
    gone = await two.workspace(two.owner, "gone")
    keep_identity(two, await two.enrolled(two.owner, gone), monkeypatch, two.folder)
    assert (await two.owner.delete(f"/api/workspaces/{gone}")).status_code == 204
    refused = await two.arbor("run", "--queue", "--", "true")
    assert refused.code == 125 and gone in refused.err
    assert await two.tasks(lab) == []
    assert await two.runs_in(here=two.home) == lab


async def test_a_machine_is_not_given_to_who_has_its_name(two: TwoAccounts) -> None:
    theirs = await two.workspace(two.member, "laptop")
    for _ in range(2):
        made = json.loads((await two.arbor("enroll", "laptop", "--json")).out)
        assert made["workspaceId"] != theirs and made["owner"]["username"] != MEMBER
    assert len((await two.owner.get("/api/workspaces")).json()["items"]) == 2
    said = await two.arbor("enroll", f"{MEMBER}/laptop", "--json")
    assert json.loads(said.out)["owner"] == {"id": MEMBER_ID, "username": MEMBER}
    assert f"{MEMBER}/laptop" in said.err


async def test_what_commands_say_of_a_workspace_is_of_ones_own(two: TwoAccounts) -> None:
    lab = await two.workspace(two.owner, "lab")
    await two.enrolled(two.owner, lab)
    async with two.lure("lab", "box", "/srv"):
        made = await two.arbor("token", "create", "ci", "-w", "lab", "--json")
        assert json.loads(made.out)["workspaceId"] == lab, made.err
        assert (await two.arbor("release", "lab")).code == 0
        mine = await two.runs_in("-w", "lab")
        listed = json.loads((await two.arbor("tasks", "-w", "lab", "--json")).out)
        assert [each["workspaceId"] for each in listed] == [lab] and mine == lab


async def test_the_name_of_a_folder_that_is_brought_up_is_not_taken_by_a_member(
    two: TwoAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, taken = two.hub.hub.store, ["project", *(f"project-{n}" for n in range(2, 100))]
    for number, name in enumerate(taken):
        row = rows.workspace(number, name=name, owner_id=MEMBER_ID, owner_name=MEMBER)
        await store.add_workspace(row)
    monkeypatch.setenv("ARBOR_HOME", str(two.home))
    key = two.hub.hub.key.public
    async with Hub(two.hub.url, two.hub.token) as hub:
        workspace = await hub.workspace(await up_setup.ensure_workspace(hub, two.folder, None, key))
    assert workspace.name == "project" and workspace.owner is not None
    assert workspace.owner.username != MEMBER


async def flood(two: TwoAccounts, workspace_id: str, ends: list[str]) -> list[str]:
    """Tasks that the member made after all others, of which some ids end so."""
    fields: dict[str, Any] = {"workspace_id": workspace_id, "created_by": MEMBER_ID}
    bodies = [f"7{number:025}" for number in range(FLOOD - len(ends))]
    bodies += [f"7z{number:0{24 - len(end)}}{end}" for number, end in enumerate(ends)]
    for body in bodies:
        await two.hub.hub.store.add_task(rows.task(0, id=f"tsk_{body}", **fields))
    return [f"tsk_{body}" for body in bodies]


async def test_a_part_of_an_id_means_a_task_of_ones_own(two: TwoAccounts) -> None:
    lab = await two.workspace(two.owner, "lab")
    made = await two.owner.post(
        f"/api/workspaces/{lab}/tasks",
        json={"command": "true", "ifOffline": "queue", "tty": {"cols": 80, "rows": 24}},
    )
    mine = str(made.json()["id"])
    theirs = await two.workspace(two.member, "theirs")
    ids = await flood(two, theirs, [mine[-4:], mine[-8:], "9abc"])
    async with Hub(two.hub.url, two.hub.token) as hub:
        for ref in ("last", mine[-4:], mine[-8:], mine[:10]):
            assert (await hub.task(ref)).id == mine
    for word in ("attach", "logs", "cancel"):
        refused = await two.arbor(word, "9abc")
        assert refused.code == 1 and ids[-1] in refused.err
    assert (await two.owner.get(f"/api/tasks/{ids[-1]}")).json()["status"] == "pending"
    ended = await two.arbor("cancel", mine[-4:])
    assert ended.code == 0 and mine in ended.err and MEMBER not in ended.err
    named = await two.arbor("cancel", ids[-1])
    assert named.code == 0 and f"cancelling in {MEMBER}/theirs" in named.err


async def test_a_token_is_revoked_by_its_id_whatever_others_are_called(two: TwoAccounts) -> None:
    made = json.loads((await two.arbor("token", "create", "ci", "--json")).out)
    copied = await two.owner.post("/api/tokens", json={"name": made["id"], "scopes": ["admin"]})
    assert copied.status_code == 422
    # A program that signs in names its token itself.
    row = rows.token(1, name=made["id"], user_id=made_by(await two.owner.get("/api/me")))
    await two.hub.hub.store.add_token(row)
    revoked = await two.arbor("token", "revoke", made["id"])
    assert revoked.code == 0 and f"ci ({made['id']})" in revoked.err


def made_by(me: Any) -> str:
    """The account that `me` describes."""
    return str(me.json()["userId"])
