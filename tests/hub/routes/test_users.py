"""Accounts, passwords and sessions over HTTP."""

from __future__ import annotations

import pytest

from arborlink.protocol.resources import ALL_SCOPES

from .conftest import ORIGIN, Api, problem

PASSWORD = "correct horse"


async def user_id(api: Api) -> str:
    """The owner's."""
    return str((await api.client.get("/api/me")).json()["userId"])


async def test_accounts_are_made_listed_changed_and_removed(api: Api) -> None:
    made = await api.client.post("/api/users", json={"username": " mia ", "password": PASSWORD})
    assert made.status_code == 201, made.text
    mia = made.json()
    assert (mia["username"], mia["role"], mia["hasPassword"], mia["link"]) == (
        "mia",
        "member",
        True,
        None,
    )
    listed = (await api.client.get("/api/users")).json()
    assert [each["username"] for each in listed["items"]] == ["mia", "owner"]
    assert [each["hasPassword"] for each in listed["items"]] == [True, False]
    assert "argon2" not in str(listed)
    path = f"/api/users/{mia['id']}"
    changed = await api.client.patch(path, json={"username": "Mia", "role": "owner"})
    assert (changed.json()["username"], changed.json()["role"]) == ("Mia", "owner")
    assert (await api.client.patch(path, json={})).json() == changed.json()
    again = await api.client.post("/api/users", json={"username": "MIA", "password": PASSWORD})
    assert problem(again) == (409, "name_taken")
    assert (await api.client.delete(path)).status_code == 204
    assert problem(await api.client.delete(path)) == (404, "not_found")
    assert problem(await api.client.patch(path, json={"role": "owner"})) == (404, "not_found")
    own = f"/api/users/{await user_id(api)}"
    assert problem(await api.client.delete(own)) == (409, "own_account")
    assert problem(await api.client.patch(own, json={"role": "member"})) == (409, "last_owner")


async def test_without_a_password_a_link_is_the_way_in(api: Api) -> None:
    made = (await api.client.post("/api/users", json={"username": "mia"})).json()
    assert made["hasPassword"] is False
    assert made["link"]["url"] == f"{ORIGIN}/#link={made['link']['link']}"
    async with api.anonymous(headers={"Origin": ORIGIN}) as page:
        signed_in = await page.post("/api/session", json={"link": made["link"]["link"]})
        assert (signed_in.json()["username"], signed_in.json()["hasPassword"]) == ("mia", False)
        path = f"/api/users/{made['id']}"
        set_first = await page.patch(path, json={"password": PASSWORD})
        assert set_first.status_code == 200 and set_first.json()["hasPassword"]
        refused = await page.patch(path, json={"password": "another horse"})
        assert problem(refused) == (403, "wrong_password")


@pytest.mark.parametrize("password", ["", "short", "Long-Enough-Name", "x" * 1_025])
async def test_a_password_that_will_not_do_is_refused(api: Api, password: str) -> None:
    body = {"username": "long-enough-name", "password": password}
    refused = await api.client.post("/api/users", json=body)
    assert problem(refused) == (422, "weak_password")
    refused = await api.client.post("/api/users", json=body | {"password": "x" * 5_000})
    assert problem(refused) == (422, "invalid_input")
    assert len((await api.client.get("/api/users")).json()["items"]) == 1


@pytest.mark.parametrize("name", ["", " ", "a\u202eb", "a\nb", "x" * 1_000])
async def test_a_name_shows_as_what_it_is(api: Api, name: str) -> None:
    assert problem(await api.client.post("/api/users", json={"username": name}))[0] == 422


async def test_a_member_sees_and_changes_nobody_else(api: Api) -> None:
    owner = await user_id(api)
    await api.client.post("/api/users", json={"username": "mia", "password": PASSWORD})
    async with api.anonymous(headers={"Origin": ORIGIN}) as page:
        signed_in = await page.post("/api/session", json={"username": "mia", "password": PASSWORD})
        mia = signed_in.json()["userId"]
        for response in (
            await page.get("/api/users"),
            await page.post("/api/users", json={"username": "eve", "role": "owner"}),
            await page.patch(f"/api/users/{mia}", json={"role": "owner"}),
            await page.patch(f"/api/users/{mia}", json={"username": "owner2"}),
            await page.patch(f"/api/users/{owner}", json={"password": "another horse"}),
            await page.patch("/api/users/usr_x", json={"password": "another horse"}),
            await page.delete(f"/api/users/{owner}"),
        ):
            assert problem(response) == (403, "not_allowed")
        token = (
            await page.post("/api/tokens", json={"name": "n", "scopes": ["tasks:read"]})
        ).json()
    async with api.bearer(token["secret"]) as client:
        body = {"password": "another horse", "currentPassword": PASSWORD}
        assert problem(await client.patch(f"/api/users/{mia}", json=body))[0] == 403
        assert problem(await client.get("/api/sessions"))[0] == 403
        assert problem(await client.delete("/api/session?everywhere=1"))[0] == 403


