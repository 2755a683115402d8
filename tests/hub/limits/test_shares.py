"""What tokens, users and members hold at a time: the others and the owner find their share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from arborlink.protocol.limits import KIB, MIB
from arborlink.protocol.messages import ErrorMessage, TaskStatusChanged, Unsubscribe, ViewerAuth
from arborlink.protocol.retry import retry_after_of_close
from tests.bounds import HANG_SECONDS
from tests.hub.front.wire import wire_to
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import (
    Closed,
    DaemonIdentity,
    connected_daemon,
    dialled_viewer,
)
from tests.hub.live.test_viewers import numbered, written

SLOW = 0.001
PASSWORD = "a long enough password"


def client(bench: Bench, token: str | None = None) -> httpx2.AsyncClient:
    origin = f"http://127.0.0.1:{bench.port}"
    headers = {"Origin": origin} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(verify=False, base_url=origin, headers=headers, timeout=HANG_SECONDS)


@asynccontextmanager
async def browser(bench: Bench) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser in which the owner is signed in."""
    link = await bench.post("/api/session/link")
    async with client(bench) as page:
        assert (await page.post("/api/session", json={"link": link["link"]})).status_code == 201
        yield page


@asynccontextmanager
async def member(bench: Bench, name: str = "mia") -> AsyncIterator[httpx2.AsyncClient]:
    """A browser in which a new member is signed in."""
    link = (await bench.post("/api/users", {"username": name, "role": "member"}))["link"]["link"]
    async with client(bench) as page:
        assert (await page.post("/api/session", json={"link": link})).status_code == 201
        yield page


async def tokens(page: httpx2.AsyncClient, count: int, *scopes: str) -> list[str]:
    """Secrets of new tokens; without `scopes` they may only read."""
    body = {"name": "n", "scopes": scopes or ("tasks:read",)}
    made = [await page.post("/api/tokens", json=body) for _ in range(count)]
    return [str(each.json()["secret"]) for each in made]


async def refused_viewer(bench: Bench, token: str) -> Closed:
    async with dialled_viewer(bench.port, ViewerAuth(auth_token=token)) as viewer:
        return await viewer.closed()


async def test_six_tokens_of_a_user_share_one_rate_and_the_browser_has_its_own(
    tmp_path: Path,
) -> None:
    settings: dict[str, Any] = {
        "user_requests_per_second": SLOW,
        "user_requests_burst": 9,
        "requests_per_second": SLOW,
        "requests_burst": 7,
    }
    async with running_bench(tmp_path, **settings) as bench, member(bench) as page:
        statuses = []
        for token in await tokens(page, 6):
            async with client(bench, token) as program:
                answers = [await program.get("/api/tasks") for _ in range(8)]
                statuses += [each.status_code for each in answers]
        assert [statuses.count(status) for status in (200, 429)] == [9, 6 * 8 - 9]
        refused = answers[-1]
        assert int(refused.headers["retry-after"]) > 100
        # Six tokens were made with the browser, which has one more of its own.
        assert (await page.get("/api/tasks")).status_code == 200
        assert (await page.get("/api/tasks")).status_code == 429


async def test_tokens_that_ask_too_often_leave_the_persons_browser_alone(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"user_requests_per_second": SLOW, "user_requests_burst": 5}
    async with running_bench(tmp_path, **settings) as bench, browser(bench) as page:
        for token in await tokens(page, 2):
            async with client(bench, token) as program:
                while (await program.get("/api/tasks")).status_code == 200:
                    pass
        assert (await page.get("/api/tasks")).status_code == 200


def begun(token: str) -> bytes:
    """A request whose body the hub waits for once it knows who sent it."""
    return (
        b"POST /api/workspaces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Expect: 100-continue\r\nContent-Length: 14\r\nAuthorization: Bearer %b\r\n\r\n"
        % token.encode()
    )


async def test_a_token_and_a_user_have_so_many_requests_in_progress(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "requests_in_progress_per_token": 2,
        "requests_in_progress_per_user": 3,
    }
    async with (
        running_bench(tmp_path, **settings) as bench,
        member(bench) as page,
        AsyncExitStack() as stack,
    ):
        one, other = await tokens(page, 2, "workspaces:write")
        wires = []
        for token, status in ((one, 100), (one, 100), (one, 429), (other, 100), (other, 429)):
            wire = await stack.enter_async_context(wire_to(bench.port))
            await wire.send(begun(token))
            reply = await wire.reply()
            assert reply.status == status
            if status == 429:
                assert reply.code == "too_many_in_progress"
                assert int(reply.headers["retry-after"]) >= 1
            else:
                wires.append(wire)
        assert (await page.get("/api/me")).status_code == 200
        assert (await bench.client.get("/api/me")).status_code == 200
        for number, wire in enumerate(wires):
            await wire.send(b'{"name": "w%d"}' % number)
            assert (await wire.reply()).status == 201
        async with client(bench, one) as program:
            assert (await program.get("/api/me")).status_code == 200
        await bench.until(lambda: bench.hub.access.budgets.in_progress.held() == 0)


