"""Workspaces of another account, named to come first or to be taken for one's own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.async_api import expect

from arborlink.hub.store.base import WorkspaceRow
from arborlink.hub.store.base_access import EnrolmentRow, UserRow
from arborlink.hub.store.sqlite import DATABASE_FILE, SqliteStore
from arborlink.protocol.messages import HostInfo
from tests.e2e.arbor import Arbor
from tests.e2e.shared import running
from tests.e2e.web.browser import Person

MEMBER: Final = UserRow(id="usr_member", username="mallory", role="member", created_at=1)
HOST: Final = HostInfo(hostname="box", platform="linux", user="u", path="/srv")


@pytest.fixture(scope="module")
def arbor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arbor]:
    """A hub with machines of two accounts, which are away."""
    folder = tmp_path_factory.mktemp("arbor")
    with running(folder, with_daemon=False) as hub:
        assert hub.hub is not None
        hub.hub.terminate()
        hub.hub.wait()
        asyncio.run(fill(hub))
        hub.start_hub()
        yield hub


async def fill(arbor: Arbor) -> None:
    """Workspaces that were connected: `zoo` and `lab` of the owner's, `a` and `lab` of another's,
    and `new` of the other's, which was not."""
    store = await SqliteStore.open(arbor.home / "hub" / DATABASE_FILE, lambda: "hub_unused")
    owner = store.owner()
    assert owner is not None
    await store.add_user(MEMBER)
    for user, name in ((MEMBER, "a"), (MEMBER, "lab"), (owner, "lab"), (owner, "zoo")):
        await add(store, user, name)
        await connect(store, user, name)
    await add(store, MEMBER, "new")
    await store.close()


async def add(store: SqliteStore, user: UserRow, name: str) -> None:
    """A workspace, whose id says whose it is."""
    await store.add_workspace(
        WorkspaceRow(
            id=workspace_id(user, name),
            name=name,
            owner_id=user.id,
            owner_name=user.username,
            created_at=1,
        )
    )


async def connect(store: SqliteStore, user: UserRow, name: str) -> None:
    """Let its daemon have been there."""
    place, daemon_id = workspace_id(user, name), f"dmn_{user.username}_{name}"
    code = hashlib.sha256(place.encode()).digest()
    row = EnrolmentRow(code_hash=code, workspace_id=place, created_by=user.id, expires_at=9)
    await store.add_enrolment(row, 1)
    await store.redeem_enrolment(code, daemon_id, code, 1)
    await store.accept_daemon(place, daemon_id, "i", HOST, "1", 1)


def workspace_id(user: UserRow, name: str) -> str:
    """The id in an address of the page."""
    return f"ws_{user.username}_{name}"


async def test_ones_own_workspace_is_chosen_and_anothers_named_as_theirs(person: Person) -> None:
    page = await person.open("/")
    picker = page.get_by_label("Workspace", exact=True)
    await expect(picker).to_have_value("ws_owner_lab")
    await expect(picker.locator("option")).to_have_text(
        [
            "lab (not connected)",
            "zoo (not connected)",
            "mallory/a (not connected)",
            "mallory/lab (not connected)",
            "mallory/new (not connected)",
        ]
    )
    await picker.select_option("ws_mallory_lab")
    await expect(page.get_by_text("mallory/lab is not connected")).to_be_visible()
    await page.get_by_role("link", name="mallory/lab").first.click()
    await expect(page.get_by_role("heading", name="mallory/lab")).to_be_visible()
    await expect(page.get_by_label("Of mallory/lab")).to_be_visible()


async def test_a_machine_is_not_connected_to_anothers_workspace_unawares(person: Person) -> None:
    page = await person.open("/connect?workspace=ws_mallory_new")
    await expect(page.get_by_role("heading", name="Connect mallory/new")).to_be_visible()
    await expect(page.get_by_role("alert")).to_contain_text("runs what that account wants")