async def test_the_current_password_cannot_be_guessed_from_a_stolen_browser(api: Api) -> None:
    api.stop_time_for_budgets()
    owner = await user_id(api)
    path = f"/api/users/{owner}"
    await api.client.patch(path, json={"password": PASSWORD})
    async with api.browser() as browser:
        for _ in range(10):
            guess = {"password": "another horse", "currentPassword": "wrong horse"}
            assert problem(await browser.patch(path, json=guess)) == (403, "wrong_password")
        right = {"password": "another horse", "currentPassword": PASSWORD}
        assert problem(await browser.patch(path, json=right)) == (429, "too_many_requests")


@pytest.mark.parametrize("origin", [None, "http://evil"])
async def test_no_other_page_changes_an_account(api: Api, origin: str | None) -> None:
    owner = await user_id(api)
    async with api.browser() as browser:
        del browser.headers["origin"]
        headers = {} if origin is None else {"Origin": origin}
        for response in (
            await browser.post("/api/users", json={"username": "eve"}, headers=headers),
            await browser.patch(
                f"/api/users/{owner}", json={"password": PASSWORD}, headers=headers
            ),
            await browser.delete("/api/session?everywhere=1", headers=headers),
        ):
            assert problem(response) == (403, "origin_not_allowed")
        assert (await browser.get("/api/me")).json()["hasPassword"] is False


async def test_browsers_are_listed_with_what_tells_them_apart(api: Api) -> None:
    async with api.browser() as first, api.browser() as second:
        assert second.headers["user-agent"]
        listed = (await second.get("/api/sessions")).json()["items"]
        assert [each["current"] for each in listed] == [True, False]
        assert listed[0]["userAgent"] == second.headers["user-agent"]
        assert listed[0]["address"] == "127.0.0.1"
        assert listed[0]["lastSeenAt"] == listed[0]["createdAt"] < listed[0]["expiresAt"]
        assert "arb_s_" not in str(listed)
        assert (await second.delete(f"/api/sessions/{listed[1]['id']}")).status_code == 204
        assert problem(await first.get("/api/me"))[0] == 401
        gone = await second.delete(f"/api/sessions/{listed[1]['id']}")
        assert problem(gone) == (404, "not_found")
        # A token manages its owner's browsers as well; none of them is the one that asks.
        listed = (await api.client.get("/api/sessions")).json()["items"]
        assert [each["current"] for each in listed] == [False]


async def test_me_says_what_a_page_needs(api: Api) -> None:
    me = (await api.client.get("/api/me")).json()
    assert (me["sessionExpiresAt"], me["expiresAt"]) == (None, None)
    wanted = {"name": "short", "scopes": ["tasks:read"], "expiresIn": 3600}
    token = (await api.client.post("/api/tokens", json=wanted)).json()
    async with api.bearer(token["secret"]) as limited:
        me = (await limited.get("/api/me")).json()
        assert (me["sessionExpiresAt"], me["expiresAt"]) == (None, token["expiresAt"])
    async with api.browser() as browser:
        me = (await browser.get("/api/me")).json()
        assert me["sessionExpiresAt"].endswith("Z") and me["hasPassword"] is False
        assert me["expiresAt"] == me["sessionExpiresAt"]
        assert me["scopes"] == list(ALL_SCOPES)
        assert problem(await browser.delete("/api/session?everywhere=yes"))[0] == 422
        assert (await browser.delete("/api/session?everywhere=1")).status_code == 204
        assert "arbor_session" not in browser.cookies
        # It would not be true that it ended anything.
        assert problem(await browser.delete("/api/session?everywhere=1"))[0] == 401
