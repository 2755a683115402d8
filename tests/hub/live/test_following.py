"""An output that is followed over HTTP: live, to its end, by any who may, and by nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MethodType
from typing import Any

import httpx2
import pytest

from arborlink.hub.service.formats import READ_BYTES
from arborlink.protocol.lifecycle import TaskStatus
from arborlink.protocol.limits import MIB
from tests.bounds import HANG_SECONDS
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import DaemonIdentity, ScriptedDaemon
from tests.hub.live.test_output import handed

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Follower:
    """One answer that goes on."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.headers = response.headers
        self.seen = bytearray()
        self._pieces = response.aiter_raw()

    async def reads(self, expected: bytes) -> None:
        """Read until what came in all is this."""
        async with asyncio.timeout(HANG_SECONDS):
            while len(self.seen) < len(expected):
                self.seen += await anext(self._pieces)
        assert self.seen == expected

    async def rest(self) -> bytearray:
        """Read to the end; all that came."""
        async with asyncio.timeout(HANG_SECONDS):
            async for piece in self._pieces:
                self.seen += piece
        return self.seen

    async def cut(self) -> None:
        """Read until the connection breaks before the answer's end."""
        with pytest.raises(httpx2.TransportError):
            await self.rest()


@asynccontextmanager
async def following(
    bench: Bench,
    task: str,
    query: Mapping[str, str] | None = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> AsyncIterator[Follower]:
    path = f"/api/tasks/{task}/output"
    params = {"follow": "1", **(query or {})}
    async with bench.client.stream("GET", path, params=params, headers=headers) as response:
        assert response.status_code == status, await response.aread()
        yield Follower(response)


@asynccontextmanager
async def running(
    bench: Bench, identity: DaemonIdentity
) -> AsyncIterator[tuple[ScriptedDaemon, str]]:
    """A task that runs."""
    async with bench.daemon(identity) as daemon:
        task = await handed(bench, identity, daemon)
        await daemon.running(task)
        yield daemon, task


async def test_it_is_live_and_ends_with_the_task(bench: Bench, identity: DaemonIdentity) -> None:
    async with running(bench, identity) as (daemon, task), following(bench, task) as follower:
        assert follower.headers["X-Accel-Buffering"] == "no"
        assert "no-transform" in follower.headers["Cache-Control"]
        assert follower.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert "Content-Length" not in follower.headers
        await daemon.output(task, 0, b"one\n")
        await follower.reads(b"one\n")
        await daemon.output(task, 4, b"two\n", is_error=True)
        await follower.reads(b"one\ntwo\n")
        assert (await bench.task(task))["watching"] == 1
        await daemon.ended(task, b"one\ntwo\n")
        assert await follower.rest() == b"one\ntwo\n"
        assert bench.row(task).status is TaskStatus.COMPLETED
    await bench.until(lambda: bench.hub.daemons.outputs.find(task) is None)


@pytest.mark.parametrize("ending", ["ended", "lost", "cancelled before it started"])
async def test_one_that_writes_nothing_ends_as_well(
    bench: Bench, identity: DaemonIdentity, ending: str
) -> None:
    if ending == "cancelled before it started":
        task = await bench.create(identity.workspace_id)
        async with following(bench, task) as follower:
            await bench.post(f"/api/tasks/{task}/cancel", status=200)
            assert await follower.rest() == b""
        return
    async with running(bench, identity) as (daemon, task), following(bench, task) as follower:
        if ending == "lost":
            async with bench.daemon(identity, instance="i2"):
                assert await follower.rest() == b""
        else:
            await daemon.ended(task)
            assert await follower.rest() == b""


async def test_formats_and_streams(bench: Bench, identity: DaemonIdentity) -> None:
    """Each is what it is when the task is over, gaps included."""
    options: list[dict[str, str]] = [
        *({"format": form} for form in ("raw", "text", "jsonl", "asciicast")),
        {"stream": "stderr"},
        {"format": "jsonl", "stream": "stdout"},
        {"from": "2"},
        {"from": "-1", "to": "14"},
    ]
    async with running(bench, identity) as (daemon, task), asyncio.TaskGroup() as group:
        await daemon.output(task, 0, b"10%\b\b\b2")
        await daemon.acked(task, 7)
        started = [asyncio.Event() for _ in options]

        async def whole(number: int) -> bytearray:
            async with following(bench, task, options[number]) as follower:
                started[number].set()
                return await follower.rest()

        answers = [group.create_task(whole(number)) for number in range(len(options))]
        for each in started:
            await each.wait()
        await daemon.output(task, 7, b"oops \xc3", is_error=True, time=1_000_000)
        await daemon.gap(task, 13, 20)
        await daemon.output(task, 20, b"end\n", time=2_000_000)
        await daemon.ended(task, b"10%\b\b\b2oops \xc3end\n", final_offset=24)
        await daemon.settled(task)
    texts = [answer.result() for answer in answers]
    assert texts[0] == b"10%\b\b\b2oops \xc3" + bytes(7) + b"end\n"
    assert texts[1] == "2oops \ufffd\n[7 bytes are missing: spool_full]\nend\n".encode()
    assert b'{"gap":{"from":13,"to":20,"reason":"spool_full"}}\n' in texts[2]
    assert [json.loads(line)[0] for line in texts[3].splitlines()[1:]] == [0.0, 1.0, 1.0, 2.0]
    assert texts[7] == texts[0][6:14]
    for number in range(7):
        assert await bench.stored(task, **options[number]) == texts[number]


async def test_it_goes_on_where_it_broke_off(bench: Bench, identity: DaemonIdentity) -> None:
    async with running(bench, identity) as (daemon, task):
        await daemon.output(task, 0, b"0123456789")
        await daemon.acked(task, 10)
        async with following(bench, task, {"from": "4"}) as follower:
            await follower.reads(b"456789")
        ranged = {"Range": "bytes=6-"}
        async with following(bench, task, status=206, headers=ranged) as follower:
            first, _, last = follower.headers["Content-Range"].removeprefix("bytes ").partition("-")
            assert (first, last) == ("6", f"{2**53 - 2}/*")
            await follower.reads(b"6789")
            # It may have had bytes that this hub has lost in a crash, and which come again.
            async with following(bench, task, {"from": "12"}) as ahead:
                await daemon.output(task, 10, b"abcdef")
                await daemon.ended(task, b"0123456789abcdef")
                assert await ahead.rest() == b"cdef"
            assert await follower.rest() == b"6789abcdef"
        async with following(bench, task, status=206, headers={"Range": "bytes=6-8"}) as follower:
            # The task is over: the answer is as ever.
            assert follower.headers["Content-Range"] == "bytes 6-8/16"
            assert await follower.rest() == b"678"


async def test_a_range_that_ends_later_is_followed_to_its_end(
    bench: Bench, identity: DaemonIdentity
) -> None:
    async with running(bench, identity) as (daemon, task):
        ranged = {"Range": "bytes=0-5"}
        async with following(bench, task, status=206, headers=ranged) as follower:
            assert follower.headers["Content-Range"] == "bytes 0-5/*"
            await daemon.output(task, 0, b"0123456789")
            assert await follower.rest() == b"012345"
        async with following(bench, task, status=206, headers={"Range": "bytes=-2"}) as follower:
            await follower.reads(b"89")
        async with following(bench, task, headers={"Range": "bytes=3-1"}) as follower:
            await follower.reads(b"0123456789")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"from": str(10**12)}, 409, "offset_out_of_order"),
        ({"from": "x"}, 422, "invalid_input"),
        ({"follow": "yes"}, 422, "invalid_input"),
        ({"format": "pdf"}, 422, "invalid_input"),
    ],
)
async def test_what_cannot_be_followed(
    bench: Bench, identity: DaemonIdentity, query: dict[str, str], status: int, code: str
) -> None:
    task = await bench.create(identity.workspace_id)
    params = {"follow": "1", **query}
    refused = await bench.client.get(f"/api/tasks/{task}/output", params=params)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_only_its_head_is_no_download(bench: Bench, identity: DaemonIdentity) -> None:
    async with running(bench, identity) as (daemon, task):
        await daemon.output(task, 0, b"0123456789")
        await daemon.acked(task, 10)
        path = f"/api/tasks/{task}/output"
        head = await bench.client.head(path, params={"follow": "1"})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["X-Accel-Buffering"] == "no"
        head = await bench.client.head(path)
        assert (head.headers["Content-Length"], head.content) == ("10", b"")
        output = bench.hub.daemons.outputs.find(task)
        assert output is not None and not output.listeners


