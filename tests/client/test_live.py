"""Tasks over real sockets that are cut: output, input, statuses, refusals."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
import pytest

from arborlink.client import Chunk, Gap, Task, TaskHandle, TaskStatus
from arborlink.client.http import HttpApi
from arborlink.client.live import LivePool
from arborlink.client.patience import say_nothing
from arborlink.proof.known_hub import KnownHub
from arborlink.protocol.errors import Conflict, NotAuthenticated, TooManyRequests, Unavailable
from arborlink.protocol.limits import KIB
from arborlink.protocol.link import Close
from tests.older_hub import NO_KEY, asks_for_key

from .hub_half import TASK, Log
from .live_double import LiveDouble, live_double


def a_task(status: TaskStatus = TaskStatus.RUNNING, output_size: int = 0) -> Task:
    return Task(
        id=TASK,
        workspace_id="ws_1",
        command="cat",
        args=[],
        cwd=".",
        env=[],
        shell=False,
        tty=None,
        title=None,
        status=status,
        reason=None,
        exit_code=None,
        signal=None,
        error=None,
        created_by="usr_1",
        created_at="2026-01-01T00:00:00Z",
        started_at=None,
        finished_at=None,
        output_size=output_size,
        gaps=[],
        timeout=None,
    )


@dataclass
class Scene:
    double: LiveDouble
    log: Log
    handle: TaskHandle
    states: list[bool]
    waits: list[tuple[float, str]]


@asynccontextmanager
async def scene(*, owns_input: bool = True, info: Task | None = None) -> AsyncIterator[Scene]:
    log = Log()
    states: list[bool] = []
    waits: list[tuple[float, str]] = []
    async with live_double(log) as double, asyncio.TaskGroup() as group:
        api = HttpApi(double.url, "token")
        pool = LivePool(
            KnownHub(double.url),
            "token",
            group,
            states.append,
            lambda seconds, why: waits.append((seconds, why)),
        )
        handle = TaskHandle(api, pool, info or a_task(), owns_input=owns_input)
        try:
            yield Scene(double, log, handle, states, waits)
        finally:
            pool.close()
            await api.close()


async def test_every_byte_once_while_the_connection_is_cut_all_the_time() -> None:
    async with scene() as here:
        data = random.Random(7).randbytes(700 * KIB)
        here.log.write(data[: 300 * KIB])
        here.log.drop(1 << 30)
        here.log.write(data[300 * KIB :], is_error=True)
        here.log.final = True
        here.double.cut_after = 200 * KIB
        digest, gaps = hashlib.sha256(), []
        async for item in here.handle.output():
            if isinstance(item, Chunk):
                digest.update(item.data)
            else:
                gaps.append(item)
        assert digest.digest() == hashlib.sha256(data).digest()
        assert gaps == [Gap(300 * KIB, 300 * KIB + (1 << 30), "spool_full")]
        assert here.double.connections >= 4
        assert here.states[:3] == [True, False, True]
        assert here.handle.info.status is TaskStatus.COMPLETED


async def test_a_slow_reader_holds_the_hub_back() -> None:
    async with scene() as here:
        here.log.write(bytes(400 * KIB))
        here.log.final = True
        total = 0
        async for item in here.handle.output(window=64 * KIB):
            assert isinstance(item, Chunk)
            total += len(item.data)
        assert total == 400 * KIB
        assert 32 * KIB <= here.double.largest_unacknowledged <= 64 * KIB


async def test_two_readers_of_one_task_have_a_connection_each() -> None:
    async with scene() as here:
        here.log.write(b"0123456789")
        first = here.handle.output()
        assert (await anext(first)).end == 10
        second = here.handle.output(-4)
        item = await anext(second)
        assert isinstance(item, Chunk) and item.data == b"6789"
        assert here.double.connections == 2
        for reader in (first, second):
            assert hasattr(reader, "aclose")
            await reader.aclose()


async def test_a_reader_that_left_may_come_back() -> None:
    async with scene() as here:
        here.log.write(b"abc")
        here.log.final = True
        for _ in range(3):
            got = b""
            async for item in here.handle.output():
                assert isinstance(item, Chunk)
                got += item.data
                break
            assert got == b"abc"


async def test_a_reader_that_left_a_running_task_may_come_back() -> None:
    async with scene() as here:
        here.log.write(b"abc")
        for offset in (0, 1, 2):
            reader = here.handle.output(offset)
            item = await anext(reader)
            assert isinstance(item, Chunk) and item.data == b"abc"[offset:]
            assert hasattr(reader, "aclose")
            await reader.aclose()
        assert here.double.connections == 3


async def test_only_what_was_there_when_asked() -> None:
    async with scene() as here:
        here.log.write(b"0123456789")

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if asks_for_key(await reader.readuntil(b"\r\n\r\n")):
                writer.write(NO_KEY)
                await reader.readuntil(b"\r\n\r\n")
            body = msgspec.json.encode(a_task(output_size=6))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            api = HttpApi(f"http://127.0.0.1:{port}", "token")
            async with asyncio.TaskGroup() as group:
                pool = LivePool(
                    KnownHub(here.double.url), "token", group, here.states.append, say_nothing
                )
                handle = TaskHandle(api, pool, a_task(), owns_input=False)
                items = [item async for item in handle.output(2, until_end=False)]
                pool.close()
            await api.close()
        assert [each.data for each in items if isinstance(each, Chunk)] == [b"2345"]


async def test_input_arrives_once_and_waits_for_the_command() -> None:
    async with scene() as here:
        data = random.Random(3).randbytes(3_000 * KIB)
        await here.handle.write(data[:10])
        await here.handle.write(data[10:], eof=True)
        assert bytes(here.log.input) == data
        assert here.log.input_ended


async def test_typed_input_goes_after_what_came_before() -> None:
    async with scene(owns_input=False) as here:
        here.log.input += b"theirs "
        await here.handle.write(b"mine")
        await here.handle.drain()
        assert here.log.input == b"theirs mine"


async def test_writing_to_a_task_that_is_over_is_a_conflict() -> None:
    async with scene(info=a_task(TaskStatus.COMPLETED)) as here:
        with pytest.raises(Conflict):
            await here.handle.write(b"too late")


async def test_wait_sees_the_end_of_a_task() -> None:
    async with scene() as here:
        seen: list[TaskStatus] = []
        async for info in here.handle.statuses():
            seen.append(info.status)
            here.log.final = True
            here.double.changed()
        assert seen == [TaskStatus.RUNNING, TaskStatus.COMPLETED]
        assert (await here.handle.wait()).exit_code == 0


async def test_a_task_that_is_over_needs_no_connection() -> None:
    async with scene(info=a_task(TaskStatus.LOST)) as here:
        assert (await here.handle.wait()).status is TaskStatus.LOST
        assert here.double.connections == 0


async def test_a_revoked_token_ends_the_output() -> None:
    async with scene() as here:
        here.double.refusal = NotAuthenticated("the token was revoked")
        with pytest.raises(NotAuthenticated, match="revoked"):
            async for _ in here.handle.output():
                pass


@pytest.mark.parametrize("code", [TooManyRequests.close_code, Unavailable.close_code])
async def test_a_hub_that_asks_for_it_is_left_alone_and_that_is_said(
    code: int,
) -> None:
    async with scene() as here:
        here.double.refusals = [Close(code, "not now; retry in 0.3 seconds")] * 2
        here.log.write(b"abc")
        here.log.final = True
        items = [item async for item in here.handle.output()]
        assert [each.data for each in items if isinstance(each, Chunk)] == [b"abc"]
        first, second, third = here.double.arrivals
        assert second - first >= 0.3 and third - second >= 0.3
        assert [why for _, why in here.waits] == ["the hub is busy"] * 2
        assert all(0.3 <= seconds <= 0.6 for seconds, _ in here.waits)


async def test_who_comes_while_the_hub_wants_to_be_left_alone_waits_as_well() -> None:
    async with scene() as here:
        here.double.refusals = [Close(Unavailable.close_code, "not now; retry in 0.3 seconds")]
        here.log.write(b"abc")
        async with asyncio.TaskGroup() as group:
            first = group.create_task(anext(here.handle.output()))
            while not here.waits:
                await asyncio.sleep(0)
            first.cancel()
        assert len(here.double.arrivals) == 1
        item = await anext(here.handle.output())
        assert isinstance(item, Chunk) and item.data == b"abc"
        assert here.double.arrivals[1] - here.double.arrivals[0] >= 0.3


async def test_a_hub_that_closes_to_restart_is_said_to_restart() -> None:
    async with scene() as here:
        here.double.restart = "the hub is restarting; retry in 0.2 seconds"
        here.log.write(b"abc")
        here.log.final = True
        async for _ in here.handle.output():
            pass
        assert [why for _, why in here.waits] == ["the hub is restarting"]
