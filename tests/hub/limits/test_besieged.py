"""Strangers with many addresses, behind a proxy that says which, against people and daemons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import argon2
import httpx2
import pytest

from arborlink.hub.access.sign_in_queue import account_key
from arborlink.testing.hub import TOKEN
from tests.bounds import HANG_SECONDS, NEVER_SECONDS
from tests.hub.front.wire import HANDSHAKE, Reply, Wire, frame, wire_to
from tests.hub.live.bench import QUICK_HASHER, Bench, running_bench

PASSWORD = "a long enough password"
DELAY_SECONDS = 0.3
OWNERS_ADDRESS = "203.0.113.7"
# What one party has: a customer's /64, a site's /48, a provider's /32, and the same of IPv4.
CROWDS = {
    "a /64": [f"2001:db8::{number + 1:x}" for number in range(60)],
    "a /48": [f"2001:db8:0:{number:x}::1" for number in range(60)],
    "a /32": [f"2001:db8:{number:x}::1" for number in range(60)],
    "a /24": [f"198.51.100.{number}" for number in range(60)],
    "a /16": [f"198.51.{number}.1" for number in range(60)],
}


# Guesses take turns for the threads that hash, whatever a hash costs: the hub's own is for
# `make soak`, in which the same is said of it.
HASHERS = pytest.mark.parametrize(
    "hasher",
    [
        pytest.param(QUICK_HASHER, id="quick"),
        pytest.param(None, id="the hub's own", marks=pytest.mark.soak),
    ],
)


@asynccontextmanager
async def proxied(folder: Path, **settings: Any) -> AsyncIterator[Bench]:
    """A hub behind a proxy on this machine; the owner has a password."""
    async with running_bench(folder, behind_proxy=["127.0.0.1"], **settings) as bench:
        me = (await bench.client.get("/api/me")).json()
        answer = await bench.client.patch(f"/api/users/{me['userId']}", json={"password": PASSWORD})
        assert answer.status_code == 200
        bench.stop_time_for_budgets()
        # How long a slowed guess waits is no test's subject here.
        queue(bench)._max_delay = DELAY_SECONDS
        yield bench


def by_proxy(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address, "X-Forwarded-Proto": "https"}


def through(bench: Bench, address: str) -> httpx2.AsyncClient:
    """A client that the proxy says is at this address."""
    return httpx2.AsyncClient(
        verify=False,
        base_url=f"http://127.0.0.1:{bench.port}",
        headers=by_proxy(address),
        timeout=HANG_SECONDS,
    )


def sign_in(username: str = "owner", password: str = PASSWORD) -> dict[str, str]:
    return {"username": username, "password": password}


async def guess(bench: Bench, address: str, username: str = "owner") -> int:
    async with through(bench, address) as client:
        answer = await client.post("/api/session", json=sign_in(username, "wrong"))
        if answer.status_code in (429, 503):
            assert int(answer.headers["retry-after"]) >= 1
        return answer.status_code


async def storm(bench: Bench, addresses: list[str], username: str = "owner") -> list[int]:
    return await asyncio.gather(*(guess(bench, each, username) for each in addresses))


@contextmanager
def under_siege(group: asyncio.TaskGroup, bench: Bench, addresses: list[str]) -> Iterator[None]:
    """Guesses that go on, all of them at once, for as long as this is inside."""

    async def besiege() -> None:
        while True:
            await storm(bench, addresses)

    attack = group.create_task(besiege())
    try:
        yield
    finally:
        attack.cancel()


@HASHERS
@pytest.mark.parametrize("crowd", CROWDS)
async def test_a_storm_of_sign_ins_from_one_network_stops_nobody_elsewhere(
    tmp_path: Path, crowd: str, hasher: argon2.PasswordHasher | None
) -> None:
    async with proxied(tmp_path, hasher=hasher) as bench:
        addresses = CROWDS[crowd][:24]
        answers = await storm(bench, addresses)
        assert set(answers) <= {401, 429, 503}
        async with asyncio.TaskGroup() as group:
            with under_siege(group, bench, addresses):
                async with through(bench, OWNERS_ADDRESS) as owner:
                    assert (await owner.post("/api/session", json=sign_in())).status_code == 201
                    begun = await owner.post(
                        "/api/device/code", json={"clientName": "a", "scopes": ["tasks:read"]}
                    )
                    assert begun.status_code == 200


@HASHERS
async def test_who_was_here_before_signs_in_whoever_guesses_and_from_wherever(
    tmp_path: Path, hasher: argon2.PasswordHasher | None
) -> None:
    """A botnet: each guess is from a region of its own, so that no network is crowded."""
    botnet = [f"{number}.{number}.0.1" for number in range(20, 60)]
    async with proxied(tmp_path, hasher=hasher) as bench, through(bench, OWNERS_ADDRESS) as browser:
        assert (await browser.post("/api/session", json=sign_in())).status_code == 201
        async with asyncio.TaskGroup() as group:
            with under_siege(group, bench, botnet):
                await bench.until(lambda: len(queue(bench)._strangers) >= 30, "a full lane")
                # The browser by its mark, wherever it is now.
                browser.cookies.delete("arbor_session")
                elsewhere = by_proxy("192.0.2.99")
                answer = await browser.post("/api/session", json=sign_in(), headers=elsewhere)
                assert answer.status_code == 201
                # Another browser by its address.
                async with through(bench, OWNERS_ADDRESS) as other:
                    assert (await other.post("/api/session", json=sign_in())).status_code == 201


def queue(bench: Bench) -> Any:
    return bench.hub.access.browsers._passwords._queue


async def test_guesses_at_an_account_from_everywhere_never_lock_it(tmp_path: Path) -> None:
    async with proxied(tmp_path) as bench:
        addresses = [f"{number}.0.0.1" for number in range(20, 31)]
        for address in addresses:
            assert await guess(bench, address) == 401
        # As many as an account has without a delay are spent; the owner only waits for a moment.
        assert bench.hub.access.budgets.accounts.wait(account_key("owner")) > 0
        async with through(bench, OWNERS_ADDRESS) as owner:
            assert (await owner.post("/api/session", json=sign_in())).status_code == 201


async def test_a_name_that_is_none_costs_as_much_and_is_answered_alike(tmp_path: Path) -> None:
    async with proxied(tmp_path, failed_authentications_per_minute=2.0) as bench:
        seen = []
        for number, name in enumerate(("owner", "nobody-of-this-name")):
            addresses = [f"2001:db8:{number}:{low:x}::1" for low in range(10)]
            seen.append(sorted(await storm(bench, addresses, name)))
        # A site has four times as many as a customer; the account's own budget only slows it down.
        assert seen == [[401] * 8 + [429] * 2] * 2


async def test_codes_for_daemons_are_guessed_only_so_often_by_all_strangers_together(
    tmp_path: Path,
) -> None:
    async with proxied(tmp_path, strangers_guesses_per_minute=20.0) as bench:
        workspace = await bench.post("/api/workspaces", {"name": "one"})
        code = (await bench.post(f"/api/workspaces/{workspace['id']}/enrollment"))["code"]
        statuses = []
        for number in range(25):
            async with through(bench, f"{number + 20}.0.0.1") as stranger:
                answer = await stranger.post("/api/enroll", json={"code": "BBBB-BBBB"})
                statuses.append(answer.status_code)
        assert statuses == [404] * 20 + [429] * 5
        # A machine at a place from which somebody is signed in is no stranger.
        async with through(bench, OWNERS_ADDRESS) as owner:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            assert (await owner.get("/api/me", headers=headers)).status_code == 200
            assert (await owner.post("/api/enroll", json={"code": code})).status_code == 201


@pytest.mark.parametrize("crowd", ["a /48", "a /32", "a /24", "a /16"])
async def test_a_networks_addresses_together_ask_only_so_often(tmp_path: Path, crowd: str) -> None:
    settings: dict[str, Any] = {"address_requests_per_second": 0.001, "address_requests_burst": 1}
    async with proxied(tmp_path, **settings) as bench:
        statuses = []
        for address in CROWDS[crowd]:
            async with through(bench, address) as client:
                statuses.append((await client.get("/healthz")).status_code)
        allowed = 4 if crowd in ("a /48", "a /24") else 16
        assert statuses == [200] * allowed + [429] * (60 - allowed)
        async with through(bench, OWNERS_ADDRESS) as client:
            assert (await client.get("/healthz")).status_code == 200


# ── connections ──────────────────────────────────────────────────────────────────────────────


def head(address: str) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in by_proxy(address).items()).encode()


def begun(address: str) -> bytes:
    """A request whose body is asked for, and does not come."""
    return (
        b"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Expect: 100-continue\r\nContent-Length: 2\r\n" + head(address) + b"\r\n"
    )


async def ask(stack: AsyncExitStack, bench: Bench, data: bytes) -> tuple[Wire, Reply]:
    wire = await stack.enter_async_context(wire_to(bench.port))
    await wire.send(data)
    return wire, await wire.reply()


async def test_slow_bodies_from_many_customers_of_one_site_leave_room_for_others(
    tmp_path: Path,
) -> None:
    async with proxied(tmp_path, http_connections=16) as bench, AsyncExitStack() as stack:
        held = [(await ask(stack, bench, begun(each)))[0] for each in CROWDS["a /48"][:12]]
        # All places for unknown clients are held now; those who come from elsewhere get one each.
        for address in (OWNERS_ADDRESS, "192.0.2.1"):
            _, reply = await ask(stack, bench, begun(address))
            assert reply.status == 100
        for wire in held[:2]:
            assert (await wire.reply()).status == 503
        me = b"GET /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %b\r\n%b\r\n"
        _, reply = await ask(stack, bench, me % (TOKEN.encode(), head("198.51.100.1")))
        assert reply.status == 200


AUTH = b'{"type":"auth","authToken":"%b"}' % TOKEN.encode()


async def test_silent_handshakes_of_one_provider_leave_room_for_a_daemon_that_comes_back(
    tmp_path: Path,
) -> None:
    settings: dict[str, Any] = {
        "unauthenticated_connections": 6,
        "authentication_seconds": NEVER_SECONDS,
    }
    async with proxied(tmp_path, **settings) as bench, AsyncExitStack() as stack:
        silent = []
        for address in CROWDS["a /32"][:8]:
            wire = await stack.enter_async_context(wire_to(bench.port))
            await wire.send(HANDSHAKE + head(address) + b"\r\n")
            silent.append((wire, (await wire.reply()).status))
        assert [status for _, status in silent] == [101] * 6 + [429] * 2
        for _ in range(2):
            wire = await stack.enter_async_context(wire_to(bench.port))
            await wire.upgrade(head(OWNERS_ADDRESS))
            await wire.send(frame(AUTH))
            assert (await wire.message())["type"] == "welcome"
        code, reason = await silent[0][0].closed()
        assert code == 4429 and "retry in" in reason
        # From there somebody is known by now: such places have a lane of their own.
        for number in range(5):
            wire = await stack.enter_async_context(wire_to(bench.port))
            await wire.upgrade(head(f"{number + 20}.0.0.1"))
        wire = await stack.enter_async_context(wire_to(bench.port))
        await wire.upgrade(head(OWNERS_ADDRESS))
        await wire.send(frame(AUTH))
        assert (await wire.message())["type"] == "welcome"


# ── what is worthless is counted, wherever it is shown ───────────────────────────────────────

WRONG = {"Authorization": "Bearer arb_u_wrong"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/me"),
        ("GET", "/api/nothing/of/this/name"),
        ("POST", "/api/openapi.json"),
        ("DELETE", "/api/nothing"),
        ("GET", "/tasks/tsk_x"),
        ("GET", "/assets/nothing.js"),
        ("POST", "/"),
    ],
)
async def test_a_worthless_token_is_a_failed_attempt_at_every_address(
    tmp_path: Path, method: str, path: str
) -> None:
    async with proxied(tmp_path, failed_authentications_per_minute=3.0) as bench:
        async with through(bench, "192.0.2.1") as stranger:
            statuses = [
                (await stranger.request(method, path, headers=WRONG)).status_code for _ in range(4)
            ]
            assert statuses == [401] * 3 + [429]
            # It is one budget.
            assert (await stranger.get("/api/me", headers=WRONG)).status_code == 429
        good = await bench.client.request(method, path)
        assert good.status_code not in (401, 429)


async def test_a_handshake_for_no_websocket_is_counted_by_address(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"address_requests_per_second": 0.001, "address_requests_burst": 2}
    async with proxied(tmp_path, **settings) as bench, AsyncExitStack() as stack:
        statuses = []
        for _ in range(3):
            data = HANDSHAKE.replace(b"/api/ws", b"/api/nothing") + head("192.0.2.1") + b"\r\n"
            statuses.append((await ask(stack, bench, data))[1].status)
        assert statuses == [403, 403, 429]


@pytest.mark.parametrize("secret", ["arb_u_wrong", "arb_k_wrong", "arb_s_wrong"])
async def test_a_worthless_secret_in_a_first_message_is_a_failed_attempt(
    tmp_path: Path, secret: str
) -> None:
    async with proxied(tmp_path, failed_authentications_per_minute=2.0) as bench:
        codes = []
        for _ in range(3):
            async with wire_to(bench.port) as wire:
                await wire.upgrade(head("192.0.2.1"))
                await wire.send(frame(b'{"type":"auth","authToken":"%b"}' % secret.encode()))
                codes.append((await wire.closed())[0])
        assert codes == [4501, 4501, 4429]


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/api/session", {"link": "arb_k_wrong"}, 401),
        ("/api/device/token", {"deviceCode": "arb_k_wrong"}, 400),
        ("/api/enroll", {"code": "BBBB-BBBB"}, 404),
    ],
    ids=["links", "device codes", "codes for daemons"],
)
async def test_worthless_links_and_codes_are_failed_attempts_of_the_whole_site(
    tmp_path: Path, path: str, body: dict[str, str], wrong: int
) -> None:
    async with proxied(tmp_path, failed_authentications_per_minute=1.0) as bench:
        statuses = []
        for address in CROWDS["a /48"][:6]:
            async with through(bench, address) as stranger:
                statuses.append((await stranger.post(path, json=body)).status_code)
        assert statuses == [wrong] * 4 + [429] * 2


async def test_a_cookie_that_ended_still_gets_the_page_and_is_counted_by_address(
    tmp_path: Path,
) -> None:
    settings: dict[str, Any] = {"address_requests_per_second": 0.001, "address_requests_burst": 3}
    async with proxied(tmp_path, **settings) as bench, through(bench, "192.0.2.1") as browser:
        browser.cookies.set("arbor_session", "arb_s_ended")
        statuses = [(await browser.get("/")).status_code for _ in range(4)]
        assert 401 not in statuses and statuses[3] == 429
