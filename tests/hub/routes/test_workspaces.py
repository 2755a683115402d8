"""Workspaces and their daemons, through the API."""

from __future__ import annotations

import asyncio

import pytest

from .conftest import Api, problem


async def test_a_workspace_from_making_to_forgetting(api: Api) -> None:
    made = await api.client.post("/api/workspaces", json={"name": " lab box ", "unknown": 1})
    workspace = made.json()
    assert made.status_code == 201 and workspace["name"] == "lab box"
    assert (workspace["state"], workspace["since"]) == ("never_connected", None)
    path = f"/api/workspaces/{workspace['id']}"
    assert (await api.client.get(path)).json() == workspace
    renamed = await api.client.patch(path, json={"name": "other"})
    assert renamed.json() == workspace | {"name": "other"}
    listed = (await api.client.get("/api/workspaces")).json()
    assert listed == {"items": [renamed.json()], "nextCursor": None}
    assert (await api.client.delete(path)).status_code == 204
    for method in ("GET", "DELETE"):
        assert problem(await api.client.request(method, path)) == (404, "not_found")


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 129, "a\nb", "a\x00b", "a\u202eb", "a\u2066b", "a\u2028b", "a\u200bb"]
)
async def test_a_name_shows_as_what_it_is(api: Api, name: str) -> None:
    assert problem(await api.client.post("/api/workspaces", json={"name": name}))[0] == 422
    workspace_id = await api.workspace()
    path = f"/api/workspaces/{workspace_id}"
    assert problem(await api.client.patch(path, json={"name": name}))[0] == 422


@pytest.mark.parametrize("name", ["__proto__", "<img onerror=x>", "' OR 1=1 --", "日本語 ✓", "%s"])
async def test_a_name_may_be_any_other_text(api: Api, name: str) -> None:
    made = await api.client.post("/api/workspaces", json={"name": name})
    assert made.json()["name"] == name


@pytest.mark.parametrize("name", ["ws_1", "Tsk_x", "a/b", "\uff4cab", "la\u3164b", "cafe\u0301/"])
async def test_a_name_is_taken_for_nothing_else(api: Api, name: str) -> None:
    refused = await api.client.post("/api/workspaces", json={"name": name})
    assert problem(refused) == (422, "invalid_name")
    made = await api.client.post("/api/users", json={"username": name})
    assert problem(made) == (422, "invalid_name")


async def test_a_name_from_before_stays_until_there_is_another(api: Api) -> None:
    workspace_id = await api.workspace()
    await api.hub.store.rename_workspace(workspace_id, "ws_1")
    path = f"/api/workspaces/{workspace_id}"
    for name in ("ws_1", "one"):
        assert (await api.client.patch(path, json={"name": name})).json()["name"] == name
    refused = await api.client.patch(path, json={"name": "ws_1"})
    assert problem(refused) == (422, "invalid_name")


async def test_a_workspace_is_shown_with_whose_it_is(api: Api) -> None:
    me = (await api.client.get("/api/me")).json()
    workspace_id = await api.workspace()
    path = f"/api/workspaces/{workspace_id}"
    owner = {"id": me["userId"], "username": me["username"]}
    assert (await api.client.get(path)).json()["owner"] == owner
    renamed = await api.client.patch(f"/api/users/{me['userId']}", json={"username": "zoe"})
    assert renamed.status_code == 200
    shown = (await api.client.get("/api/workspaces")).json()["items"]
    assert [each["owner"] for each in shown] == [owner | {"username": "zoe"}]


async def test_names_are_unique(api: Api) -> None:
    await api.workspace("one")
    again = await api.client.post("/api/workspaces", json={"name": "one"})
    assert problem(again) == (409, "name_taken")


async def test_a_scope_is_needed(api: Api) -> None:
    workspace_id = await api.workspace()
    async with api.bearer(await api.token(["tasks:read"])) as reader:
        assert (await reader.get(f"/api/workspaces/{workspace_id}")).status_code == 200
        for method, path in (
            ("POST", "/api/workspaces"),
            ("PATCH", f"/api/workspaces/{workspace_id}"),
            ("DELETE", f"/api/workspaces/{workspace_id}"),
            ("POST", f"/api/workspaces/{workspace_id}/enrollment"),
        ):
            refused = await reader.request(method, path, json={"name": "x"})
            assert problem(refused) == (403, "not_allowed")


async def test_a_daemon_from_its_code_to_its_removal(api: Api) -> None:
    workspace_id = await api.workspace()
    made = await api.client.post(f"/api/workspaces/{workspace_id}/enrollment")
    assert made.status_code == 201 and len(made.json()["code"]) == 9
    async with api.anonymous() as machine:
        redeemed = await asyncio.gather(
            *(machine.post("/api/enroll", json={"code": made.json()["code"]}) for _ in range(4))
        )
    daemons = [response.json() for response in redeemed if response.status_code == 201]
    assert len(daemons) == 1
    assert {problem(r) for r in redeemed if r.status_code != 201} == {(404, "unknown_code")}
    (daemon,) = daemons
    assert daemon["workspaceId"] == workspace_id and daemon["authToken"].startswith("arb_d_")
    path = f"/api/daemons/{daemon['daemonId']}"
    shown = (await api.client.get(path)).json()
    assert (shown["workspaceId"], shown["connected"]) == (workspace_id, False)
    workspace = (await api.client.get(f"/api/workspaces/{workspace_id}")).json()
    assert workspace["daemonId"] == daemon["daemonId"]
    second = (await api.client.post(f"/api/workspaces/{workspace_id}/enrollment")).json()["code"]
    async with api.anonymous() as machine:
        taken = await machine.post("/api/enroll", json={"code": second})
        assert problem(taken) == (409, "workspace_has_daemon")
        assert (await api.client.delete(path)).status_code == 204
        assert (await machine.post("/api/enroll", json={"code": second})).status_code == 201
    assert problem(await api.client.get(path)) == (404, "not_found")


async def test_somebody_elses_daemon_is_no_daemon(api: Api) -> None:
    one, other = await api.workspace("one"), await api.workspace("other")
    made = (await api.client.post(f"/api/workspaces/{one}/enrollment")).json()
    async with api.anonymous() as machine:
        daemon = (await machine.post("/api/enroll", json={"code": made["code"]})).json()
    async with api.bearer(await api.token(["workspaces:write"], other)) as client:
        theirs = await client.get(f"/api/daemons/{daemon['daemonId']}")
        none = await client.get("/api/daemons/dmn_00000000000000000000000000")
    assert problem(theirs) == (404, "not_found")
    assert theirs.json() == none.json()


async def test_a_daemons_token_is_no_api_token(api: Api) -> None:
    workspace_id = await api.workspace()
    made = (await api.client.post(f"/api/workspaces/{workspace_id}/enrollment")).json()
    async with api.anonymous() as machine:
        daemon = (await machine.post("/api/enroll", json={"code": made["code"]})).json()
    async with api.bearer(daemon["authToken"]) as client:
        assert problem(await client.get("/api/me")) == (401, "not_authenticated")


async def test_guessing_codes_is_limited(api: Api) -> None:
    api.stop_time_for_budgets()
    async with api.anonymous() as machine:
        for _ in range(10):
            guess = await machine.post("/api/enroll", json={"code": "BCDF-GHJK"})
            assert problem(guess) == (404, "unknown_code")
        guess = await machine.post("/api/enroll", json={"code": "BCDF-GHJK"})
        assert problem(guess) == (429, "too_many_requests")