@pytest.mark.parametrize("ending", ["token", "workspace", "hub"])
async def test_it_is_cut_when_it_may_not_go_on(tmp_path: Path, ending: str) -> None:
    """Cut, so that no one takes it for the whole."""
    async with running_bench(tmp_path) as bench:
        identity = await bench.enrolled()
        token = await bench.token(["tasks:read"])
        as_token = {"Authorization": f"Bearer {token['secret']}"}
        async with (
            running(bench, identity) as (daemon, task),
            following(bench, task, headers=as_token) as follower,
        ):
            await daemon.output(task, 0, b"seen\n")
            await follower.reads(b"seen\n")
            if ending == "token":
                await bench.client.delete(f"/api/tokens/{token['id']}")
            elif ending == "workspace":
                # One whose daemon is there and runs tasks is not deleted.
                await daemon.socket.close()
                await bench.until(lambda: not bench.connected(identity.workspace_id))
                path = f"/api/workspaces/{identity.workspace_id}"
                deleted = await bench.client.delete(path)
                assert deleted.status_code == 204, deleted.text
            else:
                await bench.hub.drain()
                path = f"/api/tasks/{task}/output"
                refused = await bench.client.get(path, params={"follow": "1"})
                assert (refused.status_code, refused.json()["code"]) == (503, "draining")
            await follower.cut()
        assert follower.seen == b"seen\n"


