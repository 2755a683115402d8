"""Keeps a connector process running: starts it, and again at once whenever it dies."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from arborlink.daemon import ipc, signals
from arborlink.daemon.channel import Channel
from arborlink.daemon.console import say
from arborlink.daemon.loop import Loop

CHANNEL_FD: Final = 3
# One that lived for less than this has failed; the first failure is forgiven.
HEALTHY_SECONDS: Final = 1.0
FIRST_DELAY_SECONDS: Final = 0.1
MOST_DELAY_SECONDS: Final = 10.0


class Launcher:
    """One connector at a time. `on_started` gets its channel, to send the snapshot."""

    def __init__(
        self,
        loop: Loop,
        *,
        on_message: Callable[[ipc.ToSupervisor], None],
        on_started: Callable[[Channel], None],
        pid_files: list[Path],
    ) -> None:
        self.pid: int | None = None
        self.channel: Channel | None = None
        self._loop = loop
        self._on_message = on_message
        self._on_started = on_started
        self._pid_files = pid_files
        self._started = 0.0
        self._failures = 0
        self._stopping = False

    def start(self) -> None:
        """Start the process and hand out the channel; if there is no room for it now, later."""
        self._started = self._loop.now()
        try:
            ours, self.pid = _spawn()
        except OSError as error:
            say(f"the connector cannot be started: {error}", level="error")
            self._start_later()
            return
        for file in self._pid_files:
            with suppress(OSError):
                file.write_text(f"{self.pid}\n")
        self.channel = Channel(self._loop, ours, on_message=self._on_message, on_lost=self._on_lost)
        self._on_started(self.channel)

    def stop(self) -> None:
        """Ask it to close the connections and exit, and do not start it again."""
        self._stopping = True
        if self.channel is not None:
            self.channel.send(ipc.Stop())

    def kill(self) -> None:
        """End it now."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def reaped(self, exit_code: int) -> None:
        """The process is dead: start the next one."""
        self.pid = None
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        if self._stopping:
            return
        say(f"the connector ended ({exit_code}), starting it again")
        self._start_later()

    def _start_later(self) -> None:
        if self._loop.now() - self._started >= HEALTHY_SECONDS:
            self._failures = 0
        delay = 0.0
        if self._failures:
            delay = min(MOST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._loop.call_later(delay, self._start_again)

    def _start_again(self) -> None:
        if not self._stopping:
            self.start()

    def _on_lost(self, why: str) -> None:
        self.channel = None
        if not self._stopping:
            say(f"the connector is of no use any more: {why}")
        self.kill()


def _spawn() -> tuple[socket.socket, int]:
    """Our end of the channel, and the process.

    Raises:
        OSError: there are no descriptors or processes left.
    """
    ours, its = socket.socketpair()
    with its:
        try:
            pid = os.posix_spawn(
                sys.executable,
                _arguments(),
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, its.fileno(), CHANNEL_FD)],
                setsid=True,  # a Ctrl-C or a closed terminal is the supervisor's to handle
                setsigmask=[],
                setsigdef=signals.RESET,
            )
        except OSError:
            ours.close()
            raise
    return ours, pid


def _arguments() -> list[str]:
    # -P: the folder we were started in is somebody's workspace, not a place for our modules.
    module = "arborlink.daemon.connector"
    return [sys.executable, "-P", "-m", module, "--fd", str(CHANNEL_FD)]
