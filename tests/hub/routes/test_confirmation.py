"""What a browser's session is over HTTP: its cookie, its confirmation, and its end."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from arborlink.hub.composition import application, compose
from arborlink.hub.routes.authentication import HOST_SESSION_COOKIE, SESSION_COOKIE
from arborlink.hub.settings import HubSettings

from .conftest import ORIGIN, Api, problem

PASSWORD = "correct horse"
SECURE_ORIGIN = ORIGIN.replace("http:", "https:")


async def link_of(api: Api) -> str:
    """A new sign-in link."""
    return str((await api.client.post("/api/session/link")).json()["link"])


async def forget_confirmation(api: Api, browser: httpx2.AsyncClient, at: int | None = 1) -> None:
    """Let the browser's proof be long ago, or from before there were any."""
    (session,) = (await browser.get("/api/sessions")).json()["items"]
    await api.hub.store._execute(
        "UPDATE sessions SET confirmed_at = :at WHERE id = :id", {"at": at, "id": session["id"]}
    )


async def owner_with_password(api: Api) -> None:
    """Give the owner a password."""
    owner = api.hub.store.owner()
    assert owner is not None
    await api.hub.access.users.set_password(owner.id, PASSWORD)


@pytest.mark.parametrize("at", [1, None])
async def test_a_credential_is_made_after_a_confirmation(api: Api, at: int | None) -> None:
    await owner_with_password(api)
    async with api.browser() as browser:
        await forget_confirmation(api, browser, at)
        asked = {"name": "ci", "scopes": ["tasks:read"]}
        for path, body in (
            ("/api/tokens", asked),
            ("/api/session/link", None),
            ("/api/users", {"username": "mia"}),
        ):
            refused = await browser.post(path, json=body)
            assert problem(refused) == (403, "confirmation_needed")
        wrong = await browser.post("/api/session/confirm", json={"password": "wrong horse"})
        assert problem(wrong) == (403, "wrong_password")
        right = await browser.post("/api/session/confirm", json={"password": PASSWORD})
        assert right.status_code == 204, right.text
        assert (await browser.post("/api/tokens", json=asked)).status_code == 201


async def test_a_link_confirms_as_well(api: Api) -> None:
    async with api.browser() as browser:
        await forget_confirmation(api, browser)
        right = await browser.post("/api/session/confirm", json={"link": await link_of(api)})
        assert right.status_code == 204, right.text
        assert (await browser.post("/api/session/link")).status_code == 201


async def test_daily_work_needs_no_confirmation(api: Api) -> None:
    async with api.browser() as browser:
        await forget_confirmation(api, browser)
        made = await browser.post("/api/workspaces", json={"name": "lab"})
        workspace_id = made.json()["id"]
        code = await browser.post(f"/api/workspaces/{workspace_id}/enrollment")
        assert (made.status_code, code.status_code) == (201, 201)
        assert (await browser.post("/api/ws-ticket")).status_code == 201


@pytest.mark.parametrize("body", [{}, {"link": "x", "password": "y"}])
async def test_one_proof_is_sent(api: Api, body: dict[str, str]) -> None:
    async with api.browser() as browser:
        refused = await browser.post("/api/session/confirm", json=body)
        assert problem(refused) == (422, "invalid_input")


async def test_guesses_at_a_confirmation_are_counted(api: Api) -> None:
    api.stop_time_for_budgets()
    await owner_with_password(api)
    async with api.browser() as browser:
        for _ in range(10):
            guess = await browser.post("/api/session/confirm", json={"password": "wrong horse"})
            assert problem(guess) == (403, "wrong_password")
        guess = await browser.post("/api/session/confirm", json={"password": PASSWORD})
        assert problem(guess) == (429, "too_many_requests")


async def test_a_token_does_not_confirm(api: Api) -> None:
    refused = await api.client.post("/api/session/confirm", json={"password": PASSWORD})
    assert problem(refused) == (403, "browser_only")


async def test_a_credential_with_an_end_makes_no_account(api: Api) -> None:
    body = {"name": "short", "scopes": ["admin"], "expiresIn": 60}
    secret = (await api.client.post("/api/tokens", json=body)).json()["secret"]
    async with api.bearer(secret) as short:
        refused = await short.post("/api/users", json={"username": "eve", "role": "owner"})
        assert problem(refused) == (403, "credential_ends")
        link = (await short.post("/api/session/link")).json()["link"]
    async with api.anonymous(headers={"Origin": ORIGIN}) as browser:
        assert (await browser.post("/api/session", json={"link": link})).status_code == 201
        refused = await browser.post("/api/users", json={"username": "eve", "role": "owner"})
        assert problem(refused) == (403, "credential_ends")
        made = await browser.post("/api/tokens", json={"name": "n", "scopes": ["admin"]})
        assert made.json()["expiresAt"] is not None