async def test_each_counts_as_a_download_and_as_followed_until_it_is_left(tmp_path: Path) -> None:
    async with running_bench(tmp_path, downloads_per_user=2, subscriptions_per_user=2) as bench:
        identity = await bench.enrolled()
        budgets = bench.hub.access.budgets
        async with running(bench, identity) as (_, task):
            path = f"/api/tasks/{task}/output"
            async with following(bench, task), following(bench, task):
                refused = await bench.client.get(path, params={"follow": "1"})
                assert refused.status_code == 429 and "Retry-After" in refused.headers
                assert (await bench.client.get(path)).json()["code"] == "too_many_downloads"
            await bench.until(lambda: not budgets.downloads._held and not budgets.followed._held)
            async with following(bench, task):
                pass


async def test_one_that_does_not_read_is_not_read_for(
    bench: Bench, identity: DaemonIdentity
) -> None:
    """What is read ahead for it is bounded by buffers on the way, whatever the output's size."""
    size, piece = 24 * MIB, bytes(256 * 1024)
    async with (
        running(bench, identity) as (daemon, task),
        following(bench, task) as slow,
        following(bench, task) as quick,
    ):

        async def write() -> None:
            for offset in range(0, size, len(piece)):
                await daemon.output(task, offset, piece)
                await daemon.acked(task, offset + len(piece))

        async with asyncio.TaskGroup() as group:
            group.create_task(write())
            await quick.reads(bytes(size))
        waiting = [
            each.transport.get_write_buffer_size() for each in connections(bench) if each.transport
        ]
        assert max(waiting) <= 2 * READ_BYTES + 64 * 1024
        await daemon.ended(task, bytes(size))
        assert await slow.rest() == bytes(size)


def connections(bench: Bench) -> list[Any]:
    """The hub's ends of the connections whose answers go on."""
    ends = [request.on_end for request in bench.hub.access.open_requests._open if request.follows]
    return [each.__self__ for each in ends if isinstance(each, MethodType)]
