"""Requests that take long are broken off when their credential, or what they are about, ends."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import pytest

from arborlink.hub.live.clock import now_us
from arborlink.hub.service.retention import RetentionLimits
from arborlink.hub.store.base import TaskChanges
from arborlink.hub.store.readers import READS_AT_ONCE, Readers
from arborlink.outputlog import OutputLog
from arborlink.protocol.lifecycle import TaskEvent
from arborlink.protocol.limits import MIB
from tests.bounds import HANG_SECONDS
from tests.hub.live.bench import Bench
from tests.hub.live.peers import LOG_ID, DaemonIdentity
from tests.hub.live.test_returning import asked, been_here, patient_bench
from tests.hub.live.test_sign_out import browser

pytestmark = pytest.mark.asyncio(loop_scope="module")

# More than sockets and buffers on the way take: a download is under way until it is read.
LONG_BYTES: Final = 32 * MIB
PIECE: Final = b"needle in a line of sixty-four bytes, and nothing but the needle\n" * 16_384
NAMES: Final = iter(range(1_000_000))


async def long_task(bench: Bench, workspace_id: str, size: int = LONG_BYTES) -> str:
    """A task that is over, with so much output."""
    task = await bench.create(workspace_id)
    stem = bench.hub.daemons.outputs.stem(task)
    stem.parent.mkdir(parents=True, exist_ok=True)
    log = OutputLog.create(stem, LOG_ID)
    while log.end < size:
        log.append(PIECE[: size - log.end], is_error=False, time_us=0)
    log.close()
    changes = TaskChanges(finished_at=now_us(), output_size=size, log_id=LOG_ID)
    await bench.hub.store.transition_task(task, TaskEvent.CANCEL, changes)
    return task


@dataclass
class Reader:
    """A member who is signed in with a browser, and whose task has much output."""

    bench: Bench
    client: httpx2.AsyncClient
    user_id: str
    workspace_id: str
    task: str

    async def done(self, answer: Awaitable[httpx2.Response]) -> None:
        response = await answer
        assert response.status_code in (200, 204), response.text

    async def delete_workspace(self) -> None:
        await self.done(self.bench.client.delete(f"/api/workspaces/{self.workspace_id}"))

    async def remove_task(self) -> None:
        """As retention does it."""
        later = now_us() + 1_000_000
        await self.bench.retention(RetentionLimits(0, 10**12), lambda: later).round()

    async def remove_account(self) -> None:
        await self.done(self.bench.client.delete(f"/api/users/{self.user_id}"))

    async def end_session(self) -> None:
        await self.done(self.client.delete("/api/session?everywhere=1"))

    async def set_password(self) -> None:
        body = {"password": "another horse"}
        await self.done(self.bench.client.patch(f"/api/users/{self.user_id}", json=body))

    async def change_role(self) -> None:
        body = {"role": "owner"}
        await self.done(self.bench.client.patch(f"/api/users/{self.user_id}", json=body))


Ending = Callable[[Reader], Awaitable[None]]
# What ends a request, and what the one that is not answered yet is answered then.
ENDINGS: Final[dict[Ending, tuple[int, str]]] = {
    # Those of its tasks that are over go first, some at a time.
    Reader.delete_workspace: (404, "task_removed"),
    Reader.remove_task: (404, "task_removed"),
    Reader.remove_account: (401, "not_authenticated"),
    Reader.end_session: (401, "not_authenticated"),
    Reader.set_password: (401, "not_authenticated"),
    Reader.change_role: (503, "unavailable"),
}
by_ending = pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)


@asynccontextmanager
async def reader_of(bench: Bench, size: int = LONG_BYTES) -> AsyncIterator[Reader]:
    account = await bench.post("/api/users", {"username": f"reader {next(NAMES)}"})
    async with browser(bench, {"link": account["link"]["link"]}) as here:
        made = await here.client.post("/api/workspaces", json={"name": "w"})
        workspace_id = made.json()["id"]
        task = await long_task(bench, workspace_id, size)
        yield Reader(bench, here.client, account["id"], workspace_id, task)


@contextmanager
def blocked_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The disk answers no thread but the loop's until the second event is set; the first is set
    once one waits."""
    real, waiting, go_on = os.pread, threading.Event(), threading.Event()
    loop = threading.get_ident()

    def read(fd: int, size: int, position: int) -> bytes:
        if threading.get_ident() != loop:
            waiting.set()
            assert go_on.wait(HANG_SECONDS)
        return real(fd, size, position)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", read)
        try:
            yield waiting, go_on
        finally:
            go_on.set()


@by_ending
async def test_a_download_breaks_off(bench: Bench, ending: Ending) -> None:
    async with (
        reader_of(bench) as reader,
        reader.client.stream("GET", f"/api/tasks/{reader.task}/output") as response,
    ):
        assert response.status_code == 200
        size = 0
        with pytest.raises(httpx2.TransportError):
            async for chunk in response.aiter_raw(64 * 1024):
                size += len(chunk)
                if size == 64 * 1024:
                    await ending(reader)
        assert 64 * 1024 <= size < LONG_BYTES


async def test_what_ends_one_persons_download_leaves_the_others(bench: Bench) -> None:
    async with (
        reader_of(bench) as reader,
        reader_of(bench) as other,
        other.client.stream("GET", f"/api/tasks/{other.task}/output") as response,
    ):
        for ending in (Reader.end_session, Reader.delete_workspace, Reader.remove_account):
            await ending(reader)
        assert sum([len(chunk) async for chunk in response.aiter_raw()]) == LONG_BYTES


