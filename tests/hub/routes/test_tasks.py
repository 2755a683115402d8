"""Tasks, through the API."""

from __future__ import annotations

import asyncio
import base64

import pytest

from .conftest import Api, problem


async def test_a_task_waits_for_its_daemon_and_is_cancelled(api: Api) -> None:
    workspace_id = await api.workspace()
    body = {
        "command": "make",
        "args": ["all"],
        "env": {"SECRET": "value"},
        "ifOffline": "queue",
        "tty": {"cols": 80, "rows": 24},
    }
    made = await api.client.post(f"/api/workspaces/{workspace_id}/tasks", json=body)
    assert made.status_code == 201
    task = made.json()
    assert (task["status"], task["env"]) == ("pending", ["SECRET"])
    assert "value" not in made.text
    path = f"/api/tasks/{task['id']}"
    assert (await api.client.get(path)).json() == task
    cancelled = await api.client.post(f"{path}/cancel", json={"graceSeconds": 1})
    assert cancelled.json()["status"] == "cancelled"
    again = await api.client.post(f"{path}/rerun")
    assert problem(again) == (409, "workspace_unreachable")


async def test_a_workspace_that_is_away_is_said_at_once(api: Api) -> None:
    workspace_id = await api.workspace()
    refused = await api.client.post(
        f"/api/workspaces/{workspace_id}/tasks", json={"command": "true"}
    )
    assert problem(refused) == (409, "workspace_unreachable")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"command": ""},
        {"command": 1},
        {"command": "x", "args": "ls -l"},
        {"command": "x", "args": ["\0"]},
        {"command": "x", "args": [""] * 10_001},
        {"command": "x", "timeout": 0},
        {"command": "x", "timeout": True},
        {"command": "x", "timeout": 1e12},
        {"command": "x", "env": {"A=B": "x"}},
        {"command": "x", "env": {"": "x"}},
        {"command": "x", "tty": {"cols": 0, "rows": 1}},
        {"command": "x", "tty": {"cols": 1, "rows": 65_536}},
        {"command": "x", "ifOffline": "maybe"},
        {"command": "x", "title": "a\u202eb"},
        {"command": "x", "shell": 1},
    ],
)
async def test_what_cannot_be_run_is_refused(api: Api, body: dict[str, object]) -> None:
    workspace_id = await api.workspace()
    path = f"/api/workspaces/{workspace_id}/tasks"
    assert problem(await api.client.post(path, json={"ifOffline": "queue", **body}))[0] == 422
    assert (await api.client.get("/api/tasks")).json()["items"] == []


async def test_the_field_at_fault_is_named(api: Api) -> None:
    workspace_id = await api.workspace()
    body = {"command": "x", "tty": {"cols": "wide", "rows": 1}}
    refused = await api.client.post(f"/api/workspaces/{workspace_id}/tasks", json=body)
    assert problem(refused) == (422, "invalid_input")
    assert "tty.cols has to be a whole number, not text" in refused.json()["detail"]


async def test_an_idempotency_key_makes_one_task(api: Api) -> None:
    workspace_id = await api.workspace()
    path = f"/api/workspaces/{workspace_id}/tasks"
    body = {"command": "x", "ifOffline": "queue"}
    headers = {"Idempotency-Key": "key"}
    made = await asyncio.gather(
        *(api.client.post(path, json=body, headers=headers) for _ in range(5))
    )
    assert {response.status_code for response in made} == {201}
    assert len({response.json()["id"] for response in made}) == 1
    other = await api.client.post(path, json=body | {"command": "y"}, headers=headers)
    assert problem(other) == (409, "idempotency_key_reused")
    too_long = await api.client.post(path, json=body, headers={"Idempotency-Key": "x" * 256})
    assert problem(too_long)[0] == 422
    two = await api.client.post(
        path, json=body, headers=[("Idempotency-Key", "key"), ("Idempotency-Key", "other")]
    )
    assert problem(two) == (422, "invalid_input")


