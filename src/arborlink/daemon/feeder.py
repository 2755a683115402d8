"""A command's standard input: exact offsets in, non-blocking writes out, then acknowledged."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from arborlink.daemon import terminal
from arborlink.daemon.loop import WRITE, Loop
from arborlink.daemon.terminal_end import TerminalEnd
from arborlink.protocol import limits
from arborlink.protocol.stream import ReceiveStream

_MAX_WRITE_BYTES: Final = 64 * 1024


class InputFeeder:
    """`written` is the offset up to which input has reached the command, or was discarded.

    After the command closed its input, or exited, everything counts as written: nobody will read
    it. The buffer is bounded by the window that the hub has to keep to. `path`: that of the
    terminal whose master `fd` is.
    """

    def __init__(
        self,
        loop: Loop,
        fd: int | None,
        *,
        path: str | None,
        on_written: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._fd = fd
        self._path = path
        self._on_written = on_written
        self._stream = ReceiveStream(window=limits.INPUT_WINDOW_BYTES)
        self._chunks: deque[memoryview] = deque()
        self._eof = False
        # The read end of a pipe whose write end was closed at the end of input: through it the
        # pipe still tells how much the command has left in it.
        self._probe: int | None = None
        self._read: int | None = None if path is not None else 0
        self._end: TerminalEnd | None = None

    @property
    def written(self) -> int:
        """Input below this offset is acknowledged."""
        return self._stream.durable

    @property
    def read(self) -> int | None:
        """Input below this offset was read by the command, as far as is known after `close`."""
        return self._read

    def receive(self, offset: int, data: bytes, *, eof: bool) -> None:
        """Input from the hub, in whatever pieces, repeated or not.

        Raises:
            RemoteProtocolError: it begins beyond what has arrived, or exceeds the window.
        """
        skip = self._stream.receive(offset, len(data))
        if skip is not None and skip < len(data):
            self._chunks.append(memoryview(data)[skip:])
        if eof and offset + len(data) == self._stream.end and not self._eof:
            self._eof = True
        if self._fd is None:
            self._discard()
        else:
            self._write()

    def close(self) -> None:
        """The command reads no more; what is left counts as written."""
        for fd in (self._fd, self._probe):
            if fd is not None and self._path is None:
                unread = _unread(fd)
                self._read = None if unread is None else self.written - unread
        if self._end is not None:
            self._end.close()
        self._close_input()
        if self._probe is not None:
            os.close(self._probe)
            self._probe = None
        self._discard()

    def _close_input(self) -> None:
        if self._fd is not None:
            self._loop.unwatch(self._fd)
            os.close(self._fd)
            self._fd = None

    def _write(self) -> None:
        before = self.written
        fd = self._fd
        assert fd is not None
        try:
            self._write_chunks(fd)
        except BlockingIOError:
            self._loop.watch(fd, WRITE, self._write)
        except OSError:  # EPIPE, or EIO of a terminal: nobody reads
            self.close()
            return
        else:
            self._loop.unwatch(fd)
            if self._eof:
                self._finish(fd)
        if self.written != before:
            self._on_written()

    def _finish(self, fd: int) -> None:
        """End the input, behind all of it."""
        if self._path is None:
            self._probe = _read_end(fd)
            self._read = None
            self._close_input()
        elif self._end is None:
            self._end = TerminalEnd(self._loop, fd, self._path, self.close)

    def _write_chunks(self, fd: int) -> None:
        while self._chunks:
            chunk = self._chunks[0]
            count = os.write(fd, chunk[:_MAX_WRITE_BYTES])
            self._stream.advance_durable(self._stream.durable + count)
            if count == len(chunk):
                self._chunks.popleft()
            else:
                self._chunks[0] = chunk[count:]

    def _discard(self) -> None:
        self._chunks.clear()
        before = self.written
        self._stream.advance_durable(self._stream.end)
        if self.written != before:
            self._on_written()

    def resize(self, cols: int, rows: int) -> bool:
        """Resize the terminal, if that is what the input goes to; whether it was done."""
        if self._path is None or self._fd is None:
            return False
        try:
            terminal.resize(self._fd, cols, rows)
        except OSError:
            return False
        return True


def _read_end(write_end: int) -> int | None:
    """Open the read end of a pipe; None where the system does not let us.

    Only for a pipe that is not written to any more: a reader of ours would keep EPIPE from coming.
    """
    with suppress(OSError):
        return os.open(f"/proc/self/fd/{write_end}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return None


def _unread(pipe: int) -> int | None:
    """How many bytes are in the pipe (Linux: FIONREAD of either end, pipe(7)); None: not known."""
    try:
        (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    except OSError:
        return None
    return int(count)
