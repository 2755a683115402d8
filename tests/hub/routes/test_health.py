"""Health, connections and round trips over HTTP: who may look, and what is there at once."""

from __future__ import annotations

import jsonschema  # type: ignore[import-untyped]
import pytest

from arborlink.hub.service.health import INTERVAL_SECONDS

from .conftest import Api, problem

OWNERS_ONLY = ["/api/connections", "/api/health"]


@pytest.mark.parametrize("path", OWNERS_ONLY)
async def test_only_a_credential_that_may_do_everything_sees_who_is_connected(
    api: Api, path: str
) -> None:
    workspace = await api.workspace()
    narrow = await api.token(["tasks:read", "tasks:write", "workspaces:write"])
    limited = await api.token(["admin"], workspace)
    for secret in (narrow, limited):
        async with api.bearer(secret) as client:
            assert problem(await client.get(path))[0] == 403
    assert (await api.client.get(path)).status_code == 200


async def test_health_says_what_runs_here_and_has_its_first_point(api: Api) -> None:
    health = (await api.client.get("/api/health")).json()
    assert health["interval"] == INTERVAL_SECONDS
    assert health["python"].startswith("3.") and health["sqlite"].startswith("3.")
    assert health["startedAt"] <= health["now"]
    assert health["disk"]["freeBytes"] > 0
    assert health["disk"]["dataBytes"] > 0
    points = health["points"]
    assert len(points["time"]) == 1
    assert points["connections"] == {"daemons": [0], "viewers": [0]}
    assert points["runningTasks"] == [0]
    assert points["bytesInPerSecond"] == [None]
    assert points["memoryBytes"][0] > 0
    columns = [column for column in points.values() if isinstance(column, list)]
    assert {len(column) for column in columns} == {1}


async def test_the_answer_fits_its_description(api: Api) -> None:
    document = (await api.client.get("/api/openapi.json")).json()
    for path, name in (("/api/health", "Health"), ("/api/round-trips", "RoundTripList")):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        answer = (await api.client.get(path)).json()
        jsonschema.Draft202012Validator(schema).validate(answer)


async def test_points_that_are_known_already_are_left_out(api: Api) -> None:
    (time,) = (await api.client.get("/api/health")).json()["points"]["time"]
    later = (await api.client.get("/api/health", params={"since": time})).json()
    assert later["points"]["time"] == []
    before = (await api.client.get("/api/health", params={"since": time - 1})).json()
    assert before["points"]["time"] == [time]
    assert problem(await api.client.get("/api/health", params={"since": "yesterday"}))[0] == 422


async def test_nobody_is_connected_and_no_machine_has_answered(api: Api) -> None:
    await api.workspace()
    assert (await api.client.get("/api/connections")).json() == {"items": []}
    async with api.bearer(await api.token(["tasks:read"])) as client:
        response = await client.get("/api/round-trips")
    assert response.json() == {"interval": INTERVAL_SECONDS, "items": []}


async def test_round_trips_need_leave_to_read(api: Api) -> None:
    async with api.bearer(await api.token(["workspaces:write"])) as client:
        assert problem(await client.get("/api/round-trips"))[0] == 403