@by_ending
@pytest.mark.parametrize("what", ["output", "segments", "search?q=needle"])
async def test_what_is_not_answered_yet_is_refused_by_name(
    bench: Bench, ending: Ending, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reader_of(bench, size=MIB) as reader, asyncio.TaskGroup() as group:
        with blocked_reads(monkeypatch) as (waiting, go_on):
            path = f"/api/tasks/{reader.task}/{what}"
            request = group.create_task(reader.client.get(path))
            await bench.until(waiting.is_set)
            await ending(reader)
            assert not request.done()
            go_on.set()
        response = await request
        assert (response.status_code, response.json()["code"]) == ENDINGS[ending]
        assert PIECE[:20] not in response.content


@pytest.mark.parametrize("ending", [Reader.remove_account, Reader.end_session, Reader.change_role])
@pytest.mark.parametrize(
    "path", ["/api/tasks", "/api/tasks?search=true", "/api/workspaces", "/api/tokens"]
)
async def test_a_list_that_waits_for_its_turn_is_refused(
    bench: Bench, ending: Ending, path: str
) -> None:
    readers = bench.hub.store.searches if "search" in path else bench.hub.store.lists
    async with reader_of(bench, size=MIB) as reader, asyncio.TaskGroup() as group:
        with occupied(readers):
            request = group.create_task(reader.client.get(path))
            await bench.until(lambda: len(bench.hub.access.open_requests._open) == 1)
            await ending(reader)
            assert not request.done()
        response = await request
        assert (response.status_code, response.json()["code"]) == ENDINGS[ending]
        assert "items" not in response.json()


@contextmanager
def occupied(readers: Readers) -> Iterator[None]:
    """All threads of these readers have something else to do."""
    go_on = threading.Event()
    for _ in range(READS_AT_ONCE):
        readers._executor.submit(go_on.wait, HANG_SECONDS)
    try:
        yield
    finally:
        go_on.set()


async def test_a_revoked_token_breaks_off_its_own_downloads_alone(bench: Bench) -> None:
    async with reader_of(bench) as reader:
        body = {"name": "n", "scopes": ["tasks:read"]}
        token = (await reader.client.post("/api/tokens", json=body)).json()
        path = f"/api/tasks/{reader.task}/output"
        headers = {"Authorization": f"Bearer {token['secret']}"}
        async with (
            reader.client.stream("GET", path, headers=headers) as broken,
            reader.client.stream("GET", path) as whole,
        ):
            size = 0
            with pytest.raises(httpx2.TransportError):
                async for chunk in broken.aiter_raw(64 * 1024):
                    size += len(chunk)
                    if size == 64 * 1024:
                        await reader.done(reader.client.delete(f"/api/tokens/{token['id']}"))
            assert size < LONG_BYTES
            assert sum([len(chunk) async for chunk in whole.aiter_raw()]) == LONG_BYTES


async def test_a_token_that_expires_breaks_off_its_downloads(bench: Bench) -> None:
    async with reader_of(bench) as reader:
        lifetime = 1.0
        while True:
            body = {"name": "n", "scopes": ["tasks:read"], "expiresIn": lifetime}
            token = (await reader.client.post("/api/tokens", json=body)).json()
            path = f"/api/tasks/{reader.task}/output"
            headers = {"Authorization": f"Bearer {token['secret']}"}
            async with reader.client.stream("GET", path, headers=headers) as response:
                if response.status_code == 401:
                    # It had expired before it was used: here it takes longer than that.
                    lifetime *= 2
                    continue
                await bench.until(lambda: not bench.hub.access.open_requests._open)
                with pytest.raises(httpx2.TransportError):
                    await response.aread()
                return


async def test_a_command_does_not_start_with_a_token_that_was_revoked_meanwhile(
    tmp_path: Path,
) -> None:
    async with patient_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        await been_here(bench, identity)
        token = await bench.token(["tasks:read", "tasks:write"])
        headers = {"Authorization": f"Bearer {token['secret']}"}
        async with asked(bench, identity, **headers) as request:
            assert (await bench.client.delete(f"/api/tokens/{token['id']}")).status_code == 204
            async with bench.daemon(identity) as daemon:
                response = await request
                await daemon.settle()
                assert not daemon.skipped
        assert response.status_code == 401
        assert not bench.hub.store.unfinished_tasks(identity.workspace_id)


async def test_nobody_waits_for_the_daemon_of_a_deleted_workspace(tmp_path: Path) -> None:
    async with patient_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        await been_here(bench, identity)
        async with asked(bench, identity) as request:
            await bench.client.delete(f"/api/workspaces/{identity.workspace_id}")
            response = await request
        assert (response.status_code, response.json()["code"]) == (404, "workspace_removed")


async def test_a_request_that_is_over_is_not_counted_any_more(
    bench: Bench, identity: DaemonIdentity
) -> None:
    task = await long_task(bench, identity.workspace_id, MIB)
    for what in ("output", "segments", "search?q=needle", "search?q=(&regex=1"):
        await bench.client.get(f"/api/tasks/{task}/{what}")
    await bench.until(lambda: not bench.hub.access.open_requests._open)
