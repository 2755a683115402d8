"""Who may put a daemon in the place of another one, and what the workspace's owner sees of it."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from .conftest import Api, problem

EVERYDAY = ["tasks:read", "tasks:write", "workspaces:write"]


async def enroll(api: Api, client: httpx2.AsyncClient, workspace_id: str) -> httpx2.Response:
    """The answer to a daemon that comes with a code of this client's."""
    made = await client.post(f"/api/workspaces/{workspace_id}/enrollment")
    if made.status_code != 201:
        return made
    async with api.anonymous() as machine:
        return await machine.post("/api/enroll", json={"code": made.json()["code"]})


async def shown(api: Api, workspace_id: str) -> dict[str, Any]:
    """The workspace as its owner sees it."""
    found: dict[str, Any] = (await api.client.get(f"/api/workspaces/{workspace_id}")).json()
    return found


async def test_a_new_workspace_gets_its_first_daemon_with_workspaces_write(api: Api) -> None:
    async with api.bearer(await api.token(EVERYDAY)) as client:
        made = await client.post("/api/workspaces", json={"name": "lab"})
        answer = await enroll(api, client, made.json()["id"])
    assert answer.status_code == 201, answer.text


async def test_daemons_write_swaps_and_workspaces_write_does_not(api: Api) -> None:
    workspace_id = await api.workspace("lab")
    daemon = (await enroll(api, api.client, workspace_id)).json()["daemonId"]
    path = f"/api/daemons/{daemon}"
    async with api.bearer(await api.token(EVERYDAY)) as client:
        for method, target in (
            ("DELETE", path),
            ("POST", f"{path}/release"),
            ("POST", f"{path}/rotate"),
            ("POST", f"/api/workspaces/{workspace_id}/enrollment"),
            # Another workspace would take its name, and what is sent by that name.
            ("PATCH", f"/api/workspaces/{workspace_id}"),
            ("DELETE", f"/api/workspaces/{workspace_id}"),
        ):
            refused = await client.request(method, target, json={"name": "other"})
            assert problem(refused) == (403, "not_allowed"), (method, target)
            assert "daemons:write" in refused.json()["detail"]
    async with api.bearer(await api.token([*EVERYDAY, "daemons:write"])) as client:
        assert (await client.post(f"{path}/rotate")).status_code == 202
        assert (await client.delete(path)).status_code == 204
        assert (await enroll(api, client, workspace_id)).status_code == 201


async def test_after_a_removal_workspaces_write_does_not_take_the_place(api: Api) -> None:
    workspace_id = await api.workspace("lab")
    daemon = (await enroll(api, api.client, workspace_id)).json()["daemonId"]
    assert (await api.client.delete(f"/api/daemons/{daemon}")).status_code == 204
    async with api.bearer(await api.token(EVERYDAY)) as client:
        assert problem(await enroll(api, client, workspace_id)) == (403, "not_allowed")


async def test_a_workspace_with_tasks_needs_the_scope_for_its_first_daemon(api: Api) -> None:
    workspace_id = await api.workspace("lab")
    async with api.bearer(await api.token(EVERYDAY)) as client:
        early = await client.post(f"/api/workspaces/{workspace_id}/enrollment")
        assert early.status_code == 201
        await api.task(workspace_id, env={"SECRET": "x"})
        assert problem(await enroll(api, client, workspace_id)) == (403, "not_allowed")
    async with api.anonymous() as machine:
        late = await machine.post("/api/enroll", json={"code": early.json()["code"]})
    assert problem(late) == (404, "unknown_code"), "a code from before is not good for it any more"
    assert (await enroll(api, api.client, workspace_id)).status_code == 201


async def test_daemons_write_alone_admits_a_daemon_to_any_workspace(api: Api) -> None:
    workspace_id = await api.workspace("lab")
    async with api.bearer(await api.token(["daemons:write"])) as client:
        daemon = (await enroll(api, client, workspace_id)).json()["daemonId"]
        assert (await client.delete(f"/api/daemons/{daemon}")).status_code == 204
        assert (await enroll(api, client, workspace_id)).status_code == 201


async def test_a_token_of_another_workspace_admits_nothing(api: Api) -> None:
    one, other = await api.workspace("one"), await api.workspace("other")
    for scope in ("workspaces:write", "daemons:write"):
        async with api.bearer(await api.token([scope], other)) as client:
            assert problem(await enroll(api, client, one)) == (404, "not_found")


@pytest.mark.parametrize("scopes", [["daemons:write"], ["tasks:read", "daemons:write"]])
async def test_daemons_write_makes_no_workspace(api: Api, scopes: list[str]) -> None:
    async with api.bearer(await api.token(scopes)) as client:
        refused = await client.post("/api/workspaces", json={"name": "lab"})
        assert problem(refused) == (403, "not_allowed")


async def test_the_owner_sees_who_changed_the_daemon_and_with_what(api: Api) -> None:
    workspace_id = await api.workspace("lab")
    assert (await shown(api, workspace_id))["daemonChange"] is None
    first = (await enroll(api, api.client, workspace_id)).json()["daemonId"]
    change = (await shown(api, workspace_id))["daemonChange"]
    assert (change["what"], change["user"], change["token"]) == ("enrolled", "owner", "bootstrap")
    assert change["address"] == "127.0.0.1" and change["at"].endswith("Z")
    async with api.browser() as browser:
        assert (await browser.delete(f"/api/daemons/{first}")).status_code == 204
        change = (await shown(api, workspace_id))["daemonChange"]
        assert (change["what"], change["user"], change["token"]) == ("removed", "owner", None)
        second = (await enroll(api, browser, workspace_id)).json()["daemonId"]
    change = (await shown(api, workspace_id))["daemonChange"]
    assert change["what"] == "replaced"
    assert (await api.client.post(f"/api/daemons/{second}/release")).status_code == 200
    assert (await shown(api, workspace_id))["daemonChange"]["what"] == "released"


async def test_a_code_that_is_revoked_with_its_token_admits_nothing(api: Api) -> None:
    workspace_id = await api.workspace("lab")
    body = {"name": "n", "scopes": EVERYDAY}
    token = (await api.client.post("/api/tokens", json=body)).json()
    async with api.bearer(token["secret"]) as client:
        code = (await client.post(f"/api/workspaces/{workspace_id}/enrollment")).json()["code"]
    assert (await api.client.delete(f"/api/tokens/{token['id']}")).status_code == 204
    async with api.anonymous() as machine:
        refused = await machine.post("/api/enroll", json={"code": code})
    assert problem(refused) == (404, "unknown_code")
