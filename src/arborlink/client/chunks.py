"""What a task's output is made of, as its reader gets it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one of the command's two streams. `time` is in µs since the task's start."""

    offset: int
    is_error: bool
    time: int
    data: bytes

    @property
    def end(self) -> int:
        """The offset behind its last byte."""
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class Gap:
    """The bytes `[start, end)` can never arrive; `reason` says why."""

    start: int
    end: int
    reason: str
