"""Signing in and out, and what proves who one is."""

from __future__ import annotations

import pytest

from arborlink.hub.routes.authentication import SESSION_COOKIE

from .conftest import ORIGIN, TOKEN, Api, problem


async def test_a_token_says_who_it_is(api: Api) -> None:
    me = (await api.client.get("/api/me")).json()
    assert (me["username"], me["role"], me["workspaceId"]) == ("owner", "owner", None)
    assert me["tokenId"].startswith("tok_")
    assert "admin" in me["scopes"]


async def test_a_link_makes_a_session_once(api: Api) -> None:
    made = await api.client.post("/api/session/link")
    assert made.status_code == 201
    link = made.json()
    assert link["url"] == f"{ORIGIN}/#link={link['link']}"
    async with api.anonymous() as browser:
        signed_in = await browser.post("/api/session", json={"link": link["link"]})
        assert signed_in.status_code == 201
        cookie = signed_in.headers["set-cookie"].lower()
        for part in ("arbor_session=arb_s_", "httponly", "samesite=strict", "path=/", "max-age="):
            assert part in cookie
        assert "secure" not in cookie
        me = await browser.get("/api/me")
        assert me.json()["tokenId"] is None
        assert "set-cookie" in me.headers
    async with api.anonymous() as other:
        again = await other.post("/api/session", json={"link": link["link"]})
        assert problem(again) == (401, "not_authenticated")


async def test_the_cookie_is_secure_over_tls(api: Api) -> None:
    link = (await api.client.post("/api/session/link")).json()["link"]
    async with api.anonymous() as browser:
        response = await browser.post("https://127.0.0.1:4000/api/session", json={"link": link})
        assert "secure" in response.headers["set-cookie"].lower()


async def test_a_password_signs_in(api: Api) -> None:
    owner = api.hub.store.owner()
    assert owner is not None
    await api.hub.access.users.set_password(owner.id, "correct horse")
    async with api.anonymous() as browser:
        body = {"username": "owner", "password": "wrong horse"}
        assert problem(await browser.post("/api/session", json=body))[0] == 401
        body["password"] = "correct horse"
        assert (await browser.post("/api/session", json=body)).status_code == 201
        assert problem(await browser.post("/api/session", json={})) == (422, "invalid_input")


async def test_guesses_are_limited_by_address(api: Api) -> None:
    api.stop_time_for_budgets()
    async with api.anonymous() as client:
        for _ in range(10):
            assert problem(await client.post("/api/session", json={"link": "guess"}))[0] == 401
        refused = await client.post("/api/session", json={"link": "guess"})
        assert problem(refused) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) >= 1
    # Others at the same address who know their secret are not held up.
    assert (await api.client.get("/api/me")).status_code == 200


async def test_signing_out_ends_the_session_everywhere(api: Api) -> None:
    async with api.browser() as browser:
        secret = browser.cookies[SESSION_COOKIE]
        assert (await browser.delete("/api/session")).status_code == 204
        assert SESSION_COOKIE not in browser.cookies
        browser.cookies.set(SESSION_COOKIE, secret)
        assert problem(await browser.get("/api/me")) == (401, "not_authenticated")
        assert (await browser.delete("/api/session")).status_code == 204


@pytest.mark.parametrize("origin", [None, "null", "http://evil", "http://127.0.0.1:4001"])
async def test_a_cookie_changes_nothing_without_the_hubs_own_page(
    api: Api, origin: str | None
) -> None:
    async with api.browser() as browser:
        del browser.headers["origin"]
        headers = {} if origin is None else {"Origin": origin}
        refused = await browser.post("/api/workspaces", json={"name": "x"}, headers=headers)
        assert problem(refused) == (403, "origin_not_allowed")
        allowed = await browser.post(
            "/api/workspaces", json={"name": "x"}, headers={"Origin": ORIGIN}
        )
        assert allowed.status_code == 201
        assert (await browser.get("/api/me")).status_code == 200


