"""How large a message may be, in how many pieces, and how much may be on its way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arborlink.protocol import limits
from arborlink.protocol.limits import KIB, MIB, WireLimits
from arborlink.protocol.messages import ErrorMessage, Output, Subscribe
from arborlink.testing.hub import TOKEN
from tests.hub.front.wire import PING, fragments, frame, wire_to
from tests.hub.live.bench import Bench, running_bench
from tests.hub.live.peers import Closed, ScriptedViewer
from tests.hub.live.test_output import blocked_fsync, handed, refused
from tests.hub.live.test_viewers import numbered, written

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUTH = msgspec.json.encode({"type": "auth", "authToken": TOKEN})
SUBSCRIPTIONS, FRAGMENTS, PINGS = 64, 1_024, 50


def json_of(size: int) -> str:
    """A message of so many bytes that the hub has an answer to."""
    return '{"type":"nobody"}'.ljust(size)


def msgpack_of(size: int) -> bytes:
    """The same in MessagePack."""
    filled = {"type": "nobody", "x": bytes(size)}
    around = len(msgspec.msgpack.encode(filled)) - size
    return msgspec.msgpack.encode(filled | {"x": bytes(size - around)})


@pytest.mark.parametrize("limit", [2_000, limits.CONTROL_MESSAGE_BYTES])
@pytest.mark.parametrize("make", [json_of, msgpack_of])
async def test_a_message_at_the_limit_is_read_and_one_above_it_ends_the_connection(
    tmp_path: Path, limit: int, make: Callable[[int], str | bytes]
) -> None:
    async with (
        running_bench(tmp_path, control_message_bytes=limit) as bench,
        bench.viewer(json=make is json_of) as viewer,
    ):
        assert viewer.welcome.limits.control_message_bytes == limit
        for size in (limit - 1, limit):
            assert len(make(size)) == size
            await viewer.socket.send(make(size))
            assert (await viewer.expect(ErrorMessage)).code == "unknown_message"
        await viewer.socket.send(make(limit + 1))
        reason = f"a message of {limit + 1} bytes is above the limit of {limit} bytes"
        assert await viewer.closed() == Closed(4413, reason)


@pytest.mark.parametrize("limit", [1_000, limits.OUTPUT_FRAME_BYTES, 300_000])
@pytest.mark.parametrize("json", [False, True], ids=["msgpack", "json"])
async def test_an_output_at_the_limit_is_taken_and_one_above_it_ends_the_connection(
    tmp_path: Path, limit: int, json: bool
) -> None:
    async with running_bench(tmp_path, output_frame_bytes=limit) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity, json=json) as daemon:
            assert daemon.welcome.limits.output_frame_bytes == limit
            task = await handed(bench, identity, daemon)
            await daemon.output(task, 0, bytes(limit - 1))
            await daemon.output(task, limit - 1, bytes(limit))
            await daemon.acked(task, 2 * limit - 1)
            await daemon.output(task, 2 * limit - 1, bytes(limit + 1))
            code, reason = await daemon.closed()
            assert code == 4413
            assert f"{limit + 1} bytes is above the limit of {limit} bytes" in reason
        assert len(await bench.stored(task)) == 2 * limit - 1


async def test_a_message_in_as_many_fragments_as_there_may_be(bench: Bench) -> None:
    for count in (FRAGMENTS - 1, FRAGMENTS):
        async with wire_to(bench.port) as wire:
            await wire.upgrade()
            await wire.send(fragments(AUTH, count))
            assert (await wire.message())["type"] == "welcome"
    async with wire_to(bench.port) as wire:
        await wire.upgrade()
        await wire.send(fragments(AUTH, FRAGMENTS + 1))
        assert await wire.closed() == (4413, f"a message has at most {FRAGMENTS} fragments")


async def test_as_many_pings_as_there_may_be_are_answered(bench: Bench) -> None:
    async with wire_to(bench.port) as wire:
        await wire.upgrade()
        await wire.send(frame(b"x", PING) * PINGS)
        assert [await wire.frame() for _ in range(PINGS)] == [(10, b"x")] * PINGS
        await wire.send(frame(b"x", PING) * 10 * PINGS)
        assert await wire.closed() == (4429, "Too many requests; retry in 1 seconds")


async def test_nothing_is_ever_inflated(bench: Bench) -> None:
    """Compression is not agreed to whoever asks for it, so that what is compressed is an error."""
    asked = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    async with wire_to(bench.port) as wire:
        assert "sec-websocket-extensions" not in (await wire.upgrade(asked)).headers
        await wire.send(frame(AUTH))
        assert (await wire.message())["type"] == "welcome"


async def test_as_many_subscriptions_as_there_may_be(bench: Bench) -> None:
    identity = await bench.enrolled()
    async with bench.viewer() as viewer:
        for number in range(SUBSCRIPTIONS - 1):
            await viewer.subscribe(await bench.create(identity.workspace_id, title=str(number)))
        await viewer.watch(identity.workspace_id)
        await viewer.settle()
        assert viewer.seen(ErrorMessage) == []
        await viewer.send(Subscribe(workspace_id="*"))
        error = await viewer.expect(ErrorMessage)
        assert (error.code, error.ref) == ("too_many_subscriptions", None)
        assert str(SUBSCRIPTIONS) in error.message


async def shown_at_once(viewer: ScriptedViewer, task: str, window: int | None) -> int:
    """How much a viewer that acknowledges nothing is sent."""
    await viewer.subscribe(task, window=window)
    await viewer.settle()
    await viewer.settle()
    return sum(len(output.output) for output in viewer.seen(Output) if output.task_id == task)


async def test_windows_are_as_they_are_set(tmp_path: Path) -> None:
    settings = {
        "subscription_window_bytes": 40 * KIB,
        "subscription_window_max_bytes": 96 * KIB,
    }
    async with running_bench(tmp_path, **settings) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            task = await written(bench, identity, daemon, numbered(256 * KIB))
            asked = {
                None: 40 * KIB,
                96 * KIB - 1: 96 * KIB - 1,
                96 * KIB: 96 * KIB,
                96 * KIB + 1: 96 * KIB,
                16 * MIB: 96 * KIB,
            }
            for window, allowed in asked.items():
                async with bench.viewer() as viewer:
                    assert await shown_at_once(viewer, task, window) == allowed


@pytest.mark.parametrize("setting", ["task_unacknowledged_bytes", "daemon_unacknowledged_bytes"])
async def test_output_up_to_the_credit_is_taken_and_not_a_byte_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    limit = 64 * KIB
    async with running_bench(tmp_path, **{setting: limit}) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon:
            one = await handed(bench, identity, daemon)
            # The connection's is used up by several tasks together.
            two = one if setting.startswith("task") else await handed(bench, identity, daemon)
            with blocked_fsync(monkeypatch):
                await daemon.output(one, 0, bytes(limit - 1))
                at = limit - 1 if two == one else 0
                await daemon.output(two, at, b"x")
                await daemon.settle()
                await daemon.output(two, at + 1, b"x")
                error, closed = await refused(daemon)
            assert (error.code, closed.code) == ("credit_exceeded", 4400)


async def test_welcome_says_every_limit_as_it_is_set(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "control_message_bytes": 100_000,
        "output_frame_bytes": 50_000,
        "task_unacknowledged_bytes": 60_000,
        "daemon_unacknowledged_bytes": 70_000,
        "subscriptions_per_connection": 5,
        "subscription_window_bytes": 40_000,
        "heartbeat_seconds": 7.5,
        "silence_seconds": 20.0,
    }
    expected = WireLimits(
        control_message_bytes=100_000,
        output_frame_bytes=50_000,
        task_unacknowledged_bytes=60_000,
        connection_unacknowledged_bytes=70_000,
        subscriptions=5,
        subscription_window_bytes=40_000,
        heartbeat_seconds=7.5,
        silence_seconds=20.0,
    )
    async with running_bench(tmp_path, **settings) as bench:
        identity = await bench.enrolled()
        async with bench.daemon(identity) as daemon, bench.viewer() as viewer:
            assert daemon.welcome.limits == viewer.welcome.limits == expected