async def test_a_token_and_a_user_have_so_many_connections(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"connections_per_token": 2, "connections_per_user": 3}
    async with (
        running_bench(tmp_path, **settings) as bench,
        member(bench) as page,
        AsyncExitStack() as stack,
    ):
        one, other = await tokens(page, 2)
        first = await stack.enter_async_context(bench.viewer(one))
        await stack.enter_async_context(bench.viewer(one))
        closed = await refused_viewer(bench, one)
        assert closed.code == 4429 and "2 connections" in closed.reason
        assert retry_after_of_close(closed.code, closed.reason) == 5
        await stack.enter_async_context(bench.viewer(other))
        closed = await refused_viewer(bench, other)
        assert closed.code == 4429 and "3 connections" in closed.reason
        # The person's browser, and the owner, have their own.
        ticket = (await page.post("/api/ws-ticket")).json()["ticket"]
        await stack.enter_async_context(bench.viewer(ticket))
        await stack.enter_async_context(bench.viewer())
        await first.socket.close()
        await bench.until(lambda: bench.hub.access.budgets.connections.held() == 4)
        await stack.enter_async_context(bench.viewer(other))


async def test_a_user_follows_so_many_outputs_over_all_connections(tmp_path: Path) -> None:
    async with running_bench(tmp_path, subscriptions_per_user=2) as bench:
        identity = await bench.enrolled()
        ids = [await bench.create(identity.workspace_id) for _ in range(3)]
        async with bench.viewer() as one, bench.viewer() as other:
            await one.subscribe(ids[0])
            await one.expect(TaskStatusChanged)
            await other.subscribe(ids[1])
            await other.expect(TaskStatusChanged)
            for viewer, task_id in ((one, ids[1]), (other, ids[2])):
                await viewer.subscribe(task_id)
                assert (await viewer.expect(ErrorMessage)).code == "too_many_followed"
            # Asking again for the same takes no place, and ending one gives it back.
            await one.subscribe(ids[0])
            await one.expect(TaskStatusChanged)
            await one.send(Unsubscribe(task_id=ids[0]))
            await one.settle()
            await other.subscribe(ids[2])
            await other.expect(TaskStatusChanged)
        await bench.until(lambda: bench.hub.access.budgets.followed.held() == 0)


async def test_a_users_connections_share_one_rate(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "user_viewer_requests_per_second": SLOW,
        "user_viewer_requests_burst": 3,
    }
    async with running_bench(tmp_path, **settings) as bench, member(bench) as page:
        one, other = await tokens(page, 2)
        async with bench.viewer(one) as first, bench.viewer(other) as second:
            for viewer in (first, second, first):
                await viewer.watch("*")
                await viewer.settle()
                assert viewer.seen(ErrorMessage) == []
            for viewer in (first, second):
                await viewer.watch("*")
                assert (await viewer.expect(ErrorMessage)).code == "too_many_requests"
            async with bench.viewer() as owner:
                await owner.watch("*")
                await owner.settle()
                assert owner.seen(ErrorMessage) == []


async def test_a_user_has_so_many_downloads_at_a_time(tmp_path: Path) -> None:
    async with running_bench(tmp_path, downloads_per_user=1) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await written(bench, identity, daemon, numbered(8 * MIB))
        path = f"/api/tasks/{task}/output"
        async with bench.client.stream("GET", path) as response:
            parts = response.aiter_bytes(64 * KIB)
            await anext(parts)
            refused = await bench.client.get(path)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_downloads")
            assert int(refused.headers["retry-after"]) >= 1
            async for _ in parts:
                pass
        await bench.until(lambda: bench.hub.access.budgets.downloads.held() == 0)
        assert (await bench.client.get(path)).status_code == 200


async def enrolled(page: httpx2.AsyncClient, name: str) -> DaemonIdentity:
    workspace = (await page.post("/api/workspaces", json={"name": name})).json()
    code = (await page.post(f"/api/workspaces/{workspace['id']}/enrollment")).json()["code"]
    given = (await page.post("/api/enroll", json={"code": code})).json()
    return DaemonIdentity(given["workspaceId"], given["daemonId"], given["authToken"])


async def refused_daemon(bench: Bench, identity: DaemonIdentity) -> Closed:
    with pytest.raises(BaseException) as caught:
        async with connected_daemon(bench.port, identity):
            pass
    received = getattr(caught.value, "rcvd", None)
    assert received is not None, caught.value
    return Closed(received.code, received.reason)


async def test_a_member_has_so_many_daemons_and_the_owner_any_number(tmp_path: Path) -> None:
    async with (
        running_bench(tmp_path, daemons_per_user=1) as bench,
        member(bench) as page,
        AsyncExitStack() as stack,
    ):
        one, two = [await enrolled(page, name) for name in ("one", "two")]
        await stack.enter_async_context(connected_daemon(bench.port, one))
        closed = await refused_daemon(bench, two)
        assert closed.code == 1013 and retry_after_of_close(closed.code, closed.reason) == 5
        for _ in range(2):
            await stack.enter_async_context(bench.daemon(await bench.enrolled()))
        # The one that is here comes back over another connection.
        again = await stack.enter_async_context(connected_daemon(bench.port, one))
        await again.socket.close()
        await bench.until(lambda: not bench.connected(one.workspace_id))
        await stack.enter_async_context(connected_daemon(bench.port, two))


