"""The parts of a log, as its readers see it. Pure."""

from dataclasses import dataclass
from typing import Final

GAP_REASONS: Final = (
    "lost",
    "spool_full",
    "spool_pruned",
    "spool_corrupt",
    "size_limit",
    "truncated",
    "corrupt",
)
"""Why bytes can be missing. The position is the code on disk: append only, never reorder."""

_CODES: Final = {reason: code for code, reason in enumerate(GAP_REASONS)}


@dataclass(frozen=True, slots=True)
class Gap:
    """The bytes [start, end) will never arrive; `reason` is one of `GAP_REASONS`."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Output of one stream from `offset` on; `time_us` is its first byte's, since the task's start.

    The byte at `offset + i` is `data[i]`; `is_error` says whether it came from stderr.
    """

    offset: int
    is_error: bool
    time_us: int
    data: bytes

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class Record:
    """One append without its bytes: stream, range and time."""

    offset: int
    length: int
    is_error: bool
    time_us: int

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self.offset + self.length


def reason_code(reason: str) -> int:
    """Return the number of a gap's reason on disk; an unknown reason becomes that of "lost"."""
    return _CODES.get(reason, 0)


def reason_text(code: int) -> str:
    """Return the reason with this number; one from a newer version reads as "lost"."""
    return GAP_REASONS[code] if code < len(GAP_REASONS) else GAP_REASONS[0]


def join_gaps(gaps: list[Gap]) -> list[Gap]:
    """Join gaps that touch and have the same reason; return them by offset."""
    joined: list[Gap] = []
    for gap in gaps:
        if joined and joined[-1].end == gap.start and joined[-1].reason == gap.reason:
            joined[-1] = Gap(joined[-1].start, gap.end, gap.reason)
        else:
            joined.append(gap)
    return joined


def place_gap(gaps: list[Gap], gap: Gap) -> list[Gap]:
    """Put a gap in the place of what it covers of others; one that was joined may stick out."""
    before = [Gap(old.start, min(old.end, gap.start), old.reason) for old in gaps]
    after = [Gap(max(old.start, gap.end), old.end, old.reason) for old in gaps]
    return join_gaps([item for item in (*before, gap, *after) if item.start < item.end])