async def test_listings_filter_and_page(api: Api) -> None:
    one, two = await api.workspace("one"), await api.workspace("two")
    made = [await api.task(one, f"command {n}") for n in range(5)]
    other = await api.task(two, "100%")
    await api.client.post(f"/api/tasks/{made[0]}/cancel")

    async def listed(query: str) -> tuple[set[str], str | None]:
        page = (await api.client.get(f"/api/tasks?{query}")).json()
        return {item["id"] for item in page["items"]}, page["nextCursor"]

    assert await listed("") == ({*made, other}, None)
    assert await listed(f"workspace={one}") == (set(made), None)
    assert await listed("status=cancelled") == ({made[0]}, None)
    assert await listed("status=cancelled,pending&status=lost") == ({*made, other}, None)
    assert await listed("search=COMMAND%203") == ({made[3]}, None)
    assert await listed("search=%25") == ({other}, None)
    refused = await api.client.get("/api/tasks?search=a%00")
    assert problem(refused) == (422, "nul_character")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"limit=2&cursor={cursor}" if cursor else "limit=2"
        page = (await api.client.get(f"/api/tasks?{query}")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
    assert seen == sorted([*made, other], reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=-1",
        "limit=%D9%A1",
        "limit=1.0",
        "status=x",
        "cursor=x",
        "cursor=ws_1",
        "search=" + "x" * 257,
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    assert problem(await api.client.get(f"/api/tasks?{query}")) == (422, "invalid_input")


async def test_somebody_elses_workspace_is_not_found(api: Api) -> None:
    for workspace_id in ("ws_other", "..%2f..%2fx", "-rf", "con", "%00"):
        path = f"/api/workspaces/{workspace_id}/tasks"
        refused = await api.client.post(path, json={"command": "x", "ifOffline": "queue"})
        assert problem(refused)[0] == 404
    assert problem(await api.client.get("/api/tasks?workspace=ws_other"))[0] == 404
    assert problem(await api.client.get("/api/tasks/tsk_other"))[0] == 404


async def test_input_is_accepted_at_its_offset(api: Api) -> None:
    task_id = await api.task(await api.workspace(), "cat")
    path = f"/api/tasks/{task_id}/input"
    data = base64.b64encode(b"\x00\xff\n").decode()
    assert (await api.client.post(path, json={"input": data})).json() == {"offset": 3}
    body = {"text": "ü\n", "offset": 3, "eof": True}
    assert (await api.client.post(path, json=body)).json() == {"offset": 6}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": "no base64!"},
        {"input": "eA==", "text": "x"},
        {"text": "x", "offset": -1},
        {"text": "x", "offset": 1.0},
        {"text": "ü" * 40_000},
    ],
)
async def test_input_that_makes_no_sense_is_refused(api: Api, body: dict[str, object]) -> None:
    task_id = await api.task(await api.workspace(), "cat")
    assert problem(await api.client.post(f"/api/tasks/{task_id}/input", json=body))[0] == 422


async def test_a_reader_may_only_look(api: Api) -> None:
    workspace_id = await api.workspace()
    task_id = await api.task(workspace_id)
    async with api.bearer(await api.token(["tasks:read"])) as reader:
        assert (await reader.get(f"/api/tasks/{task_id}")).status_code == 200
        for path, body in (
            (f"/api/workspaces/{workspace_id}/tasks", {"command": "x", "ifOffline": "queue"}),
            (f"/api/tasks/{task_id}/cancel", {}),
            (f"/api/tasks/{task_id}/rerun", {}),
            (f"/api/tasks/{task_id}/input", {"text": "x"}),
        ):
            assert problem(await reader.post(path, json=body)) == (403, "not_allowed")


async def test_the_tasks_of_one_account_are_listed_and_no_more_than_are_to_be_seen(
    api: Api,
) -> None:
    one, other = await api.workspace("one"), await api.workspace("other")
    first, second = await api.task(one), await api.task(other)
    me = (await api.client.get("/api/me")).json()["userId"]
    listed = (await api.client.get("/api/tasks", params={"createdBy": me})).json()["items"]
    assert [each["id"] for each in listed] == [second, first]
    async with api.bearer(await api.token(["tasks:read"], one)) as limited:
        listed = (await limited.get("/api/tasks", params={"createdBy": me})).json()["items"]
    assert [each["id"] for each in listed] == [first]
    another = {"createdBy": "usr_00000000000000000000000000"}
    assert (await api.client.get("/api/tasks", params=another)).json()["items"] == []
    refused = await api.client.get("/api/tasks", params={"createdBy": "me"})
    assert problem(refused) == (422, "invalid_input")


async def cancelled_task(api: Api, workspace_id: str) -> str:
    body = {"command": "make", "ifOffline": "queue"}
    made = await api.client.post(f"/api/workspaces/{workspace_id}/tasks", json=body)
    path = f"/api/tasks/{made.json()['id']}"
    assert (await api.client.post(f"{path}/cancel")).json()["status"] == "cancelled"
    return str(made.json()["id"])


async def test_only_a_task_that_is_over_is_deleted(api: Api) -> None:
    workspace_id = await api.workspace()
    body = {"command": "make", "ifOffline": "queue"}
    made = await api.client.post(f"/api/workspaces/{workspace_id}/tasks", json=body)
    path = f"/api/tasks/{made.json()['id']}"
    assert problem(await api.client.delete(path)) == (409, "task_not_over")
    assert (await api.client.get(path)).status_code == 200
    await api.client.post(f"{path}/cancel")
    assert (await api.client.delete(path)).status_code == 204
    assert problem(await api.client.get(path)) == (404, "not_found")
    assert problem(await api.client.delete(path)) == (404, "not_found")


async def test_tasks_are_found_by_either_end_of_their_ids(api: Api) -> None:
    workspace_id = await api.workspace()
    ids = [await cancelled_task(api, workspace_id) for _ in range(3)]

    async def found(part: str, **query: str) -> list[str]:
        answer = await api.client.get("/api/tasks", params={"id": part, **query})
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    for each in ids:
        for part in (each, each[-6:], each[-26:], each[4:]):
            assert await found(part) == [each]
        assert each in await found(each[-4:])
    assert await found(ids[0][-3:]) == []
    assert await found(ids[0][4:8]) == sorted(ids, reverse=True)
    assert await found("tsk_") == sorted(ids, reverse=True)
    assert await found(ids[0][-6:], status="running") == []
    assert await found(ids[0][-6:], search="mak") == [ids[0]]
    assert await found("tsk_", limit="2") == sorted(ids, reverse=True)[:2]
    for odd in ("", "%", "TSK_", "a'b", "x" * 27):
        assert problem(await api.client.get("/api/tasks", params={"id": odd}))[0] == 422
