"""Which workspace, task, account or token is meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import pytest
from msgspec.structs import replace

from arborlink.client.selection import (
    Seen,
    default_workspace,
    pick_others_task,
    pick_own_task,
    pick_to_enroll,
    pick_token,
    pick_user,
    pick_workspace,
    shown_name,
    workspace_here,
)
from arborlink.folders import ServedFolder
from arborlink.protocol.errors import InvalidInput, NotFound
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.resources import (
    Principal,
    Role,
    Task,
    Token,
    User,
    Workspace,
    WorkspaceOwner,
)
from tests.resources import TASK

HUB = "https://hub.example"
ME = WorkspaceOwner(id="usr_me", username="me")
MALLORY = WorkspaceOwner(id="usr_mallory", username="mallory")
# The time of an id, and what is random.
TIME = "01k5xyz000"
LONG = f"ws_{TIME}ab12cd"


def principal(role: Role = "owner") -> Principal:
    return Principal(
        user_id=ME.id,
        username=ME.username,
        role=role,
        scopes=["tasks:write"],
        workspace_id=None,
        token_id="tok_1",
    )


def workspace(
    identifier: str,
    name: str,
    owner: WorkspaceOwner | None = ME,
    *,
    path: str | None = "/home/me",
    daemon_id: str | None = "dmn_1",
) -> Workspace:
    return Workspace(
        id=identifier,
        name=name,
        state="connected",
        since=None,
        host="box",
        platform=None,
        user=None,
        path=path,
        version=None,
        daemon_id=daemon_id,
        round_trip_ms=None,
        running_tasks=0,
        queued_tasks=0,
        created_at="2026-01-01T00:00:00Z",
        owner=owner,
    )


def seen(*workspaces: Workspace, role: Role = "owner") -> Seen:
    return Seen(principal(role), workspaces)


def folder(workspace_id: str, path: str, hub: str = HUB, daemon_id: str = "dmn_1") -> ServedFolder:
    return ServedFolder(hub=hub, workspace_id=workspace_id, daemon_id=daemon_id, path=path)


LAPTOP = workspace("ws_aa1", "laptop")
LAB = workspace("ws_aa2", "lab")
THIRD = workspace("ws_ab1", "aa1")
OWN = (LAPTOP, LAB, THIRD)


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("laptop", LAPTOP),
        ("ws_aa2", LAB),
        ("ws_ab", THIRD),
        ("aa1", THIRD),
        ("me/lab", LAB),
    ],
)
def test_ones_own_by_name_id_beginning_of_an_id_and_address(ref: str, found: Workspace) -> None:
    assert pick_workspace(seen(*OWN), ref) is found


def test_ambiguity_lists_the_candidates() -> None:
    with pytest.raises(InvalidInput, match=r"laptop \(ws_aa1\), lab \(ws_aa2\)"):
        pick_workspace(seen(*OWN), "ws_aa")


@pytest.mark.parametrize("ref", ["nope", "aa", "", "ws_b", "mallory/lab"])
def test_nothing_lists_what_there_is(ref: str) -> None:
    with pytest.raises(NotFound, match="Yours are: laptop"):
        pick_workspace(seen(*OWN), ref)


@pytest.mark.parametrize(
    ("name", "ref", "found"),
    [
        ("lab", "lab", LAB),  # copied
        ("la\u0301b", "lab", LAB),
        ("ws_aa2", "ws_aa2", LAB),  # an id
        ("ws_ab", "ws_ab", THIRD),  # the beginning of one
        ("me/lab", "me/lab", LAB),  # an address
        ("ws_aa2", "me/lab", LAB),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_no_name_of_another_account_comes_between(
    name: str, ref: str, found: Workspace, first: bool
) -> None:
    theirs = workspace("ws_aa20", name, MALLORY)
    listed = [theirs, *OWN] if first else [*OWN, theirs]
    assert pick_workspace(seen(*listed), ref) is found


@pytest.mark.parametrize("ref", ["theirs", "ws_zz", "ws_", "ws_zz" + "9" * 10])
def test_a_name_or_beginning_that_only_others_have_says_how_to_mean_it(ref: str) -> None:
    theirs = workspace("ws_zz" + "9" * 24, "theirs", MALLORY)
    with pytest.raises(InvalidInput, match=r"mallory/theirs \(ws_zz9") as caught:
        pick_workspace(seen(theirs), ref)
    assert caught.value.code == "not_yours"


@pytest.mark.parametrize("ref", ["mallory/theirs", LONG, f"{LONG}0", f"{LONG}0123456789"])
def test_another_accounts_by_address_and_by_what_chance_has_made(ref: str) -> None:
    theirs = workspace(f"{LONG}0123456789", "theirs", MALLORY)
    assert pick_workspace(seen(*OWN, theirs), ref) is theirs


def test_accents_are_the_same_however_they_are_encoded() -> None:
    cafe = workspace("ws_1", "café")
    assert pick_workspace(seen(cafe), "cafe\u0301") is cafe
    with pytest.raises(NotFound):
        pick_workspace(seen(cafe), "cafe")


def test_two_addresses_that_read_the_same_are_ambiguous() -> None:
    odd = WorkspaceOwner(id="usr_odd", username="a/b")
    plain = WorkspaceOwner(id="usr_a", username="a")
    with pytest.raises(InvalidInput, match="could be any of 2"):
        pick_workspace(seen(workspace("ws_1", "c", odd), workspace("ws_2", "b/c", plain)), "a/b/c")


def test_the_only_workspace_of_ones_own_is_meant_anywhere() -> None:
    theirs = workspace("ws_0", "a", MALLORY)
    assert default_workspace(seen(theirs, LAPTOP)) is LAPTOP


def test_another_accounts_is_never_meant_without_being_named() -> None:
    with pytest.raises(NotFound, match=r"mallory/a \(ws_0\)"):
        default_workspace(seen(workspace("ws_0", "a", MALLORY)))


def test_none_and_several_say_what_to_do() -> None:
    with pytest.raises(NotFound, match="arbor enroll"):
        default_workspace(seen())
    with pytest.raises(InvalidInput, match="-w NAME"):
        workspace_here(seen(*OWN), [], None, HUB)


def test_programs_are_told_of_arguments_and_not_of_options() -> None:
    with pytest.raises(InvalidInput, match='workspace="NAME"') as several:
        default_workspace(seen(*OWN))
    with pytest.raises(NotFound, match='workspace="NAME"') as theirs:
        default_workspace(seen(workspace("ws_0", "a", MALLORY)))
    assert "-w" not in several.value.message + theirs.value.message


def test_a_hub_that_does_not_say_whose_a_workspace_is() -> None:
    unsaid = workspace("ws_1", "lab", None)
    assert default_workspace(seen(unsaid, role="member")) is unsaid
    assert pick_workspace(seen(unsaid), "ws_1") is unsaid
    with pytest.raises(InvalidInput, match="too old to say"):
        pick_workspace(seen(unsaid), "lab")
    with pytest.raises(NotFound, match="too old to say"):
        default_workspace(seen(unsaid))


FOLDERS = (folder("ws_aa1", "/home/me"), folder("ws_aa2", "/home/me/lab"))


@pytest.mark.parametrize(
    ("here", "found"),
    [("/home/me/lab/x", LAB), ("/home/me/lab", LAB), ("/home/me/labs", LAPTOP)],
)
def test_the_innermost_workspace_around_this_folder(here: str, found: Workspace) -> None:
    assert workspace_here(seen(*OWN), FOLDERS, PurePath(here), HUB) is found


def test_a_claimed_folder_is_none() -> None:
    claims = [
        workspace("ws_0", "a", MALLORY, path=path) for path in ("/home/me/lab", "/home/me/lab//")
    ]
    here = PurePath("/home/me/lab/x")
    assert workspace_here(seen(*claims, LAPTOP), FOLDERS[:1], here, HUB) is LAPTOP
    assert workspace_here(seen(*claims, LAPTOP), [], here, HUB) is LAPTOP
    with pytest.raises(NotFound):
        workspace_here(seen(*claims), [], here, HUB)
    # One's own daemons may claim what they like as well.
    own = [workspace("ws_1", "a"), workspace("ws_2", "b", path="/home/me/lab")]
    with pytest.raises(InvalidInput, match="several"):
        workspace_here(seen(*own), [], here, HUB)


@pytest.mark.parametrize("here", [None, PurePath("/tmp")])
def test_elsewhere_the_only_one_is_meant(here: PurePath | None) -> None:
    assert workspace_here(seen(LAPTOP), FOLDERS, here, HUB) is LAPTOP


def test_the_same_hub_at_another_address_is_the_same() -> None:
    there = folder("ws_aa2", "/home/me/lab", hub="http://127.0.0.1:4000")
    assert workspace_here(seen(*OWN), [there], PurePath("/home/me/lab"), HUB) is LAB


def test_a_folder_of_another_hub_is_left_out() -> None:
    elsewhere = folder("ws_zz1", "/home/me/lab", hub="https://other.example")
    here = PurePath("/home/me/lab")
    assert workspace_here(seen(LAPTOP), [elsewhere], here, HUB) is LAPTOP
    assert workspace_here(seen(*OWN), [elsewhere, FOLDERS[0]], here, HUB) is LAPTOP


def test_a_folder_whose_workspace_is_gone_is_not_taken_for_another_one() -> None:
    with pytest.raises(NotFound, match=r"/home/me/lab is workspace ws_aa2, which https://hub"):
        workspace_here(seen(LAPTOP), FOLDERS, PurePath("/home/me/lab"), HUB)


def test_a_folder_that_was_given_to_another_accounts_workspace() -> None:
    theirs = workspace("ws_aa2", "lab", MALLORY)
    with pytest.raises(InvalidInput, match="-w mallory/lab") as caught:
        workspace_here(seen(LAPTOP, theirs), FOLDERS, PurePath("/home/me/lab"), HUB)
    assert caught.value.code == "not_yours"


def test_a_hub_that_does_not_say_whose_it_is_but_that_this_folders_daemon_serves_it() -> None:
    here = PurePath("/home/me/lab")
    unnamed = workspace(LAB.id, LAB.name, owner=None, daemon_id=FOLDERS[1].daemon_id)
    assert FOLDERS[1].workspace_id == LAB.id
    assert workspace_here(seen(LAPTOP, unnamed), FOLDERS, here, HUB) is unnamed
    for other in ("dmn_other", None):
        served = workspace(LAB.id, LAB.name, owner=None, daemon_id=other)
        with pytest.raises(InvalidInput):
            workspace_here(seen(LAPTOP, served), FOLDERS, here, HUB)


def test_a_folder_whose_workspace_another_daemon_serves_by_now() -> None:
    moved = workspace("ws_aa2", "lab", daemon_id="dmn_2")
    with pytest.raises(InvalidInput, match="another daemon"):
        workspace_here(seen(LAPTOP, moved), FOLDERS, PurePath("/home/me/lab"), HUB)
    unserved = workspace("ws_aa2", "lab", daemon_id=None)
    here = PurePath("/home/me/lab")
    assert workspace_here(seen(LAPTOP, unserved), FOLDERS, here, HUB) is unserved


def test_a_machine_is_enrolled_for_ones_own_or_for_what_is_named_as_anothers() -> None:
    theirs = workspace("ws_zz1", "laptop", MALLORY)
    assert pick_to_enroll(seen(theirs, LAPTOP), "laptop") is LAPTOP
    assert pick_to_enroll(seen(theirs), "laptop") is None
    assert pick_to_enroll(seen(theirs), "mallory/laptop") is theirs
    assert pick_to_enroll(seen(theirs), "ws_zz1") is theirs
    for ref in ("ws_none", "mallory/none"):
        with pytest.raises(NotFound):
            pick_to_enroll(seen(theirs), ref)


def test_another_accounts_is_shown_with_its_account() -> None:
    assert shown_name(LAPTOP, principal()) == "laptop"
    assert shown_name(workspace("ws_0", "laptop", MALLORY), principal()) == "mallory/laptop"


def task(identifier: str, created_by: str = ME.id) -> Task:
    return replace(TASK, id=identifier, created_by=created_by, status=TaskStatus.RUNNING)


TASKS = [task("tsk_01k5aaxyz1"), task("tsk_01k5abxyz1"), task("tsk_01k6zzz01k")]


@pytest.mark.parametrize(
    ("ref", "index"),
    [
        ("tsk_01k5aa", 0),
        ("01k5ab", 1),
        ("axyz1", 0),
        ("bxyz1", 1),
        ("01k6", 2),
        ("z01k", 2),
        ("tsk_01k5aaxyz1", 0),
    ],
)
def test_the_task_that_alone_begins_or_ends_so(ref: str, index: int) -> None:
    assert pick_own_task(TASKS, ref) is TASKS[index]


@pytest.mark.parametrize("ref", ["tsk_01k5", "01k", "xyz1", "tsk"])
def test_several_tasks_are_listed(ref: str) -> None:
    with pytest.raises(InvalidInput, match="tsk_01k5aaxyz1, tsk_01k5abxyz1"):
        pick_own_task(TASKS, ref)


@pytest.mark.parametrize("ref", ["", "yz1", "1k5a", "nope"])
def test_no_task(ref: str) -> None:
    assert pick_own_task(TASKS, ref) is None
    with pytest.raises(NotFound):
        pick_others_task(TASKS, ref)


THEIRS = task(f"tsk_{TIME}ab12cd0123456789", MALLORY.id)


@pytest.mark.parametrize("ref", ["456789", f"tsk_{TIME}ab12cd", f"{TIME}ab12cd", THEIRS.id])
def test_another_accounts_task_by_what_chance_has_made(ref: str) -> None:
    assert pick_others_task([THEIRS], ref) is THEIRS


@pytest.mark.parametrize("ref", ["6789", "56789", "tsk_", "tsk_01k5", f"tsk_{TIME}ab12c", TIME])
def test_another_accounts_task_is_not_meant_by_a_little_of_its_id(ref: str) -> None:
    with pytest.raises(InvalidInput, match=THEIRS.id) as caught:
        pick_others_task([THEIRS], ref)
    assert caught.value.code == "not_yours"


def user(identifier: str, username: str) -> User:
    return User(
        id=identifier,
        username=username,
        role="member",
        has_password=False,
        created_at="2026-01-01T00:00:00Z",
    )


@pytest.mark.parametrize(
    ("ref", "found"),
    [("usr_2", "strasse"), ("strasse", "strasse"), ("straße", "straße"), ("Strasse", "strasse")],
)
def test_an_account_by_its_id_before_any_name(ref: str, found: str) -> None:
    users = [user("usr_0", "usr_2"), user("usr_1", "straße"), user("usr_2", "strasse")]
    assert pick_user(users, ref).username == found


def test_no_account() -> None:
    with pytest.raises(NotFound, match="arbor user list"):
        pick_user([user("usr_1", "mia")], "m")


def token(identifier: str, name: str) -> Token:
    return Token(
        id=identifier,
        name=name,
        prefix="arb_u_",
        scopes=["tasks:read"],
        workspace_id=None,
        created_at="2026-01-01T00:00:00Z",
        expires_at=None,
        last_used_at=None,
    )


@pytest.mark.parametrize("names", [["tok_aa1", "tok_aa"], ["tok_aa", "tok_aa1"]])
@pytest.mark.parametrize(("ref", "found"), [("tok_aa1", "tok_aa1"), ("tok_aa", "tok_aa1")])
def test_a_token_by_its_id_before_any_name(names: Sequence[str], ref: str, found: str) -> None:
    others = [token(f"tok_b{number}", name) for number, name in enumerate(names)]
    assert pick_token([*others, token("tok_aa1", "ci")], ref).id == found


def test_tokens_of_the_same_name_are_listed() -> None:
    with pytest.raises(InvalidInput, match=r"ci \(tok_1\), ci \(tok_2\)"):
        pick_token([token("tok_1", "ci"), token("tok_2", "ci")], "ci")
    with pytest.raises(NotFound):
        pick_token([token("tok_1", "ci")], "tok")


def test_a_workspace_is_named_by_the_end_of_its_id_after_all_else() -> None:
    one, two = workspace(LONG, "one"), workspace(f"ws_{TIME}ab12ce", "two")
    theirs = workspace(f"ws_{TIME}xyzwvt", "three", MALLORY)
    named = workspace("ws_z", "12cd")
    seen = Seen(principal(), [one, two, theirs])
    assert pick_workspace(seen, "12cd") is one
    assert pick_workspace(seen, "b12ce") is two
    # A name that was given on purpose is what is meant; an end is chance.
    assert pick_workspace(Seen(principal(), [one, named]), "12cd") is named
    assert pick_workspace(seen, "xyzwvt") is theirs
    for short in ("yzwvt", "zwvt", "2cd"):
        with pytest.raises(NotFound):
            pick_workspace(seen, short)


def test_the_workspace_that_was_chosen_counts_where_no_folder_does() -> None:
    one, two = workspace("ws_1", "one"), workspace("ws_2", "two")
    seen = Seen(principal(), [one, two])
    assert default_workspace(seen, "ws_2") is two
    assert workspace_here(seen, [], PurePath("/"), HUB, "ws_2") is two
    folder = ServedFolder(hub=HUB, workspace_id="ws_1", daemon_id="dmn_1", path="/home/me")
    assert workspace_here(seen, [folder], PurePath("/home/me/sub"), HUB, "ws_2") is one
    with pytest.raises(NotFound, match="arbor use -w"):
        default_workspace(seen, "ws_gone")
