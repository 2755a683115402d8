"""A disk that refuses: nothing that was read is lost, and the daemon goes on when there is room."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from arborlink.daemon.budget import Budget
from arborlink.daemon.loop import Loop
from arborlink.daemon.pump import RETRY_SECONDS, OutputPump
from arborlink.daemon.spool import Spool
from arborlink.daemon.syncer import Syncer
from arborlink.outputlog import Chunk, LogReader, OutputLog
from arborlink.outputlog.files import LogFile

LOG_ID = "0" * 32


class Disk:
    """Opens files that can be made to refuse writing or syncing."""

    def __init__(self) -> None:
        self.full = False
        self.broken = False

    def open(self, path: Path, flags: int) -> LogFile:
        """An opener for `OutputLog`."""
        disk = self

        class File(LogFile):
            def write_some(self, data: bytes | bytearray | memoryview, position: int) -> int:
                if disk.full:
                    raise OSError(errno.ENOSPC, "no space left on device")
                return super().write_some(data, position)

            def sync(self) -> None:
                if disk.broken:
                    raise OSError(errno.EIO, "input/output error")
                super().sync()

        return File(path, flags)


class Bench:
    """A pump from a pipe into a spool on a disk of ours."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk()
        self.stem = folder / "t"
        self.now = 0.0
        self.loop = Loop(lambda: self.now)
        self.syncer = Syncer(self.loop)
        log = OutputLog.create(self.stem, LOG_ID, opener=self.disk.open)
        budget = Budget(self.loop, folder, free=lambda _: 1 << 40)
        self.spool = Spool(self.stem, log, self.loop, self.syncer, budget=budget)
        read, self.pipe = os.pipe()
        os.set_blocking(read, False)
        self.results: list[str] = []
        self.pump = OutputPump(
            self.loop,
            self.spool,
            ((read, False),),
            on_grown=lambda: None,
            on_full=lambda: None,
            on_over=lambda: self.results.append("over"),
        )

    def turn(self, seconds: float = 0.0) -> None:
        """Let time pass, and one turn of the loop; it always has something due."""
        self.now += seconds
        self.loop.call_later(0.0, lambda: None)
        self.loop.turn()

    def synced(self) -> None:
        """Wait for a sync of everything."""
        done: list[bool] = []
        self.spool.when_synced(lambda: done.append(True))
        while not done:
            self.loop.turn()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A fresh one, closed afterwards."""
    made = Bench(tmp_path)
    yield made
    os.close(made.pipe)
    made.turn()
    made.syncer.close()
    made.spool.close()
    made.loop.close()


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
    assert _content(bench) == b"one two three"


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
    assert _content(bench) == b"last words"


def test_a_failed_sync_does_not_stop_the_spool(bench: Bench) -> None:
    """The log is opened again, and goes on at the same offset."""
    os.write(bench.pipe, b"before ")
    bench.turn()
    bench.disk.broken = True
    bench.synced()
    os.write(bench.pipe, b"after")
    bench.turn()
    bench.synced()
    assert _content(bench) == b"before after"
    assert bench.spool.checksum == f"crc32:{zlib.crc32(b'before after'):08x}"


def _content(bench: Bench) -> bytes:
    with LogReader(bench.stem) as reader:
        chunk = reader.read(0, 1 << 20)
    assert isinstance(chunk, Chunk)
    return chunk.data