async def test_what_was_made_with_a_token_is_revoked_with_it(api: Api) -> None:
    body = {"name": "parent", "scopes": ["admin"]}
    parent = (await api.client.post("/api/tokens", json=body)).json()
    async with api.bearer(parent["secret"]) as client:
        child = (await client.post("/api/tokens", json=body)).json()
        link = (await client.post("/api/session/link")).json()["link"]
    assert child["madeBy"] == parent["id"]
    async with api.bearer(child["secret"]) as client, api.anonymous() as browser:
        await browser.post("/api/session", json={"link": link})
        for each in (client, browser):
            assert (await each.get("/api/me")).status_code == 200
        assert (await api.client.delete(f"/api/tokens/{parent['id']}")).status_code == 204
        for each in (client, browser):
            assert problem(await each.get("/api/me")) == (401, "not_authenticated")


async def test_signing_in_again_ends_the_session_that_was_there(api: Api) -> None:
    async with api.browser() as browser, api.browser() as other:
        before = browser.cookies[SESSION_COOKIE]
        again = await browser.post("/api/session", json={"link": await link_of(api)})
        assert again.status_code == 201
        assert browser.cookies[SESSION_COOKIE] != before
        async with api.anonymous(cookies={SESSION_COOKIE: before}) as thief:
            assert problem(await thief.get("/api/me")) == (401, "not_authenticated")
        for each in (browser, other):
            assert (await each.get("/api/me")).status_code == 200


async def test_signing_in_in_vain_leaves_the_session_that_was_there(api: Api) -> None:
    async with api.browser() as browser:
        assert problem(await browser.post("/api/session", json={"link": "guess"}))[0] == 401
        assert (await browser.get("/api/me")).status_code == 200


async def secure_secret(api: Api, browser: httpx2.AsyncClient) -> str:
    """Sign in over https; the cookie's secret."""
    body = {"link": await link_of(api)}
    answer = await browser.post(f"{SECURE_ORIGIN}/api/session", json=body)
    assert answer.status_code == 201
    name, _, rest = answer.headers.get_list("set-cookie")[-1].partition("=")
    assert name == HOST_SESSION_COOKIE
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=strict"):
        assert part in rest
    assert "domain" not in rest.lower(), "browsers refuse the name with one"
    return rest.partition(";")[0]


async def test_over_https_a_new_session_goes_by_the_hosts_own_cookie_alone(api: Api) -> None:
    async with api.anonymous() as browser:
        secret = await secure_secret(api, browser)
        browser.cookies.clear()
        address = f"{SECURE_ORIGIN}/api/me"
        own = {"Cookie": f"{HOST_SESSION_COOKIE}={secret}"}
        assert (await browser.get(address, headers=own)).status_code == 200
        browser.cookies.clear()
        planted = {"Cookie": f"{SESSION_COOKIE}={secret}"}
        assert problem(await browser.get(address, headers=planted)) == (401, "not_authenticated")


async def test_a_browser_that_signed_in_before_the_upgrade_stays_signed_in(api: Api) -> None:
    async with api.browser() as old:
        secret = old.cookies[SESSION_COOKIE]
        await forget_confirmation(api, old, None)
    async with api.anonymous(cookies={SESSION_COOKIE: secret}) as browser:
        answer = await browser.get(f"{SECURE_ORIGIN}/api/me")
        assert answer.status_code == 200
        cookies = answer.headers.get_list("set-cookie")
        assert cookies[0].startswith(f"{HOST_SESSION_COOKIE}={secret};")
        assert cookies[1].startswith(f'{SESSION_COOKIE}="";'), "the old name goes"


async def test_over_http_on_the_same_machine_the_cookie_has_a_name_that_browsers_keep(
    tmp_path: Path,
) -> None:
    settings = HubSettings(data_dir=tmp_path / "hub", public_url="https://arbor.example.org")
    hub = await compose(settings)
    owner = await hub.access.bootstrap(None)
    async with hub.running():
        link = await hub.access.create_sign_in_link(owner.id)
        transport = httpx2.ASGITransport(application(hub))
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as browser:
            answer = await browser.post("/api/session", json={"link": link.secret})
            cookie = answer.headers.get_list("set-cookie")[-1].partition(";")[0]
            assert cookie.startswith(f"{SESSION_COOKIE}=arb_s_")
            browser.cookies.clear()
            again = await browser.get("/api/me", headers={"Cookie": cookie})
            assert again.status_code == 200