# ── what is stored ───────────────────────────────────────────────────────────────────────────


async def test_beyond_so_many_browsers_the_longest_unused_is_signed_out(tmp_path: Path) -> None:
    async with running_bench(tmp_path, sessions_per_user=2) as bench, AsyncExitStack() as stack:
        first = await stack.enter_async_context(browser(bench))
        ticket = (await first.post("/api/ws-ticket")).json()["ticket"]
        watching = await stack.enter_async_context(bench.viewer(ticket))
        second = await stack.enter_async_context(browser(bench))
        other = await stack.enter_async_context(member(bench))
        third = await stack.enter_async_context(browser(bench))
        statuses = [
            (await page.get("/api/me")).status_code for page in (first, second, other, third)
        ]
        assert statuses == [401, 200, 200, 200]
        assert (await watching.closed()).code == 4501


async def test_beyond_so_many_links_the_oldest_is_void(tmp_path: Path) -> None:
    async with running_bench(tmp_path, sign_in_links_per_user=2) as bench, client(bench) as page:
        links = [(await bench.post("/api/session/link"))["link"] for _ in range(3)]
        used = [await page.post("/api/session", json={"link": link}) for link in links]
        assert [each.status_code for each in used] == [401, 201, 201]


async def test_an_account_has_so_many_codes_for_daemons(tmp_path: Path) -> None:
    async with (
        running_bench(tmp_path, enrollment_codes_per_user=2) as bench,
        member(bench) as page,
    ):
        workspace = (await page.post("/api/workspaces", json={"name": "one"})).json()
        path = f"/api/workspaces/{workspace['id']}/enrollment"
        codes = [await page.post(path) for _ in range(3)]
        assert [each.status_code for each in codes] == [201, 201, 429]
        assert codes[2].json()["code"] == "too_many_enrollment_codes"
        assert 0 < int(codes[2].headers["retry-after"]) <= 600
        await bench.enrolled()
        used = await page.post("/api/enroll", json={"code": codes[0].json()["code"]})
        assert used.status_code == 201
        assert (await page.post(path)).status_code == 201


async def test_a_user_has_so_many_tickets_and_a_token_a_quarter_of_them(tmp_path: Path) -> None:
    async with running_bench(tmp_path, tickets_per_user=8) as bench, member(bench) as page:
        made: list[tuple[int, str]] = []
        for token in await tokens(page, 5):
            async with client(bench, token) as program:
                for _ in range(3):
                    answer = await program.post("/api/ws-ticket")
                    made.append((answer.status_code, answer.json().get("ticket", "")))
        assert [status for status, _ in made] == [201, 201, 429] * 4 + [429] * 3
        assert (await page.post("/api/ws-ticket")).status_code == 201
        # One that is used makes room.
        async with bench.viewer(made[0][1]), client(bench, token) as program:
            assert (await program.post("/api/ws-ticket")).status_code == 201


async def test_a_day_has_so_many_idempotency_keys_of_an_account(tmp_path: Path) -> None:
    async with running_bench(tmp_path, idempotency_keys_per_user=2) as bench:
        workspace_id = (await bench.enrolled()).workspace_id
        path, body = f"/api/workspaces/{workspace_id}/tasks", {"command": "x", "ifOffline": "queue"}

        async def create(key: str, status: int) -> Any:
            return await bench.post(path, body, status, headers={"Idempotency-Key": key})

        first = await create("a", 201)
        await create("b", 201)
        assert (await create("c", 429))["code"] == "too_many_keys"
        assert (await create("a", 201))["id"] == first["id"]
        await bench.post(path, body)


async def test_as_many_tasks_of_a_user_wait_as_may_in_all_workspaces(tmp_path: Path) -> None:
    async with running_bench(tmp_path, queued_tasks_per_user=3) as bench, member(bench) as page:
        ids = [(await page.post("/api/workspaces", json={"name": n})).json()["id"] for n in "abc"]
        body = {"command": "true", "ifOffline": "queue"}
        at_once = await asyncio.gather(
            *(page.post(f"/api/workspaces/{each}/tasks", json=body) for each in ids * 2)
        )
        made = [each.json()["id"] for each in at_once if each.status_code == 201]
        assert 1 <= len(made) <= 3
        while len(made) < 3:
            answer = await page.post(f"/api/workspaces/{ids[len(made)]}/tasks", json=body)
            made.append(answer.json()["id"])
        task = made[0]
        refused = await page.post(f"/api/workspaces/{ids[0]}/tasks", json=body)
        assert (refused.status_code, refused.json()["code"]) == (429, "user_queue_full")
        await bench.create((await bench.enrolled()).workspace_id)
        assert (await page.post(f"/api/tasks/{task}/cancel")).status_code == 200
        assert (await page.post(f"/api/workspaces/{ids[0]}/tasks", json=body)).status_code == 201
