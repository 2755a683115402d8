"""The synchronous face, against a real hub in another thread's event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from arborlink.client import Hub, InvalidInput, NotAuthenticated, NotFound, SyncHub
from arborlink.testing.hub import HubInProcess, hub_in_process


def test_plain_calls_and_iterators(hub: HubInProcess) -> None:
    async def make() -> str:
        async with Hub(hub.url, hub.token) as asynchronous:
            return (await asynchronous.create_workspace("laptop")).id

    workspace_id = asyncio.run(make())
    with SyncHub(hub.url, hub.token) as sync:
        assert sync.me().role == "owner"
        assert [each.id for each in sync.workspaces()] == [workspace_id]
        assert sync.workspace("laptop").id == workspace_id
        task = sync.run("true", workspace="laptop", if_offline="queue")
        assert task.info.status == "pending"
        statuses = sync.task(task.id).statuses()
        assert next(statuses).status == "pending"
        task.cancel()
        assert [each.status for each in statuses] == ["cancelled"]
        assert task.wait().status == "cancelled"
        assert list(task.output()) == []
        assert list(task.search("nothing")) == []
        assert [each.id for each in sync.tasks(workspace="laptop", status="cancelled")] == [task.id]
        assert sync.task(task.id[:20]).id == task.id
        with pytest.raises(NotFound):
            sync.task("tsk_nope")
        with pytest.raises(InvalidInput):
            list(sync.task(task.id).output(10))


def test_errors_of_opening_come_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARBOR_HOME", str(tmp_path))
    monkeypatch.delenv("ARBOR_URL", raising=False)
    with pytest.raises(NotAuthenticated), SyncHub():
        pass


async def test_tokens_links_and_enrolment(tmp_path: Path) -> None:
    async with hub_in_process(tmp_path) as running, Hub(running.url, running.token) as hub:
        token = await hub.create_token("ci", scopes=["tasks:read"], expires_in=60.0)
        assert token.secret
        assert token.name in {each.name for each in await hub.tokens()}
        async with Hub(running.url, token.secret) as limited:
            assert (await limited.me()).scopes == ["tasks:read"]
        await hub.revoke_token(token.id)
        async with Hub(running.url, token.secret) as limited:
            with pytest.raises(NotAuthenticated):
                await limited.me()
        link = await hub.session_link()
        assert link.link in link.url
        workspace = await hub.create_workspace("lab")
        assert (await hub.enrollment(workspace.id)).code
