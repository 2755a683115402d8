"""The socket in a state folder on which a supervisor answers as long as its loop turns.

A process that hangs keeps its locks and its process id: only an answer shows that it works. The
socket is for the folder's user alone, takes nothing, and says nothing that the folder does not.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from arborlink.daemon.loop import READ, Loop

CONTROL_SOCKET: Final = "control.sock"
# Questions that wait while the supervisor is busy; further ones are refused.
BACKLOG: Final = 16
ANSWERS_PER_TURN: Final = 16
MAX_ANSWER_BYTES: Final = 4 * 1024
# Without a free descriptor nothing is answered, and the socket stays ready.
RETRY_SECONDS: Final = 1.0
# `sun_path` holds 104 bytes on macOS and 108 on Linux, with the NUL at the end (unix(7)).
MAX_ADDRESS_BYTES: Final = 103
OWNER_ONLY: Final = 0o600


class Answer(Struct, frozen=True):
    """What a supervisor says of itself."""

    pid: int
    version: str


class Control:
    """Answers in each of `folders`, from the supervisor's loop.

    A folder on whose disk no socket can be made has none; `on_failed` is told why.
    """

    def __init__(
        self,
        loop: Loop,
        folders: Sequence[Path],
        version: str,
        on_failed: Callable[[Path, OSError], None],
    ) -> None:
        self._loop = loop
        self._answer = msgspec.json.encode(Answer(os.getpid(), version))
        self._sockets: list[socket.socket] = []
        for folder in folders:
            try:
                listening = _listen(folder)
            except OSError as error:
                on_failed(folder, error)
                continue
            self._sockets.append(listening)
            self._watch(listening)

    def close(self) -> None:
        """Answer no more. The files are their folder's owner's."""
        for listening in self._sockets:
            self._loop.unwatch(listening.fileno())
            listening.close()
        self._sockets.clear()

    def _watch(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            self._loop.watch(listening.fileno(), READ, lambda: self._accept(listening))

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ANSWERS_PER_TURN):
            try:
                asking, _ = listening.accept()
            except BlockingIOError:
                return
            except OSError:
                self._loop.unwatch(listening.fileno())
                self._loop.call_later(RETRY_SECONDS, lambda: self._watch(listening))
                return
            with asking, suppress(OSError):
                asking.setblocking(False)
                asking.send(self._answer)


def ask(folder: Path, seconds: float) -> Answer | None:
    """Return what the supervisor that serves a state folder answers; None: it cannot be asked,
    because it is older than this socket, or just starting or ending.

    Raises:
        TimeoutError: it does not answer within `seconds`.
    """
    with socket.socket(socket.AF_UNIX) as asking:
        # Not `settimeout`, with which `connect` fails at once while others wait (unix(7), EAGAIN).
        limit = struct.pack("@ll", *_timeval(seconds))
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        try:
            with _address(folder) as address:
                asking.connect(address)
            return msgspec.json.decode(asking.recv(MAX_ANSWER_BYTES), type=Answer)
        except BlockingIOError as error:
            raise TimeoutError(f"no answer within {seconds:g} s") from error
        except (OSError, msgspec.MsgspecError):
            return None


def _timeval(seconds: float) -> tuple[int, int]:
    # Zero would be no limit at all.
    return divmod(max(1, round(seconds * 1_000_000)), 1_000_000)


def _listen(folder: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.setblocking(False)
        with _address(folder) as address:
            # That of a supervisor that was killed: we hold the folder's lock.
            with suppress(FileNotFoundError):
                os.unlink(address)
            listening.bind(address)
            os.chmod(address, OWNER_ONLY)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


@contextmanager
def _address(folder: Path) -> Iterator[bytes]:
    """Yield an address that a socket takes, however long the folder's path is (on Linux)."""
    path = os.fsencode(folder / CONTROL_SOCKET)
    if len(path) <= MAX_ADDRESS_BYTES:
        yield path
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield os.fsencode(f"/proc/self/fd/{opened}/{CONTROL_SOCKET}")
    finally:
        os.close(opened)
