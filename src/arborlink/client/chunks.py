"""The pieces of a task's output, as its reader gets them."""

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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a terminal shows at `offset`: `data`, written to a terminal of `cols` by `rows` that was
    just reset, draws it. It replaces everything that was read before."""

    offset: int
    cols: int
    rows: int
    data: bytes

    @property
    def end(self) -> int:
        """The offset at which the output continues."""
        return self.offset


@dataclass(frozen=True, slots=True)
class TerminalChange:
    """A terminal has this size from `offset` on. `controls`: its size is this viewer's to set, and
    this viewer answers the program's questions."""

    offset: int
    cols: int
    rows: int
    controls: bool

    @property
    def end(self) -> int:
        """The offset at which the output continues."""
        return self.offset
