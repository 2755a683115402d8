"""A disk that refuses: nothing that was read is lost, and the daemon goes on when there is room."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from arborlink.daemon.pump import RETRY_SECONDS

from .pump_bench import Bench, pump_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with pump_bench(tmp_path) as made:
        yield made


def test_a_full_disk_pauses_the_command(bench: Bench) -> None:
    """What was read waits in memory, what comes then waits in the pipe; both arrive."""
    os.write(bench.pipe, b"one ")
    bench.turn()
    bench.disk.full = True
    os.write(bench.pipe, b"two ")
    bench.turn()
    os.write(bench.pipe, b"three")
    for _ in range(3):
        bench.turn(RETRY_SECONDS)
    assert bench.spool.end == 4
    bench.disk.full = False
    bench.turn(RETRY_SECONDS)
    bench.turn()
    assert bench.content() == b"one two three"


def test_an_exit_while_the_disk_is_full_is_not_the_end(bench: Bench) -> None:
    """The clocks stand still: bytes that were read are not given up."""
    bench.disk.full = True
    os.write(bench.pipe, b"last words")
    bench.turn()
    bench.pump.exited()
    for _ in range(20):
        bench.turn(RETRY_SECONDS)
    assert bench.results == []
    bench.disk.full = False
    for _ in range(3):
        bench.turn(RETRY_SECONDS)
    assert bench.results == ["over"]
    assert bench.content() == b"last words"


def test_a_failed_sync_does_not_stop_the_spool(bench: Bench) -> None:
    """The log is opened again, and goes on at the same offset."""
    os.write(bench.pipe, b"before ")
    bench.turn()
    bench.disk.broken = True
    bench.synced()
    os.write(bench.pipe, b"after")
    bench.turn()
    bench.synced()
    assert bench.content() == b"before after"
    assert bench.spool.checksum == f"crc32:{zlib.crc32(b'before after'):08x}"
