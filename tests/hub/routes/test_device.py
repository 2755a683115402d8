"""A program is signed in by a code over HTTP: what each side sees, and what attackers do not."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from arborlink.hub.access.credentials import CODE_ALPHABET
from arborlink.protocol.limits import MAX_NAME_CHARS

from .conftest import ORIGIN, Api, problem

ASK = {"clientName": "arbor", "hostname": "lab", "scopes": ["tasks:write", "tasks:read"]}


async def begin(client: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    """A program that waits."""
    response = await client.post("/api/device/code", json={**ASK, **fields})
    assert response.status_code == 200, response.text
    begun: dict[str, Any] = response.json()
    return begun


async def collect(client: httpx2.AsyncClient, begun: dict[str, Any]) -> httpx2.Response:
    """The program asks for its token."""
    return await client.post("/api/device/token", json={"deviceCode": begun["deviceCode"]})


def decision(begun: dict[str, Any], approve: bool = True, **fields: Any) -> dict[str, Any]:
    """What the page sends."""
    return {"userCode": begun["userCode"], "approve": approve, **fields}


def refusal(response: httpx2.Response) -> str:
    """The code, which OAuth's clients find as `error`."""
    status, code = problem(response)
    assert status == 400 and response.json()["error"] == code
    return code


async def test_a_program_is_signed_in(api: Api) -> None:
    async with api.anonymous() as program, api.browser() as page:
        begun = await begin(program, expiresIn=3_600)
        code = begun["userCode"]
        assert set(code.replace("-", "")) <= set(CODE_ALPHABET) and len(code) == 9
        assert begun["verificationUri"] == f"{ORIGIN}/device"
        assert begun["verificationUriComplete"] == f"{ORIGIN}/device?code={code}"
        assert begun["expiresIn"] == 600 and begun["interval"] > 0
        assert refusal(await collect(program, begun)) == "authorization_pending"
        assert refusal(await collect(program, begun)) == "slow_down"
        shown = (await page.get(f"/api/device/{code.lower()}")).json()
        assert (shown["clientName"], shown["hostname"], shown["address"]) == (
            "arbor",
            "lab",
            "127.0.0.1",
        )
        assert shown["userCode"] == code and shown["tokenExpiresIn"] == 3_600
        assert shown["scopes"] == ["tasks:read", "tasks:write"]
        assert shown["requestedAt"] < shown["expiresAt"]
        assert (await page.post("/api/device/approve", json=decision(begun))).status_code == 204
        granted = await collect(program, begun)
        assert granted.status_code == 200 and granted.headers["cache-control"] == "no-store"
        token = granted.json()
        assert (token["username"], token["scopes"]) == ("owner", ["tasks:read", "tasks:write"])
        assert refusal(await collect(program, begun)) == "expired_token"
        again = await page.post("/api/device/approve", json=decision(begun))
        assert problem(again) == (404, "unknown_code")
        listed = (await page.get("/api/tokens")).json()["items"]
        assert listed[-1]["name"] == "arbor on lab" and listed[-1]["id"] == token["tokenId"]
        assert listed[-1]["expiresAt"] == token["expiresAt"]
    async with api.bearer(token["token"]) as client:
        assert (await client.get("/api/me")).json()["tokenId"] == token["tokenId"]
        assert problem(await client.get("/api/tokens"))[0] == 403


async def test_a_program_is_denied(api: Api) -> None:
    async with api.anonymous() as program, api.browser() as page:
        begun = await begin(program)
        refused = await page.post("/api/device/approve", json=decision(begun, approve=False))
        assert refused.status_code == 204
        assert refusal(await collect(program, begun)) == "access_denied"
        assert len((await page.get("/api/tokens")).json()["items"]) == 1


async def test_a_person_may_allow_less(api: Api) -> None:
    async with api.anonymous() as program, api.browser() as page:
        begun = await begin(program)
        nothing = decision(begun, scopes=["admin"])
        assert problem(await page.post("/api/device/approve", json=nothing))[0] == 422
        less = decision(begun, scopes=["tasks:read"])
        assert (await page.post("/api/device/approve", json=less)).status_code == 204
        assert (await collect(program, begun)).json()["scopes"] == ["tasks:read"]


