"""The two halves of the log between hops (design rule 1). Pure: offsets only, never bytes.

`SendStream` has three offsets in a log `[start, end)`: the peer has everything below `acked`
durably, everything below `sent` was sent, and the peer permits sending up to `limit`.
`ReceiveStream` says which part of an arriving range is new. Offsets are bytes; the bytes at an
offset never change, so any chunking will do and sending twice is harmless.

Invariants:  acked <= sent <= end,  start <= sent while attached unless pruned since,  sent <= limit
unless the limit shrank or a gap was declared.
"""

from __future__ import annotations

from dataclasses import dataclass

from arborlink.protocol.errors import LocalProtocolError, OffsetOutOfOrder, RemoteProtocolError
from arborlink.protocol.gaps import GapsAbove


@dataclass(frozen=True, slots=True)
class Missing:
    """The peer wants `[start, end)`, which is no longer kept here: it must be declared a gap."""

    start: int
    end: int


class SendStream:
    """The sending half of one log. Detached (nothing may be sent) until `resume`."""

    __slots__ = ("_attached", "_gap_on_its_way", "acked", "end", "limit", "sent", "start")

    def __init__(self, start: int = 0, end: int = 0) -> None:
        if not 0 <= start <= end:
            raise LocalProtocolError(f"a log cannot begin at {start} and end at {end}")
        self.start = start
        self.end = end
        self.acked = start
        self.sent = start
        self.limit = start
        self._attached = False
        self._gap_on_its_way = False

    def grow(self, end: int) -> None:
        """Note that the log has grown to `end`."""
        if end < self.end:
            raise LocalProtocolError(f"a log cannot shrink from {self.end} to {end}")
        self.end = end

    def prune(self, start: int) -> None:
        """Note that bytes below `start` are not kept here any more."""
        self.start = max(self.start, min(start, self.end))

    def resume(self, offset: int, credit: int) -> Missing | None:
        """Attach a new connection: the peer has everything below `offset` durably.

        Raises:
            RemoteProtocolError: the peer claims bytes that were never written here.
        """
        if offset > self.end:
            raise RemoteProtocolError(
                f"the peer has {offset} bytes of a log that ends at {self.end}",
                code="log_diverged",
            )
        self._attached = True
        missing = Missing(offset, self.start) if offset < self.start else None
        self.acked = self.sent = max(offset, self.start)
        # Missing bytes count as acknowledged; the gap itself is on its way.
        self._gap_on_its_way = missing is not None
        self.limit = offset + credit
        return missing

    def detach(self) -> None:
        """Detach an ended connection: what was on its way may be lost."""
        self._attached = False
        self.sent = self.acked

    def acknowledge(self, offset: int, credit: int) -> None:
        """Note that the peer has everything below `offset` durably, and takes `credit` more.

        Raises:
            RemoteProtocolError: bytes are acknowledged that were never written here.
        """
        if not self._attached:
            return
        # An offset beyond `sent` is no error: an earlier connection sent these bytes.
        if offset > self.end:
            raise RemoteProtocolError(
                f"{offset} is acknowledged but only {self.end} was written", code="ack_beyond_sent"
            )
        if offset < self.acked:
            # A late repetition. Its credit is outdated as well: applying it would stall the stream.
            return
        self.acked = offset
        self.sent = max(self.sent, offset)
        self._gap_on_its_way = False
        self.limit = offset + credit

    def next_range(self, max_bytes: int) -> tuple[int, int] | None:
        """Return the next `[from, to)` to send, at most `max_bytes`; None if there is none."""
        if not self._attached:
            return None
        to = min(self.end, self.limit, self.sent + max_bytes)
        return (self.sent, to) if to > self.sent else None

    def mark_sent(self, to: int) -> None:
        """Note that everything below `to` has been sent."""
        if not self._attached or not self.sent <= to <= self.end:
            raise LocalProtocolError(f"cannot have sent up to {to}: {self!r}")
        self.sent = to

    @property
    def attached(self) -> bool:
        """Whether a connection is attached."""
        return self._attached

    @property
    def unacknowledged(self) -> int:
        """Bytes on their way."""
        return self.sent - self.acked

    @property
    def all_acknowledged(self) -> bool:
        """Whether the peer has the whole log, as far as it goes now, for good."""
        return self.acked == self.end and not self._gap_on_its_way

    def __repr__(self) -> str:
        return (
            f"SendStream(start={self.start}, acked={self.acked}, sent={self.sent}, "
            f"limit={self.limit}, end={self.end}, attached={self._attached})"
        )


class ReceiveStream:
    """The receiving half of one log: `end` is where it goes on, `durable` what is kept for good."""

    __slots__ = ("_gaps", "durable", "end", "window")

    def __init__(self, end: int = 0, *, window: int) -> None:
        self.end = end
        self.durable = end
        self.window = window
        self._gaps = GapsAbove(end)

    def receive(self, offset: int, length: int) -> int | None:
        """Return how many of the bytes `[offset, offset + length)` to skip; None if all are known.

        After a number the caller appends the rest, which is what `end` now counts.

        Raises:
            OffsetOutOfOrder: they begin beyond `end`; nothing was changed.
            RemoteProtocolError: they go beyond the credit given; nothing was changed.
        """
        if offset > self.end:
            raise OffsetOutOfOrder(
                f"bytes at {offset} arrived, but the log ends at {self.end}", want=self.end
            )
        to = offset + length
        if to <= self.end:
            return None
        self._check_credit(to)
        skip = self.end - offset
        self.end = to
        return skip

    def receive_gap(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the new part of a declared gap, now below `end`; None if all of it is known.

        A gap is not held to the credit: it carries no bytes.

        Raises:
            OffsetOutOfOrder: it begins beyond `end`; nothing was changed.
            RemoteProtocolError: it is empty, or ends before it begins.
        """
        if end <= start:
            raise RemoteProtocolError(f"a gap cannot go from {start} to {end}", code="empty_gap")
        if start > self.end:
            raise OffsetOutOfOrder(
                f"a gap at {start} arrived, but the log ends at {self.end}", want=self.end
            )
        if end <= self.end:
            return None
        new = (self.end, end)
        self._gaps.add(*new)
        self.end = end
        return new

    def _check_credit(self, to: int) -> None:
        allowed = self.durable + self.window + self._gaps.total
        if to > allowed:
            raise RemoteProtocolError(
                f"bytes up to {to} arrived, but only {allowed} were allowed",
                code="credit_exceeded",
            )

    def advance_durable(self, offset: int) -> None:
        """Note that everything below `offset` is durable."""
        if not self.durable <= offset <= self.end:
            raise LocalProtocolError(
                f"cannot have kept {offset} of a log between {self.durable} and {self.end}"
            )
        self.durable = offset
        self._gaps.rise(offset)

    @property
    def unacknowledged(self) -> int:
        """Bytes that have arrived and are not kept for good yet; gaps are none."""
        return self.end - self.durable - self._gaps.total

    @property
    def credit(self) -> int:
        """Bytes the peer may send beyond `durable`."""
        return self.window
