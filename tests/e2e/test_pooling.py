"""How many connections programs, daemons and commands use, and what happens when one is lost."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from arborlink.client import Chunk, Hub, SyncHub, TaskHandle
from arborlink.client.http import MAX_DOWNLOADS
from arborlink.protocol.errors import MessageTooLarge
from tests.bounds import HANG_SECONDS
from tests.e2e.arbor import TOKEN, Arbor, wait_until
from tests.e2e.forwarders import Passage
from tests.e2e.shared import mended, one_with, running

CALLS = 1_000
AT_ONCE = 50
THREADS = 8
RUNS = 20
TASKS_AT_ONCE = 16
# Guarantee G36; the live WebSocket is one of them.
MAX_CONNECTIONS = 4
DOWNLOADED_BYTES = 16 << 20
AUTHORIZATION = f"Authorization: Bearer {TOKEN}\r\n".encode()


# Nobody is told to ask less often.
one_for_all = one_with(requests_per_second=100_000, requests_burst=100_000)
arbor = mended


@pytest.fixture
def passage(arbor: Arbor) -> Iterator[Passage]:
    """The way to the hub."""
    with Passage(arbor.port) as way:
        yield way


async def follow(task: TaskHandle) -> bytes:
    """The whole output."""
    return b"".join([each.data async for each in task.output() if isinstance(each, Chunk)])


# ── the SDK ──────────────────────────────────────────────────────────────────────────────────


async def test_a_thousand_calls_use_at_most_four_connections(passage: Passage) -> None:
    async with Hub(passage.url, TOKEN) as hub:
        task = await hub.run("cat", stdin="open")
        following = asyncio.create_task(follow(task))
        limit = asyncio.Semaphore(AT_ONCE)

        async def call() -> None:
            async with limit:
                assert (await hub.task(task.id)).info.status in ("pending", "running")

        async with asyncio.TaskGroup() as group:
            for _ in range(CALLS // 2):
                group.create_task(call())
        for _ in range(CALLS // 2):
            await call()
        await task.write(b"done", eof=True)
        assert await following == b"done"

        assert passage.accepted <= MAX_CONNECTIONS
    wait_until(lambda: passage.live == 0, "the connections to be closed")


def test_so_do_a_thousand_calls_from_several_threads(passage: Passage) -> None:
    seen: list[str] = []
    with SyncHub(passage.url, TOKEN) as hub:

        def work() -> None:
            seen.extend(hub.me().username for _ in range(CALLS // THREADS))

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert hub.run("true").wait().status == "completed"
        assert passage.accepted <= MAX_CONNECTIONS
    assert seen == ["owner"] * CALLS


async def test_runs_with_live_output_share_one_websocket(passage: Passage) -> None:
    async with Hub(passage.url, TOKEN) as hub:
        for number in range(RUNS):
            task = await hub.run("echo", str(number))
            assert await follow(task) == b"%d\n" % number
        assert passage.accepted == 2, "one for calls, one for live output"

        async def one(number: int) -> bytes:
            return await follow(await hub.run("echo", str(number)))

        outputs = await asyncio.gather(*(one(number) for number in range(RUNS)))
        assert outputs == [b"%d\n" % number for number in range(RUNS)]
        assert passage.accepted <= MAX_CONNECTIONS


async def test_slow_readers_of_outputs_do_not_keep_calls_waiting(
    passage: Passage,
) -> None:
    async with Hub(passage.url, TOKEN) as hub, AsyncExitStack() as slow:
        task = await hub.run("head", "-c", str(DOWNLOADED_BYTES), "/dev/zero")
        await task.wait()
        responses = [
            await slow.enter_async_context(hub.stored_output(task.id)) for _ in range(MAX_DOWNLOADS)
        ]
        async with asyncio.timeout(HANG_SECONDS):
            for _ in range(AT_ONCE):
                assert (await hub.me()).role == "owner"
        assert [len(await each.aread()) for each in responses] == [DOWNLOADED_BYTES] * MAX_DOWNLOADS
        assert passage.accepted <= MAX_CONNECTIONS


@pytest.mark.parametrize("kept_bytes", [0, 40])
async def test_a_task_whose_answer_is_lost_is_made_once(passage: Passage, kept_bytes: int) -> None:
    runs = f"runs-{kept_bytes}"
    async with Hub(passage.url, TOKEN) as hub:
        (workspace,) = await hub.workspaces()
        before = {each.id for each in await hub.tasks()}
        passage.lose(3, kept_bytes=kept_bytes)
        task = await hub.run("sh", "-c", f"echo run >> {runs}", workspace=workspace.id)
        assert passage.lost_all
        assert (await task.wait()).status == "completed"
        assert {each.id for each in await hub.tasks()} - before == {task.id}
        output = await follow(await hub.run("cat", runs, workspace=workspace.id))
    assert output == b"run\n"


async def test_a_body_that_is_refused_while_it_is_sent_says_why(passage: Passage) -> None:
    async with Hub(passage.url, TOKEN) as hub:
        with pytest.raises(MessageTooLarge):
            await hub.run("true", "x" * DOWNLOADED_BYTES)
        assert (await hub.me()).role == "owner"
        assert passage.accepted <= MAX_CONNECTIONS


async def test_a_hub_that_is_restarted_between_two_calls_is_only_a_hub(arbor: Arbor) -> None:
    async with Hub(arbor.url, TOKEN) as hub:
        before = await hub.me()
        for _ in range(2):
            await asyncio.to_thread(arbor.kill_hub)
            calling = asyncio.create_task(hub.me())
            await asyncio.to_thread(arbor.start_hub)
            assert await calling == before
            assert await hub.me() == before


# ── raw connections ──────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arbor]:
    """A hub without a daemon: here workspaces are made."""
    with running(tmp_path_factory.mktemp("alone"), with_daemon=False) as hub:
        yield hub


def replies(connection: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """Status and body of the next responses."""
    found = []
    with connection.makefile("rb") as stream:
        for _ in range(count):
            status = int(stream.readline().split()[1])
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            found.append((status, stream.read(length)))
    return found


def request(line: str, body: bytes = b"", *more: bytes) -> bytes:
    """As bytes. `more`: header lines."""
    head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n".encode()
    length = b"Content-Length: %d\r\n" % len(body)
    return head + AUTHORIZATION + length + b"".join(more) + b"\r\n" + body


def test_requests_sent_ahead_are_answered_in_their_order(alone: Arbor) -> None:
    names = [f"w{number}" for number in range(5)]
    ahead = b""
    for name in names:
        ahead += request("POST /api/workspaces", json.dumps({"name": name}).encode())
        ahead += request(f"GET /api/nothing-{name}")
        ahead += request("GET /api/me")
    with socket.create_connection(("127.0.0.1", alone.port), HANG_SECONDS) as connection:
        connection.sendall(ahead)
        answers = replies(connection, 3 * len(names))

    assert [status for status, _ in answers] == [201, 404, 200] * len(names)
    assert [json.loads(body)["name"] for _, body in answers[::3]] == names
    assert all(json.loads(body)["username"] == "owner" for _, body in answers[2::3])


def test_who_asks_first_whether_to_send_a_body_is_told(alone: Arbor) -> None:
    body = json.dumps({"name": "asked"}).encode()
    whole = request("POST /api/workspaces", body, b"Expect: 100-continue\r\n")
    with socket.create_connection(("127.0.0.1", alone.port), HANG_SECONDS) as connection:
        connection.sendall(whole[: -len(body)])
        assert replies(connection, 1) == [(100, b"")]
        connection.sendall(body)
        ((status, _),) = replies(connection, 1)
        assert status == 201
    with socket.create_connection(("127.0.0.1", alone.port), HANG_SECONDS) as connection:
        line = b"POST /api/workspaces HTTP/1.1\r\nHost: 127.0.0.1\r\n" + AUTHORIZATION
        connection.sendall(line + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        ((status, _),) = replies(connection, 1)
        assert status == 413


def test_a_client_that_sends_no_more_still_gets_its_answer(alone: Arbor) -> None:
    with socket.create_connection(("127.0.0.1", alone.port), HANG_SECONDS) as connection:
        connection.sendall(request("GET /api/me"))
        connection.shutdown(socket.SHUT_WR)
        ((status, body),) = replies(connection, 1)
    assert (status, json.loads(body)["username"]) == (200, "owner")


# ── daemon and command line ──────────────────────────────────────────────────────────────────


async def test_a_daemon_has_one_connection_for_all_its_tasks(tmp_path: Path) -> None:
    pair = Arbor(tmp_path / "home", tmp_path / "workspace")
    with Passage(pair.port) as passage:
        try:
            await asyncio.to_thread(pair.start_hub)
            await asyncio.to_thread(pair.start_daemon, through=passage.port)
            wait_until(lambda: passage.live == 1, "the connection of the enrolment to be closed")
            before = passage.accepted

            async with Hub(pair.url, TOKEN) as hub:

                async def one(number: int) -> bytes:
                    task = await hub.run("cat", tty=(80, 24) if number % 2 else None, stdin="open")
                    await task.resize(100, 40)
                    await task.write(b"%d\n" % number)
                    if number % 2:
                        await task.drain()
                        await task.write(b"\x04")
                    else:
                        await task.write(b"", eof=True)
                    return await follow(task)

                outputs = await asyncio.gather(*(one(each) for each in range(TASKS_AT_ONCE)))
            for number, output in enumerate(outputs):
                assert b"%d" % number in output
            assert (passage.accepted, passage.live) == (before, 1)
        finally:
            await asyncio.to_thread(pair.stop)


def test_a_command_uses_one_connection_and_one_more_for_live_output(
    arbor: Arbor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [
        arbor.run("run", "--detach", "--", "sleep", "60").stdout.decode().strip() for _ in range(3)
    ]
    with Passage(arbor.port) as passage:
        monkeypatch.setattr(arbor, "url", passage.url)
        for expected, command in (
            (2, ["run", "--", "echo", "hello"]),
            (1, ["run", "--detach", "--", "echo", "hello"]),
            (1, ["tasks"]),
            (1, ["tasks", "--limit", "200", "--json"]),
            (1, ["workspaces"]),
            (1, ["whoami"]),
            (1, ["cancel", *(each[-6:] for each in ids)]),
            (1, ["logs", "last"]),
            (1, ["logs", "--format", "jsonl", "last"]),
        ):
            before = passage.accepted
            done = arbor.run(*command)
            assert done.returncode == 0, (command, done.stderr)
            assert passage.accepted - before == expected, command
        waiting = "until [ -e go ]; do sleep 0.05; done; echo went"
        arbor.run("run", "--detach", "--shell", "--", waiting)
        before = passage.accepted
        following = arbor.popen("logs", "-f", "last")
        wait_until(lambda: passage.accepted - before == 2, "a connection for the live output")
        (arbor.workspace / "go").touch()
        assert following.communicate(timeout=HANG_SECONDS)[0] == b"went\n"
        assert passage.accepted - before == 2
