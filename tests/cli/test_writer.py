"""Bytes on their way out: whole, in order, at once when there is room, and bounded when not."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from arborlink.cli.writer import QUEUED_BYTES, Writer

PIECE = bytes(range(256)) * 256


@pytest.fixture(name="pipe")
def _pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:
            continue


def read(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += os.read(descriptor, count - len(data))
    return data


async def test_a_little_is_there_at_once(pipe: tuple[int, int]) -> None:
    reader, descriptor = pipe
    os.set_blocking(reader, False)
    writer = Writer()
    for each in (b"one", PIECE[:40_000], b"two"):
        await writer.write(descriptor, each)
        assert os.read(reader, 1 << 20) == each


async def test_every_byte_in_order_for_a_reader_of_any_speed(pipe: tuple[int, int]) -> None:
    reader, descriptor = pipe
    chance = random.Random(8)
    pieces = [chance.randbytes(chance.choice((1, 100, 5_000, 70_000, 300_000))) for _ in range(200)]
    writer = Writer()
    reading = asyncio.to_thread(read, reader, sum(map(len, pieces)))
    async with asyncio.TaskGroup() as group:
        got = group.create_task(reading)
        for each in pieces:
            await writer.write(descriptor, each)
        await writer.flush()
    assert got.result() == b"".join(pieces)


async def test_two_streams_into_one_pipe_keep_their_order(pipe: tuple[int, int]) -> None:
    reader, descriptor = pipe
    other = os.dup(descriptor)
    pieces = [bytes([number]) * (7_000 + 90 * number) for number in range(250)]
    writer = Writer()
    async with asyncio.TaskGroup() as group:
        got = group.create_task(asyncio.to_thread(read, reader, sum(map(len, pieces))))
        for number, each in enumerate(pieces):
            await writer.write((descriptor, other)[number % 2], each)
        await writer.flush()
    os.close(other)
    assert got.result() == b"".join(pieces)


async def test_a_reader_that_stands_still_holds_the_writer_back(pipe: tuple[int, int]) -> None:
    reader, descriptor = pipe
    writer = Writer()
    written = 0

    async def write() -> None:
        nonlocal written
        for _ in range(100):
            await writer.write(descriptor, PIECE)
            written += len(PIECE)
        await writer.flush()

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await asyncio.shield(writing)
        assert written <= QUEUED_BYTES + 2 * len(PIECE)
        got = group.create_task(asyncio.to_thread(read, reader, 100 * len(PIECE)))
    assert got.result() == 100 * PIECE


async def test_a_file_takes_it_all(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file:
        writer = Writer()
        for _ in range(50):
            await writer.write(file.fileno(), b"x")
            await writer.write(file.fileno(), PIECE)
        await writer.flush()
    assert (tmp_path / "out").read_bytes() == 50 * (b"x" + PIECE)


async def test_nobody_reads_any_more(pipe: tuple[int, int]) -> None:
    reader, descriptor = pipe
    writer = Writer()
    for _ in range(3):
        await writer.write(descriptor, PIECE)
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        await writer.flush()
    with pytest.raises(BrokenPipeError):
        await writer.write(descriptor, b"more")
    with pytest.raises(BrokenPipeError):
        await Writer().write(descriptor, b"more")
