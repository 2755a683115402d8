"""Requests to a server that breaks off, refuses and explains."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest

from arborlink.client.http import HttpApi
from arborlink.protocol import errors
from tests.older_hub import NO_KEY, asks_for_key


@dataclass
class Server:
    """Answers each request with the next of `answers`; None breaks the connection off."""

    answers: list[tuple[int, object] | None]
    requests: list[str] = field(default_factory=list)
    url: str = ""
    retry_after: str = "0"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not reader.at_eof():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                if asks_for_key(head):
                    writer.write(NO_KEY)
                    continue
                length = next(
                    (
                        int(line[15:])
                        for line in head.lower().split("\r\n")
                        if line[:15] == "content-length:"
                    ),
                    0,
                )
                self.requests.append(head + (await reader.readexactly(length)).decode())
                answer = self.answers.pop(0)
                if answer is None:
                    return
                status, resource = answer
                body = msgspec.json.encode(resource)
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n"
                    f"Retry-After: {self.retry_after}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def served(*answers: tuple[int, object] | None) -> AsyncIterator[tuple[Server, HttpApi]]:
    server = Server(list(answers))
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    api = HttpApi(server.url, "secret-token")
    try:
        yield server, api
    finally:
        await api.close()
        listening.close()


def problem(status: int, code: str, detail: str = "why") -> tuple[int, object]:
    return status, {"title": "T", "status": status, "detail": detail, "code": code}


async def test_a_request_with_a_key_is_repeated_with_the_same_key() -> None:
    async with served(None, problem(503, "unavailable"), (200, {"a": 1})) as (server, api):
        assert await api.post("/x", dict[str, int], {"b": 2}, idempotency_key="k1") == {"a": 1}
    assert len(server.requests) == 3
    for request in server.requests:
        assert "idempotency-key: k1" in request.lower()
        assert "authorization: bearer secret-token" in request.lower()
        assert request.endswith('{"b":2}')


async def test_a_request_without_a_key_is_not_repeated_when_it_may_have_arrived() -> None:
    async with served(None) as (server, api):
        with pytest.raises(errors.Unavailable) as caught:
            await api.post("/x", object, {})
    assert caught.value.code == "connection_broken"
    assert len(server.requests) == 1


async def test_too_many_requests_are_repeated_when_the_hub_says() -> None:
    async with served(problem(429, "too_many_requests"), (200, [])) as (server, api):
        assert await api.get("/x", list[int], limit=3, cursor=None) == []
    assert "GET /x?limit=3 " in server.requests[1]


@pytest.mark.parametrize("refusal", [(429, "too_many_requests"), (503, "unavailable")])
async def test_a_hub_is_left_alone_for_as_long_as_it_asks(refusal: tuple[int, str]) -> None:
    waits: list[tuple[float, str]] = []
    async with served(problem(*refusal), (200, 7)) as (server, _):
        server.retry_after = "0.3"
        api = HttpApi(server.url, "t", on_wait=lambda seconds, why: waits.append((seconds, why)))
        began = time.monotonic()
        assert await api.get("/x", int) == 7
        await api.close()
    assert time.monotonic() - began >= 0.3
    assert [why for _, why in waits] == ["the hub is busy"] and 0.3 <= waits[0][0] <= 0.6


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "too_many_requests"), (503, "unavailable"), (507, "storage_low"), (503, "new_one")],
)
async def test_a_hub_that_asks_for_too_long_is_not_waited_for(status: int, code: str) -> None:
    async with served(problem(status, code)) as (server, api):
        server.retry_after = "3600"
        with pytest.raises((errors.TooManyRequests, errors.Unavailable)) as caught:
            await api.get("/x", object)
    assert isinstance(caught.value, errors.TooManyRequests | errors.Unavailable)
    assert caught.value.retry_after == 3600 and caught.value.code == code
    assert len(server.requests) == 1


async def test_a_damaged_output_is_no_outage() -> None:
    async with served(problem(410, "output_damaged")) as (server, api):
        with pytest.raises(errors.OutputDamaged):
            await api.get("/x", object)
    assert len(server.requests) == 1


async def test_a_download_is_asked_for_again_before_its_first_byte() -> None:
    async with (
        served(problem(429, "too_many_requests"), problem(503, "unavailable"), (200, 7)) as (
            server,
            api,
        ),
        api.stream("/x", {}) as response,
    ):
        assert await response.aread() == b"7"
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "workspace_unreachable", errors.WorkspaceUnreachable),
        (404, "not_found", errors.NotFound),
        (401, "not_authenticated", errors.NotAuthenticated),
        (403, "not_allowed", errors.NotAllowed),
        (422, "something_new", errors.InvalidInput),
        (418, "something_else", errors.ArborError),
    ],
)
async def test_a_problem_becomes_its_error(
    status: int, code: str, kind: type[errors.ArborError]
) -> None:
    async with served(problem(status, code, "do this")) as (_, api):
        with pytest.raises(kind, match="do this") as caught:
            await api.get("/x", object)
    assert type(caught.value) is kind
    assert caught.value.code == code


async def test_an_answer_of_something_else_is_said_to_be_one() -> None:
    async with served((500, "oops"), (200, "text")) as (_, api):
        with pytest.raises(errors.ArborError, match="Is it an Arbor hub"):
            await api.get("/x", object)
        with pytest.raises(errors.ArborError, match="cannot be read"):
            await api.get("/x", int)


async def test_a_hub_that_is_not_there_is_unavailable_and_says_what_to_do() -> None:
    api = HttpApi("http://127.0.0.1:1", "token", retry_seconds=0)
    with pytest.raises(errors.Unavailable, match="Check that it runs"):
        await api.get("/x", object)
    await api.close()


async def test_a_hundred_requests_share_few_connections() -> None:
    accepted = 0
    async with served(*[(200, 1)] * 100) as (server, _):

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal accepted
            accepted += 1
            await server.handle(reader, writer)

        listening = await asyncio.start_server(handle, "127.0.0.1", 0)
        other = HttpApi(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", "token")
        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(other.get("/x", int))
        await other.close()
        listening.close()
    assert accepted <= 4
