"""A time before each line of output. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from arborlink.client import Chunk
from arborlink.protocol.limits import KIB

# Of a line that has no end yet: beyond it what there is of it is written.
MAX_HELD_BYTES: Final = 64 * KIB
MICROSECONDS: Final = 1_000_000


def moment_text(unix_seconds: float, *, utc: bool) -> str:
    """Return a time as RFC 3339 has it, in milliseconds: in UTC, or in the local zone."""
    if utc:
        moment = datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="milliseconds")
        return moment.removesuffix("+00:00") + "Z"
    return datetime.fromtimestamp(unix_seconds).astimezone().isoformat(timespec="milliseconds")


class Timestamps:
    """Puts before each line when its first byte was written, by the task's clock.

    stdout and stderr have lines of their own: one that is not over is held until it is, so that the
    other stream's does not come into its middle. `started_at` is in seconds since 1970.
    """

    def __init__(self, *, utc: bool) -> None:
        self.started_at = 0.0
        self._utc = utc
        self._held: dict[bool, bytearray] = {False: bytearray(), True: bytearray()}
        self._times = {False: 0, True: 0}
        # The stream whose line was written without its end.
        self._open: bool | None = None

    @property
    def holds(self) -> bool:
        """Whether a part of a line is held."""
        return any(self._held.values())

    def feed(self, chunk: Chunk) -> bytes:
        """Return what can be written now."""
        written = bytearray()
        *lines, rest = chunk.data.split(b"\n")
        for line in lines:
            self._add(line + b"\n", chunk, written)
        if rest:
            self._add(rest, chunk, written)
        return bytes(written)

    def flush(self) -> bytes:
        """Return what is held, though its lines have no end."""
        written = bytearray()
        for stream in (False, True):
            if self._held[stream]:
                self._write(stream, written)
        return bytes(written)

    def _add(self, line: bytes, chunk: Chunk, written: bytearray) -> None:
        stream = chunk.is_error
        held = self._held[stream]
        if not held:
            self._times[stream] = chunk.time
        held += line
        if held.endswith(b"\n") or len(held) > MAX_HELD_BYTES:
            self._write(stream, written)

    def _write(self, stream: bool, written: bytearray) -> None:
        line = self._held[stream]
        if self._open is not None and self._open is not stream:
            written += b"\n"
        if self._open is not stream:
            written += f"{self._time(stream)} ".encode()
        written += line
        self._open = None if line.endswith(b"\n") else stream
        line.clear()

    def _time(self, stream: bool) -> str:
        return moment_text(self.started_at + self._times[stream] / MICROSECONDS, utc=self._utc)
