"""Input that a command reads late: what has reached it is always told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from arborlink.daemon.feeder import InputFeeder
from arborlink.daemon.loop import Loop


def test_the_last_of_the_input_is_told() -> None:
    """Also when it does not fit into the pipe before the end of the input has arrived."""
    data = bytes(300_000)
    read, write = os.pipe()
    os.set_blocking(write, False)
    loop = Loop()
    told: list[int] = []
    feeder = InputFeeder(loop, write, path=None, on_written=lambda: told.append(feeder.written))
    feeder.receive(0, data, eof=True)
    assert feeder.written < len(data)
    taken = 0
    while taken < len(data):
        taken += len(os.read(read, len(data)))
        if feeder.written < len(data):
            loop.turn()
    assert told[-1] == len(data)
    assert os.read(read, 1) == b""
    os.close(read)
    loop.close()


@dataclass
class Piped:
    """A feeder whose pipe the test reads as the command would."""

    feeder: InputFeeder
    read: int


@pytest.fixture(name="piped")
def _piped() -> Iterator[Piped]:
    read, write = os.pipe()
    os.set_blocking(write, False)
    loop = Loop()
    feeder = InputFeeder(loop, write, path=None, on_written=lambda: None)
    yield Piped(feeder, read)
    feeder.close()
    with suppress(OSError):
        os.close(read)
    loop.close()


@pytest.mark.parametrize("eof", [False, True])
@pytest.mark.parametrize("taken", [0, 3, 10])
def test_what_the_command_left_in_the_pipe_is_not_read(piped: Piped, taken: int, eof: bool) -> None:
    piped.feeder.receive(0, b"0123456789", eof=eof)
    assert len(os.read(piped.read, taken)) == taken
    os.close(piped.read)
    piped.feeder.close()
    assert piped.feeder.read == taken
    assert piped.feeder.written == 10


def test_the_end_of_input_is_seen_while_the_pipe_is_asked(piped: Piped) -> None:
    """What is kept open for that is no writer."""
    piped.feeder.receive(0, b"0123456789", eof=True)
    assert [os.read(piped.read, 100), os.read(piped.read, 100)] == [b"0123456789", b""]
    piped.feeder.close()
    assert piped.feeder.read == 10


def test_what_a_command_left_that_closed_its_input_is_not_read(piped: Piped) -> None:
    """A write that fails with EPIPE tells that it did; what is sent later is not read either."""
    piped.feeder.receive(0, b"0123456789", eof=False)
    os.read(piped.read, 4)
    os.close(piped.read)
    piped.feeder.receive(10, b"abc", eof=False)
    piped.feeder.receive(13, b"def", eof=True)
    piped.feeder.close()
    assert (piped.feeder.read, piped.feeder.written) == (4, 16)


def test_what_does_not_fit_into_the_pipe_is_not_read(piped: Piped) -> None:
    piped.feeder.receive(0, bytes(300_000), eof=True)
    os.read(piped.read, 1_000)
    piped.feeder.close()
    assert (piped.feeder.read, piped.feeder.written) == (1_000, 300_000)


def test_without_a_pipe_nothing_is_read() -> None:
    loop = Loop()
    feeder = InputFeeder(loop, None, path=None, on_written=lambda: None)
    feeder.receive(0, b"abc", eof=True)
    feeder.close()
    assert (feeder.read, feeder.written) == (0, 3)
    loop.close()
