"""A terminal with `arbor` on it: a pseudo-terminal whose settings and screen can be looked at."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
from types import TracebackType

from tests.bounds import HANG_SECONDS
from tests.cli.screen.model import Model
from tests.signals import default_signals

from .conftest import Up


class Terminal:
    """`arbor WORDS` on a terminal of `cols` by `rows`."""

    def __init__(
        self, up: Up, *words: str, cols: int = 80, rows: int = 24, env: dict[str, str] | None = None
    ) -> None:
        self._ours, self._theirs = os.openpty()
        self.resize(cols, rows)
        self.before = termios.tcgetattr(self._theirs)
        self.seen = b""
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *up.command(*words)],
            preexec_fn=default_signals,
            env={**up.environment, **(env or {})},
            cwd=up.folder,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def resize(self, cols: int, rows: int) -> None:
        """Make the window another size."""
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def type(self, data: bytes) -> None:
        """Press keys."""
        os.write(self._ours, data)

    def until(self, wanted: bytes) -> bytes:
        """What was written up to the first `wanted` that was not there before."""
        start = max(0, len(self.seen) - len(wanted) + 1)
        while (at := self.seen.find(wanted, start)) < 0:
            assert self._read(HANG_SECONDS), self.seen[-2_000:]
        return self.seen[: at + len(wanted)]

    def end(self) -> int:
        """The exit code, once everything that was written has been read."""
        ended = os.pidfd_open(self.process.pid)
        try:
            while not select.select([ended], [], [], 0)[0]:
                ready, _, _ = select.select([ended, self._ours], [], [], HANG_SECONDS)
                assert ready, self.seen[-2_000:]
                self._read(0)
        finally:
            os.close(ended)
        while self._read(0):
            pass
        return self.process.wait()

    def _read(self, seconds: float) -> bool:
        """Whether anything was written."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        self.seen += os.read(self._ours, 65_536)
        return True

    def is_as_before(self) -> bool:
        """Whether a program that is started next finds the terminal as this one did."""
        model = Model()
        model.write(self.seen)
        line = termios.tcgetattr(self._theirs) == self.before
        return line and model.settings() == Model().settings()
