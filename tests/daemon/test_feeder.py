"""Input that a command reads late: what has reached it is always told."""

from __future__ import annotations

import os

from arborlink.daemon.feeder import InputFeeder
from arborlink.daemon.loop import Loop


def test_the_last_of_the_input_is_told() -> None:
    """Also when it does not fit into the pipe before the end of the input has arrived."""
    data = bytes(300_000)
    read, write = os.pipe()
    os.set_blocking(write, False)
    loop = Loop()
    told: list[int] = []
    feeder = InputFeeder(
        loop, write, is_terminal=False, on_written=lambda: told.append(feeder.written)
    )
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
