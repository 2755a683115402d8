"""Connections that are kept: given up by the other side at the worst moment, or all in use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from arborlink.client.http import BUSY_SECONDS, MAX_CONNECTIONS, MAX_DOWNLOADS, HttpApi
from arborlink.protocol import errors
from tests.client.test_http import problem, served
from tests.older_hub import NO_KEY, asks_for_key

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
# More than a socket holds, so that it is still being written when the answer is there.
LARGE_BYTES = 16 << 20

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(serve: Serve, busy_seconds: float = BUSY_SECONDS) -> AsyncIterator[HttpApi]:
    """`serve` is called for each connection, which is closed after it."""

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert asks_for_key(await head(reader))
            writer.write(NO_KEY)
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    listening = await asyncio.start_server(closing, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    api = HttpApi(url, "token", busy_seconds=busy_seconds)
    try:
        yield api
    finally:
        await api.close()
        listening.close()


async def head(reader: asyncio.StreamReader) -> str:
    """A request without a body, or as much of it as comes before the body."""
    return (await reader.readuntil(b"\r\n\r\n")).decode()


async def test_a_kept_connection_that_is_closed_under_a_request_is_replaced() -> None:
    async with served((200, 1), None, (200, 2), None, (200, 3)) as (server, api):
        assert [await api.get("/a", int), await api.get("/b", int)] == [1, 2]
        assert await api.post("/c", int, {}, idempotency_key="k") == 3
    assert [request.split()[1] for request in server.requests] == ["/a", "/b", "/b", "/c", "/c"]


async def test_what_has_no_key_is_not_sent_again_on_another_connection() -> None:
    async with served((200, 1), None, (200, 2), None) as (server, api):
        await api.get("/a", int)
        with pytest.raises(errors.Unavailable):
            await api.post("/b", int, {})
        await api.get("/c", int)
        with pytest.raises(errors.Unavailable):
            await api.patch("/d", int, {})
    assert [request.split()[1] for request in server.requests] == ["/a", "/b", "/c", "/d"]


async def test_a_repeated_delete_of_what_is_gone_by_now_has_done_it() -> None:
    async with served(None, problem(404, "not_found")) as (server, api):
        await api.delete("/x")
    assert len(server.requests) == 2
    async with served(problem(404, "not_found")) as (_, api):
        with pytest.raises(errors.NotFound):
            await api.delete("/x")


async def test_a_half_closed_connection_is_not_used_again() -> None:
    asked: list[int] = []
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = len(asked)
        asked.append(0)
        while await head(reader):
            asked[connection] += 1
            writer.write(WHOLE)
            if connection == 0:
                writer.write_eof()
                await writer.drain()
                left.set()
            # It would go on answering: whoever asks here again gets no answer.

    async with scripted(serve) as api:
        assert await api.get("/x", int) == 1
        await left.wait()
        assert [await api.get("/x", int) for _ in range(3)] == [1] * 3
    assert asked == [1, 3]


@pytest.mark.parametrize(
    "cut",
    [WHOLE[:-1], WHOLE[:20], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1"],
    ids=["body", "head", "chunks"],
)
async def test_an_answer_that_is_cut_is_asked_for_again(cut: bytes) -> None:
    answers = [cut, WHOLE]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answers.pop(0))
        await writer.drain()

    async with scripted(serve) as api:
        assert await api.get("/x", int) == 1
    assert answers == []


@pytest.mark.parametrize(
    ("status", "kind"), [(413, errors.MessageTooLarge), (408, errors.ArborError)]
)
async def test_an_answer_before_the_body_is_whole_is_heard(
    status: int, kind: type[errors.ArborError]
) -> None:
    """The hub answers, says that it closes, and reads on for a moment so that it is heard."""
    body = b'{"title":"T","status":%d,"detail":"why","code":"c"}' % status

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if "GET" in await head(reader):
            writer.write(WHOLE)
            return
        writer.write(b"HTTP/1.1 %d X\r\nConnection: close\r\n" % status)
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        writer.write_eof()
        while await reader.read(1 << 16):
            pass

    async with scripted(serve) as api:
        with pytest.raises(kind, match="why") as caught:
            await api.post("/x", object, {"large": "x" * LARGE_BYTES})
        assert type(caught.value) is kind
        assert await api.get("/y", int) == 1


async def test_when_all_connections_are_in_use_the_next_call_waits_so_long_and_says_why() -> None:
    busy, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await head(reader):
            busy.release()
            await go_on.wait()
            writer.write(WHOLE)

    async with scripted(serve, busy_seconds=0.2) as api, asyncio.TaskGroup() as group:
        calls = [group.create_task(api.get("/x", int)) for _ in range(MAX_CONNECTIONS)]
        for _ in calls:
            await busy.acquire()
        with pytest.raises(errors.Unavailable, match="connections of this program") as caught:
            await api.get("/y", int)
        assert caught.value.code == "connections_busy"
        go_on.set()
        assert [await each for each in calls] == [1] * MAX_CONNECTIONS
        assert await api.get("/y", int) == 1


async def test_outputs_that_are_read_slowly_leave_a_connection_to_calls() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while "/slow" not in await head(reader):
            writer.write(WHOLE)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE_BYTES)
        writer.write(b"x" * LARGE_BYTES)
        await reader.read()

    async with scripted(serve, busy_seconds=0.2) as api, AsyncExitStack() as stack:
        for _ in range(MAX_DOWNLOADS):
            await stack.enter_async_context(api.stream("/slow", {}))
        assert [await api.get("/x", int) for _ in range(50)] == [1] * 50
        with pytest.raises(errors.Unavailable, match="outputs are being read") as caught:
            await stack.enter_async_context(api.stream("/slow", {}))
        assert caught.value.code == "connections_busy"
        await stack.aclose()
        async with api.stream("/slow", {}) as response:
            assert response.status_code == 200