async def test_a_foreign_page_cannot_sign_anybody_in(api: Api) -> None:
    async with api.anonymous(headers={"Origin": "http://evil"}) as page:
        refused = await page.post("/api/session", json={"link": "x"})
        assert problem(refused) == (403, "origin_not_allowed")


@pytest.mark.parametrize(
    "value", ["Bearer ", "Bearer", "bearer wrong", "Basic b3duZXI6eA==", "", f"Token {TOKEN}"]
)
async def test_a_wrong_header_is_not_saved_by_a_cookie(api: Api, value: str) -> None:
    async with api.browser() as browser:
        refused = await browser.get("/api/me", headers={"Authorization": value})
        assert problem(refused) == (401, "not_authenticated")
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_in_the_address_is_nothing(api: Api) -> None:
    async with api.anonymous() as client:
        for name in ("token", "access_token", "authToken"):
            assert problem(await client.get("/api/me", params={name: TOKEN}))[0] == 401


async def test_two_authorization_headers_are_refused(api: Api) -> None:
    async with api.anonymous() as client:
        headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer other")]
        assert problem(await client.get("/api/me", headers=headers))[0] == 401


async def test_a_ticket_opens_one_connection(api: Api) -> None:
    async with api.browser() as browser:
        made = await browser.post("/api/ws-ticket")
        assert made.status_code == 201 and made.json()["expiresAt"].endswith("Z")
    identity = await api.hub.access.authenticate_viewer(made.json()["ticket"])
    assert identity.kind == "session"


async def test_requests_are_limited_by_token(api: Api) -> None:
    api.stop_time_for_budgets()
    secret = await api.token(["tasks:read"])
    async with api.bearer(secret) as client:
        statuses = [(await client.get("/api/workspaces")).status_code for _ in range(260)]
    assert set(statuses[:200]) == {200}
    assert 429 in statuses
    assert (await api.client.get("/api/me")).status_code == 200


async def test_tokens_are_made_listed_and_revoked(api: Api) -> None:
    body = {"name": "ci", "scopes": ["tasks:read"], "expiresIn": 60}
    made = (await api.client.post("/api/tokens", json=body)).json()
    assert made["secret"].startswith(made["prefix"])
    listed = (await api.client.get("/api/tokens")).json()
    assert [item["name"] for item in listed["items"]] == ["bootstrap", "ci"]
    assert made["secret"] not in str(listed)
    async with api.bearer(made["secret"]) as client:
        assert problem(await client.get("/api/tokens")) == (403, "not_allowed")
        other = listed["items"][0]["id"]
        assert problem(await client.delete(f"/api/tokens/{other}"))[0] == 403
        assert (await client.delete(f"/api/tokens/{made['id']}")).status_code == 204
        assert problem(await client.get("/api/workspaces"))[0] == 401
    assert problem(await api.client.delete("/api/tokens/tok_other"))[0] == 404
    wrong = {"name": "ci", "scopes": ["everything"]}
    assert problem(await api.client.post("/api/tokens", json=wrong))[0] == 422
    assert problem(await api.client.post("/api/tokens", json=body | {"scopes": []}))[0] == 422


async def test_a_limited_token_cannot_leave_its_workspace(api: Api) -> None:
    one, two = await api.workspace("one"), await api.workspace("two")
    task = await api.task(two)
    async with api.bearer(await api.token(["admin"], one)) as limited:
        listed = (await limited.get("/api/workspaces")).json()["items"]
        assert [item["id"] for item in listed] == [one]
        assert (await limited.get("/api/tasks")).json()["items"] == []
        for path in (f"/api/workspaces/{two}", f"/api/tasks/{task}", f"/api/tasks?workspace={two}"):
            assert problem(await limited.get(path)) == (404, "not_found")
        for path in ("/api/session/link", "/api/tokens", "/api/workspaces"):
            body = {"name": "n", "scopes": ["admin"]}
            assert problem(await limited.post(path, json=body)) == (403, "not_allowed")
