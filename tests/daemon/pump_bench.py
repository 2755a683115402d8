"""A pump from a real pipe into a real spool, with a clock and a disk of ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from arborlink.daemon.budget import Budget
from arborlink.daemon.loop import Loop
from arborlink.daemon.pump import OutputPump
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

    def content(self) -> bytes:
        """All that is in the spool."""
        with LogReader(self.stem) as reader:
            chunk = reader.read(0, 1 << 20)
        assert isinstance(chunk, Chunk)
        return chunk.data


@contextmanager
def pump_bench(folder: Path) -> Iterator[Bench]:
    """A fresh one, closed afterwards."""
    made = Bench(folder)
    yield made
    os.close(made.pipe)
    made.turn()
    made.syncer.close()
    made.spool.close()
    made.loop.close()