async def test_tokens_and_strangers_approve_nothing(api: Api) -> None:
    async with api.anonymous() as stranger:
        begun = await begin(stranger)
        path = f"/api/device/{begun['userCode']}"
        assert problem(await stranger.get(path))[0] == 401
        assert problem(await stranger.post("/api/device/approve", json=decision(begun)))[0] == 401
        # The owner's own token, with every scope there is.
        assert problem(await api.client.get(path)) == (403, "browser_only")
        refused = await api.client.post("/api/device/approve", json=decision(begun))
        assert problem(refused) == (403, "browser_only")
        assert refusal(await collect(stranger, begun)) == "authorization_pending"


@pytest.mark.parametrize("origin", [None, "null", "http://evil", "http://127.0.0.1:4001"])
async def test_no_other_page_approves(api: Api, origin: str | None) -> None:
    async with api.anonymous() as program, api.browser() as page:
        begun = await begin(program)
        del page.headers["origin"]
        headers = {} if origin is None else {"Origin": origin}
        refused = await page.post("/api/device/approve", json=decision(begun), headers=headers)
        assert problem(refused) == (403, "origin_not_allowed")
        as_text = await page.post(
            "/api/device/approve",
            content=str(decision(begun)),
            headers={"Origin": ORIGIN, "Content-Type": "text/plain"},
        )
        assert problem(as_text)[0] == 415
        assert refusal(await collect(program, begun)) == "authorization_pending"


async def test_no_other_page_begins(api: Api) -> None:
    async with api.anonymous(headers={"Origin": "http://evil"}) as page:
        for path, body in (("code", ASK), ("token", {"deviceCode": "x"})):
            refused = await page.post(f"/api/device/{path}", json=body)
            assert problem(refused) == (403, "origin_not_allowed")


async def test_codes_cannot_be_guessed_by_whoever_is_signed_in(api: Api) -> None:
    api.stop_time_for_budgets()
    async with api.anonymous() as program, api.browser() as page:
        begun = await begin(program)
        guess = decision({"userCode": "BBBB-BBBB"})
        for number in range(10):
            if number % 2:
                refused = await page.get("/api/device/BBBB-BBBB")
            else:
                refused = await page.post("/api/device/approve", json=guess)
            assert problem(refused) == (404, "unknown_code")
        assert problem(await page.get(f"/api/device/{begun['userCode']}"))[0] == 429
        refused = await page.post("/api/device/approve", json=decision(begun))
        assert problem(refused) == (429, "too_many_requests")


async def test_device_codes_cannot_be_guessed(api: Api) -> None:
    api.stop_time_for_budgets()
    async with api.anonymous() as program:
        for _ in range(10):
            assert refusal(await collect(program, {"deviceCode": "guess"})) == "expired_token"
        assert problem(await collect(program, {"deviceCode": "guess"}))[0] == 429


async def test_an_address_begins_only_so_often(api: Api) -> None:
    api.stop_time_for_budgets()
    async with api.anonymous() as program:
        for _ in range(10):
            await begin(program)
        refused = await program.post("/api/device/code", json=ASK)
        assert problem(refused) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"clientName": "a\u202eb"},
        {"hostname": "a\nb"},
        {"clientName": ""},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"expiresIn": 0},
        {"expiresIn": -1},
        {"expiresIn": 1e12},
    ],
    ids=str,
)
async def test_who_asks_for_nonsense_gets_no_code(api: Api, wrong: dict[str, Any]) -> None:
    async with api.anonymous() as program:
        assert problem(await program.post("/api/device/code", json=ASK | wrong))[0] == 422


async def test_long_names_make_a_name_that_is_listed(api: Api) -> None:
    async with api.anonymous() as program, api.browser() as page:
        begun = await begin(program, clientName="c" * 100, hostname="h" * 100)
        await page.post("/api/device/approve", json=decision(begun))
        assert (await collect(program, begun)).status_code == 200
        names = [each["name"] for each in (await page.get("/api/tokens")).json()["items"]]
        assert len(names[-1]) == MAX_NAME_CHARS and names[-1].startswith("ccc")


async def test_the_command_of_an_enrolment_can_be_pasted(api: Api) -> None:
    async with api.browser() as page:
        made = await page.post("/api/workspaces", json={"name": "lab"})
        workspace_id = made.json()["id"]
        code = (await page.post(f"/api/workspaces/{workspace_id}/enrollment")).json()
    key = f"ARBOR_HUB_KEY={api.hub.key.public} "
    assert code["command"] == f"ARBOR_CODE={code['code']} {key}arbor daemon --hub {ORIGIN}"
    assert code["expiresAt"].endswith("Z")
